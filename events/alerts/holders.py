"""For whom somebody may set up alerts: themselves, and teams where they may triage findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.teams.sight import all_teams

if TYPE_CHECKING:
    from django.contrib.auth.models import Group
    from django.db.models import QuerySet

    from accounts.models import AnyUser


def teams_of(user: AnyUser) -> QuerySet[Group]:
    """Teams whose alerts the user may set up: those that the user is in, all for a superuser."""
    if not user.has_perm("events.triage_finding"):  # type: ignore[union-attr]
        return all_teams().none()
    return all_teams() if user.is_superuser else all_teams().filter(user=user.pk)  # type: ignore[union-attr]
