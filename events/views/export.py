"""The current filter as a file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from events import export
from events.reading.stream import stream_raw, stream_rows
from events.views.scope import filtered_events, visible_account

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from accounts.models import NexmoAccount

logger = logging.getLogger(__name__)

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@require_safe
def merged(request: HttpRequest, kind: str) -> HttpResponseBase:
    """All filtered events of the accounts the reader may see."""
    return _export(request, kind, None)


@require_safe
def one_account(request: HttpRequest, api_key: str, kind: str) -> HttpResponseBase:
    """All filtered events of one account."""
    return _export(request, kind, visible_account(request, api_key))


def _export(request: HttpRequest, kind: str, account: NexmoAccount | None) -> HttpResponseBase:
    if kind not in TYPES:
        raise Http404
    found = filtered_events(request, account)
    if not found.form.is_valid():
        # A file with nothing in it would look like an answer.
        return render(request, "events/export_refused.html", {"form": found.form, "account": account}, status=400)
    stamp = timezone.localtime().strftime("%Y%m%d-%H%M%S")
    chosen = [account.api_key] if account else found.active.get("account") or []
    name = f"events-{chosen[0] if len(chosen) == 1 else 'all' if not chosen else 'some'}-{stamp}.{kind}"
    # Not what they were filtered by: people search for e-mail addresses.
    logger.info(
        "%s exports events as %s from %s", request.user.get_username(), kind, ", ".join(chosen) or "all accounts"
    )
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=TYPES[kind])
    elif kind == "xlsx":
        rows = stream_rows(found.conditions)
        response = FileResponse(export.xlsx_file(rows, found.accounts_by_pk), content_type=TYPES[kind])
    else:
        lines = (
            export.csv_lines(stream_rows(found.conditions), found.accounts_by_pk)
            if kind == "csv"
            else export.ndjson_lines(stream_raw(found.conditions))
        )
        response = StreamingHttpResponse(lines, content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
