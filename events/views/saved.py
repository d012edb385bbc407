"""Views: the list of them, opening, saving, changing, starring."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.kept_forms import restored
from accounts.teams.sight import may_manage
from events.filters.form import EventFilter
from events.filters.parameters import unknown
from events.filters.pills import Pill, pills
from events.filters.query_string import OPENED
from events.filters.saved import CODES, View, canonical, opened_address, read_query, views_of
from events.filters.saved_form import QueryForm, ViewForm
from events.models import SavedView, Star
from events.views.scope import own_view, visible_accounts, visible_view
from events.wording.marking import coded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

SAVED = gettext_lazy("The view %(name)s was saved.")
REPLACED = gettext_lazy("The filter of the view %(name)s was replaced.")


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All views that the reader may choose from, each with its filter in words."""
    views = views_of(request.user)
    filters = EventFilter(QueryDict(), accounts=visible_accounts(request))

    def in_words(group: list[View]) -> list[tuple[View, list[Pill]]]:
        return [(view, pills(filters, QueryDict(view.query))) for view in group]

    groups = (
        ("starred", _("Starred"), views.starred),
        ("mine", _("Mine"), views.mine),
        ("teams", _("My teams"), views.teams),
        ("builtin", _("Built in"), views.others),
    )
    context = {
        "groups": [(slug, title, in_words(group)) for slug, title, group in groups],
        "has_own": any(view.mine for view in views.saved),
        "manages_teams": may_manage(request.user),
    }
    return render(request, "views/list.html", context)


@require_safe
def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """The short address of a view leads to the list that it stands for."""
    return redirect(opened_address(visible_view(request, pk).query, pk))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Save the filter in `query` as a view. `view`: the key of the one it was made from, whose words it begins with."""
    view = SavedView()
    view.owner_id = request.user.pk  # type: ignore[assignment]  # who is logged in has a key
    initial = {"query": canonical(read_query(request.GET.get("query", "")) or QueryDict())}
    if origin := views_of(request.user).named(request.GET.get(OPENED, "")):
        most = SavedView._meta.get_field("name").max_length
        initial["name"] = (_("Copy of %(name)s") % {"name": coded(origin.name)})[:most]
        initial["description"] = coded(origin.description)
    return _form(request, view, initial, unknown(read_query(request.GET.get("query", "")) or ()))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a view, describe it, share it."""
    return _form(request, own_view(request, pk), {})


@require_POST
def update(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a view the filter in `query`; its name, its description and who sees it stay."""
    view = own_view(request, pk)
    form = QueryForm(request.POST, accounts=visible_accounts(request), instance=view)
    if not form.is_valid():
        for text in form.errors.get("query", ()):
            messages.error(request, str(text))
        return redirect(view)
    form.save()
    messages.success(request, REPLACED % {"name": view.name})
    return redirect(opened_address(view.query, pk))


def _form(request: HttpRequest, view: SavedView, initial: dict[str, str], unread: Sequence[str] = ()) -> HttpResponse:
    """
    Args:
        unread: what to say of parameters that would not be saved.
    """
    accounts = visible_accounts(request)
    data = request.POST if request.method == "POST" else restored(request)
    form = ViewForm(data, accounts=accounts, instance=view, initial=initial)
    if request.method == "POST" and form.is_valid() and (kept := form.keep()):
        messages.success(request, (REPLACED if form.replaces else SAVED) % {"name": kept.name})
        return redirect(opened_address(kept.query, kept.pk))
    typed = view.query if view.pk else (initial if data is None else data).get("query", "")
    params = read_query(typed)
    context: dict[str, Any] = {
        "form": form,
        "view": view,
        "has_filter": bool(typed),
        "unread": unread,
        "cancel": typed if params is not None else "",
        "pills": pills(EventFilter(params or QueryDict(), accounts=accounts)),
    }
    return render(request, "views/form.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then delete a view, with the stars of those who had it at hand."""
    view = own_view(request, pk)
    if request.method == "POST":
        view.delete()
        messages.success(request, _("The view %(name)s was deleted.") % {"name": view.name})
        return redirect("events:views")
    return render(request, "views/delete.html", {"view": view})


@require_http_methods(["GET", "HEAD", "POST"])
def unshare(request: HttpRequest, pk: int) -> HttpResponse:
    """Take another person's view from their team, for who manages teams: its owner keeps it."""
    view = visible_view(request, pk)
    if view.team is None or view.owner_id == request.user.pk or not may_manage(request.user):
        raise Http404
    if request.method == "POST":
        SavedView.objects.filter(pk=pk, team=view.team).update(team=None)
        names = {"name": view.name, "team": view.team.name}
        messages.success(request, _("The view %(name)s is no longer shared with %(team)s.") % names)
        logger.info("%s takes view %s from team %s", request.user.get_username(), pk, view.team.pk)
        return redirect("events:views")
    return render(request, "views/unshare.html", {"view": view})


@require_POST
def star(request: HttpRequest) -> HttpResponse:
    """Give a view a star, or take it back (`starred` empty). `view`: a key, or the code of a built-in one."""
    chosen = request.POST.get("view", "")
    if chosen in CODES:
        which: dict[str, Any] = {"builtin": chosen, "view": None}
        query = next(view.query for view in views_of(request.user).builtin if view.builtin == chosen)
    elif chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
        view = visible_view(request, int(chosen))
        which, query = {"builtin": "", "view": view}, view.query
    else:
        raise Http404
    if request.POST.get("starred"):
        Star.objects.get_or_create(user=request.user, **which)
    else:
        Star.objects.filter(user=request.user.pk, **which).delete()
    return redirect(opened_address(query, chosen) if request.POST.get("to") == "list" else "events:views")
