"""The current filter as a file."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access.note import rows_of
from accounts.login import confirm
from accounts.models import NexmoAccount
from events.export.about import accounts_of, describe
from events.export.columns import Shape
from events.export.files import FORMATS, TextFormat, WholeFormat
from events.export.limits import LimitedStream, Place, TooManyExports, blocks, take_place
from events.export.names import file_name
from events.export.progress import BROKEN, PACKING, SENDING, Progress, ProgressReporter, TrackedStream, owns
from events.export.refusal import busy, refusal, refused
from events.export.shape import BadChoice, read_shape
from events.export.watch import SightLost, sees_still
from events.filters.parameters import OTHERS
from events.filters.query_string import page_address, with_params
from events.reading import count
from events.reading.counts import may_be_more_than
from events.reading.stream import stream_rows
from events.views.scope import chosen_account, filtered_events
from events.wording.codes import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from accounts.access.note import Rows
    from accounts.models import NexmoAccount
    from events.export.columns import OnRows
    from events.filters.form import EventFilter

logger = logging.getLogger(__name__)


@require_safe
def export(request: HttpRequest, kind: str, api_key: str | None = None) -> HttpResponseBase:
    """All filtered events of one account, or of all accounts the reader may see, as a file."""
    account = chosen_account(request, api_key)
    if kind not in FORMATS:
        raise Http404
    file_format = FORMATS[kind]
    event_filter = filtered_events(request, account)
    if answer := refusal(request, event_filter, account):
        return answer
    try:
        shape = read_shape(
            request.GET.getlist("columns"),
            request.GET.get("times", ""),
            request.GET.get("bom", "yes"),
            file_format.columns,
        )
    except BadChoice as error:
        return refused(request, event_filter, account, str(error))
    shape = replace(shape, whole=NexmoAccount.objects.sees_sensitive(request.user))
    chosen = [account.api_key] if account else event_filter.active.get("account") or []
    name = file_name(event_filter, account, kind)
    # Not what they were filtered by: people search for e-mail addresses.
    logger.info(
        "%s exports events as %s from %s", request.user.get_username(), kind, ", ".join(chosen) or "all accounts"
    )
    total = count(event_filter.conditions)
    if may_be_more_than(settings.REAUTHENTICATE_ROWS, event_filter.conditions, total) and confirm.is_due(request):
        return _ask_first(request, account)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=file_format.media_type)
    else:
        seen = [account.pk for account in accounts_of(event_filter)]
        allowed = partial(sees_still, request.user.pk, seen, whole=shape.whole and file_format.as_received)
        try:
            place = take_place(request.user.pk, name, allowed)
        except TooManyExports as error:
            back = reverse("events:account_list", args=[api_key]) if api_key else reverse("events:list")
            return busy(request, error.names, back)
        try:
            job = _job(request, name, None if total.at_least else total.number)
            wrote = _counting(rows_of(request), job)
            response = (
                _text(file_format, event_filter, shape, job, place, wrote)
                if isinstance(file_format, TextFormat)
                else _whole(file_format, event_filter, shape, request.user.get_username(), job, place, wrote)
            )
        except SightLost:  # while a whole file was made
            place.release()
            raise Http404 from None
        except BaseException:
            place.release()
            raise
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    if not total.at_least:
        response["X-Total-Count"] = str(total.number)
    return response


def _ask_first(request: HttpRequest, account: NexmoAccount | None) -> HttpResponseBase:
    """Who takes so much away says once more who they are, and then presses the button again."""
    text = _("Exports of more than %(rows)s rows need a confirmation first. Then start the export again.")
    messages.info(request, text % {"rows": grouped(settings.REAUTHENTICATE_ROWS)})
    back = with_params(request.GET, **dict.fromkeys(OTHERS))
    return confirm.ask(request, page_address("export_page", account) + back)


def _job(request: HttpRequest, name: str, total: int | None) -> ProgressReporter | None:
    """Where to note how far it is, if a page of ours waits to be told."""
    token = request.GET.get("job", "")
    if not owns(request.user.pk, token):
        return None
    announced = request.GET.get("announced", "")
    on_the_page = int(announced) if announced.isascii() and announced.isdecimal() and len(announced) < 16 else None
    return ProgressReporter(request.user.pk, token, Progress(name, total if on_the_page is None else on_the_page))


def _counting(rows: Rows, job: ProgressReporter | None) -> OnRows:
    """Who is told of rows as they are written: the access log, and a page that waits."""
    rows.wrote(0)
    if job is None:
        return rows.wrote

    def both(written: int) -> None:
        rows.wrote(written)
        job.wrote(written)

    return both


def _text(
    file_format: TextFormat,
    event_filter: EventFilter,
    shape: Shape,
    job: ProgressReporter | None,
    place: Place,
    wrote: OnRows,
) -> HttpResponseBase:
    """Sent while the events are read."""
    lines = file_format.lines(event_filter.conditions, event_filter.accounts_by_pk, shape, wrote)
    return _stream(file_format.media_type, lines, lines.close, job, place)


def _whole(
    file_format: WholeFormat,
    event_filter: EventFilter,
    shape: Shape,
    who: str,
    job: ProgressReporter | None,
    place: Place,
    wrote: OnRows,
) -> HttpResponseBase:
    """Made as a temporary file before the first byte is sent."""
    about = describe(event_filter, shape, who)
    rows = place.renewing(stream_rows(event_filter.conditions))
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when all is sent
    try:
        if job:
            packing = partial(job.note, PACKING)
            file_format.write(rows, event_filter.accounts_by_pk, file, shape, about, wrote, packing)
            job.note(SENDING)
        else:
            file_format.write(rows, event_filter.accounts_by_pk, file, shape, about, wrote)
    except BaseException:
        if job:
            job.note(BROKEN)
        file.close()
        raise
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    response = _stream(file_format.media_type, blocks(file), file.close, job, place)
    response["Content-Length"] = str(size)
    return response


def _stream(
    media_type: str, parts: Iterator[Any], close: Callable[[], None], job: ProgressReporter | None, place: Place
) -> StreamingHttpResponse:
    if job:
        tracked = TrackedStream(parts, job, close)
        parts, close = tracked, tracked.close
    return StreamingHttpResponse(LimitedStream(parts, place, close), content_type=media_type)
