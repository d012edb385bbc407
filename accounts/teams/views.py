"""The teams one is in: who else is, and what is shared with them. Reading needs no right in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts import permissions, roles
from accounts.models import NexmoAccount
from accounts.teams import sight

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def team_list(request: HttpRequest) -> HttpResponse:
    """The teams that the reader may see."""
    reader = roles.RoleReader()
    teams = list(sight.with_sizes(sight.teams_visible_to(request.user), request.user))
    for team in teams:
        team.roles = [roles.SENTENCES[role] for role in reader.of_team(team)]
    context = {
        "teams": teams,
        "sees_all": NexmoAccount.objects.sees_all(request.user),
        "may_add": request.user.is_staff and request.user.has_perm(permissions.ADD_TEAMS),
    }
    return render(request, "teams/list.html", context)


@require_safe
def team_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One team: its people, the accounts shared with it, and the roles it carries, in words."""
    team = get_object_or_404(sight.teams_visible_to(request.user).prefetch_related("permissions"), pk=pk)
    reader = roles.RoleReader()
    context = {
        "team": team,
        "roles": [roles.SENTENCES[role] for role in reader.of_team(team)],
        "members": sight.members(team, reader),
        "accounts": sight.shared_accounts(team, request.user),
        "may_edit": sight.may_manage(request.user),
    }
    return render(request, "teams/team.html", context)
