"""What will be in an export, how many rows, in which shape; and how far one is that runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.models import profile_of
from events.display import zones
from events.export.columns import COLUMNS
from events.export.files import FORMATS
from events.export.progress import DONE, new_token, owns, read
from events.export.refusal import refusal, refused
from events.export.shape import BadChoice, read_shape
from events.filters.parameters import OTHERS, SHAPE
from events.filters.pills import pills
from events.filters.query_string import page_address, with_params
from events.reading.counts import announce, count_all
from events.views.scope import chosen_account, filtered_events
from events.wording.codes import grouped

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from events.export.progress import Progress

COUNTED_FOR = 20  # seconds
# Without news for so long, something may be wrong; without any for longer, the page stops asking.
QUIET, SILENT = 10, 600


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def export_page(request: HttpRequest, api_key: str | None = None) -> HttpResponse:
    """The export page of one account, or of all accounts the reader may see."""
    account = chosen_account(request, api_key)
    event_filter = filtered_events(request, account)
    if answer := refusal(request, event_filter, account):
        return answer
    try:
        # Without a choice none is ticked: each kind of file then has its usual columns.
        shape = read_shape(
            request.GET.getlist("columns"), request.GET.get("times", ""), request.GET.get("bom", "yes"), usual=()
        )
    except BadChoice as error:
        return refused(request, event_filter, account, str(error))
    to_the_end = request.GET.get("count") == "all"
    clear: dict[str, str | None] = dict.fromkeys(OTHERS)
    context: dict[str, Any] = {
        "account": account,
        "count": count_all(event_filter.conditions, COUNTED_FOR) if to_the_end else announce(event_filter.conditions),
        "to_the_end": to_the_end,
        "seconds": COUNTED_FOR,
        "count_all": request.path + with_params(request.GET, **(clear | {"count": "all"})),
    }
    if to_the_end and request.headers.get("HX-Request"):
        return render(request, "events/_export_count.html", context)
    query = with_params(request.GET, **(clear | dict.fromkeys(SHAPE)))
    own = str(profile_of(request.user).own_zone)
    context |= {
        "back": page_address("list", account) + query,
        "evidence": page_address("evidence", account) + query,
        "pills": pills(event_filter),
        "conditions": [
            (name, value)
            for name, values in request.GET.lists()
            if name not in (*SHAPE, *OTHERS)
            for value in values
            if value
        ],
        "kinds": [(file_format.title, page_address("export", account, kind)) for kind, file_format in FORMATS.items()],
        "columns": [(name, name in shape.columns) for name in COLUMNS],
        # The zones to choose from, those that are likely first, and the chosen one.
        "zones": dict.fromkeys((own, str(shape.zone), "UTC")),
        "further_zones": zones.places(),
        "zone": str(shape.zone),
        "bom": shape.byte_order_mark,
        "token": new_token(request.user.pk),
    }
    return render(request, "events/export.html", context)


@require_safe
@never_cache
def progress(request: HttpRequest) -> HttpResponse:
    """How far an export of the reader's own is, as the part of the page that asks."""
    token = request.GET.get("job", "")
    if not owns(request.user.pk, token):
        raise Http404
    noted, now = read(request.user.pk, token), time.time()
    sent = request.GET.get("since", "")
    since = int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 12 else int(now)
    quiet = max(int(now - (noted.at if noted else since)), 0)
    goes_on = quiet < SILENT and not (noted and noted.is_over)
    context = {
        "noted": noted,
        "goes_on": goes_on,
        "quiet": quiet if quiet >= QUIET else 0,
        "differs": _difference(noted) if noted else "",
        "since": since,
        # What is over gives its name to no further export.
        "token": token if goes_on else new_token(request.user.pk),
    }
    return render(request, "events/_export_progress.html", context)


def _difference(noted: Progress) -> str:
    """Why a whole file does not hold as many rows as were announced."""
    if noted.state != DONE or noted.announced is None or noted.rows == noted.announced:
        return ""
    more = noted.rows - noted.announced
    if more > 0:
        return ngettext(
            "That is %(number)s more than expected: it arrived in the meantime.",
            "That is %(number)s more than expected: they arrived in the meantime.",
            more,
        ) % {"number": grouped(more)}
    return _(
        "That is %(number)s fewer than expected: in the meantime the period moved on, "
        "retention removed events, or your access changed."
    ) % {"number": grouped(-more)}
