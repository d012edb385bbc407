"""One session of a user or an address."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from events.detection.findings.marks import marks_of
from events.display.event_table import USUAL
from events.entities.entity import entity
from events.entities.session import session
from events.entities.table import SessionTable
from events.filters.query_string import with_params
from events.health.completeness import completeness, coverage_sentence
from events.reading import BadCursor, Cursor
from events.reading.applications import names_for
from events.reading.filterable import ENTITIES
from events.views.scope import filtered_events
from events.wording.times import length

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

# How long an actor pauses between two sessions, by what addresses call it.
PAUSES = {
    "10": (_("10 minutes"), timedelta(minutes=10)),
    "30": (_("30 minutes"), timedelta(minutes=30)),
    "120": (_("2 hours"), timedelta(hours=2)),
}
USUAL_PAUSE = "30"


@require_safe
def session_page(request: HttpRequest, kind: str, value: str) -> HttpResponse:
    """The session at `at`, a marker as pages have them, or the newest; `pause` says in minutes what ends one."""
    actor = entity(kind, value) if kind in ENTITIES else None
    if actor is None:
        raise Http404
    chosen = request.GET.get("pause", USUAL_PAUSE)
    pause = PAUSES.get(chosen, PAUSES[USUAL_PAUSE])[1]
    try:
        at = Cursor.parse(request.GET["at"]) if request.GET.get("at") else None
    except BadCursor:
        raise Http404 from None
    event_filter = filtered_events(request)
    accounts = event_filter.accounts_by_pk
    found = session(actor, None if event_filter.everything else tuple(accounts), pause, at)
    if found is None:
        raise Http404
    context: dict[str, Any] = {
        "actor": actor,
        "ignores_filters": bool(set(request.GET) - {"at", "pause"}),
        "coverage": coverage_sentence(completeness(list(event_filter.accounts.values()))),
        "session": found,
        "length": length(found.end - found.start),
        "accounts": [accounts[pk] for pk in dict.fromkeys(row.account_id for row in found.rows) if pk in accounts],
        "pauses": [
            (title, request.path + with_params(request.GET, pause=None if name == USUAL_PAUSE else name), span == pause)
            for name, (title, span) in PAUSES.items()
        ],
        "earlier": _at(request, found.before),
        "later": _at(request, found.after),
        "table": SessionTable(
            found.merged,
            session=found,
            shown=[*USUAL, "since"],
            accounts=accounts.values(),
            descriptions=event_filter.type_descriptions,
            list_url=reverse("events:list"),
            oldest_first=True,
            marks=marks_of(found.merged),
            applications=names_for(found.merged),
        ),
    }
    return render(request, "events/session.html", context)


def _at(request: HttpRequest, cursor: Cursor | None) -> str:
    return request.path + with_params(request.GET, at=str(cursor)) if cursor else ""
