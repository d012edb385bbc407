"""Views: the list of them, opening, saving, changing, starring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.filters.form import EventFilter
from events.filters.pills import Pill, pills
from events.filters.saved import CODES, View, canonical, read_query, views_of
from events.filters.saved_form import ViewForm
from events.models import SavedView, Star
from events.views.scope import own_view, visible_accounts, visible_view

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


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
    }
    return render(request, "views/list.html", context)


@require_safe
def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """The short address of a view leads to the list that it stands for."""
    return redirect(f"{reverse('events:list')}?{visible_view(request, pk).query}")


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Save the filter in `query` as a view."""
    view = SavedView()
    view.owner_id = request.user.pk  # type: ignore[assignment]  # who is logged in has a key
    return _form(request, view, canonical(read_query(request.GET.get("query", "")) or QueryDict()))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a view, describe it, share it."""
    return _form(request, own_view(request, pk), "")


def _form(request: HttpRequest, view: SavedView, query: str) -> HttpResponse:
    accounts = visible_accounts(request)
    posted = request.POST if request.method == "POST" else None
    form = ViewForm(posted, accounts=accounts, instance=view, query=query)
    if posted is not None and form.is_valid() and (kept := form.keep()):
        saved = _("The view %(name)s was saved.")
        replaced = _("The filter of the view %(name)s was replaced.")
        messages.success(request, (replaced if form.replaces else saved) % {"name": kept.name})
        return redirect(f"{reverse('events:list')}?{kept.query}")
    typed = view.query if view.pk else query if posted is None else posted.get("query", "")
    params = read_query(typed)
    context: dict[str, Any] = {
        "form": form,
        "view": view,
        "has_filter": bool(typed),
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
    return redirect(f"{reverse('events:list')}?{query}" if request.POST.get("to") == "list" else "events:views")
