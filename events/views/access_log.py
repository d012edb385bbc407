"""The access log: for auditors all of it, for everybody what they did themselves."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import permissions
from accounts.access import telling
from accounts.access.filters import AccessFilter
from accounts.access.models import AccessEntry
from accounts.access.note import Rows, rows_of
from events.export.csv_text import as_csv
from events.export.formulas import harmless, harmless_json
from events.export.limits import LimitedStream, TooManyExports, take_place
from events.export.refusal import busy
from events.filters.query_string import with_params

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

SIZE = 50
LOOK_BACK = 100_000  # entries of which a page reads the ones that a filter without an index finds
CHUNK = 1_000
BYTE_ORDER_MARK = "\ufeff"


class AccessTable(tables.Table):
    """Entries as a page shows them; templates/access/_table.html draws it."""

    at = tables.Column(gettext_lazy("Time"))
    person = tables.Column(gettext_lazy("Person"))
    action = tables.Column(gettext_lazy("Action"))
    what = tables.Column(gettext_lazy("What"), accessor="pk")
    accounts = tables.Column(gettext_lazy("Accounts"))
    more = tables.Column(gettext_lazy("Details"), accessor="pk")
    via = tables.Column(gettext_lazy("By"))
    address = tables.Column(gettext_lazy("Address"))

    class Meta:
        orderable = False
        default = ""

    def render_at(self, value: Any) -> Any:
        return value  # the page shows it in the reader's zone

    def render_what(self, record: AccessEntry) -> str:
        return telling.what(record)

    def render_accounts(self, record: AccessEntry) -> str:
        return ", ".join(record.api_keys)

    def render_more(self, record: AccessEntry) -> str:
        return "; ".join(telling.more(record))

    def render_via(self, record: AccessEntry) -> str:
        return f"{record.get_via_display()} {record.via_id}".strip()


@require_safe
@never_cache
def access_log(request: HttpRequest) -> HttpResponse:
    """The access log, newest first. `before`: the page's place."""
    _require_auditor(request)
    chosen = AccessFilter(request.GET, queryset=AccessEntry.objects.all())
    rows = chosen.qs if chosen.is_valid() else AccessEntry.objects.none()
    rows, end = _near(rows, chosen, request.GET.get("before", "")) if chosen.is_slow else (rows, None)
    found, older = _page(rows, request)
    end = None if older else end
    context = {
        "form": chosen.form,
        "entries": AccessTable(found),
        "subject": _("Filter: %(conditions)s.") % {"conditions": chosen.in_words},
        "older": older,
        "searched_to": end,
        "further": with_params(request.GET, before=_place(end.at, end.pk + 1)) if end else "",
        "query": with_params(request.GET, before=None),
        "narrows": any(request.GET.get(name) for name in chosen.form.fields),
    }
    return render(request, "access/log.html", context)


@require_safe
@never_cache
def own_activity(request: HttpRequest) -> HttpResponse:
    """What the reader did, newest first: not others who had the name before, nor a system's user of that name.
    `before`: the page's place."""
    found, older = _page(AccessEntry.objects.filter(person_pk=request.user.pk), request)
    table = AccessTable(found, exclude=("person",))
    return render(request, "access/activity.html", {"entries": table, "older": older})


@require_safe
def export_access_log(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The filtered entries of the access log as a file, newest first, with all that is stored of them."""
    _require_auditor(request)
    if kind not in _FORMATS:
        raise Http404
    chosen = AccessFilter(request.GET, queryset=AccessEntry.objects.all())
    if not chosen.is_valid():
        return HttpResponse(_what_is_wrong(chosen), status=400, content_type="text/plain; charset=utf-8")
    media_type, lines = _FORMATS[kind]
    name = f"access-log-{timezone.localdate().isoformat()}.{kind}"
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=media_type)
    else:
        try:
            place = take_place(request.user.pk, name)
        except TooManyExports as error:
            return busy(request, error.names, reverse("events:access"))
        parts = lines(_chunks(chosen.qs), rows_of(request))
        response = StreamingHttpResponse(LimitedStream(parts, place, parts.close), content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _what_is_wrong(chosen: AccessFilter) -> str:
    """A line for each wrong field, with its name in the address."""
    fields = chosen.form.fields
    return "\n".join(
        f"{fields[name].label} ({name}): {' '.join(map(str, errors))}" for name, errors in chosen.form.errors.items()
    )


def _require_auditor(request: HttpRequest) -> None:
    if not request.user.has_perm(permissions.VIEW_ACCESS_LOG):
        raise PermissionDenied(_("The access log is for auditors: ask an administrator for that role."))


def _page(rows: QuerySet[AccessEntry], request: HttpRequest) -> tuple[list[AccessEntry], str]:
    """Some entries older than the address says, and the address of the next ones; "" where there are none."""
    before = request.GET.get("before", "")
    if before and _read_place(before) is None:
        messages.warning(request, _("The address of this page was not complete. These are the newest entries."))
    rows = _older(rows, before)
    found = list(rows.order_by("-at", "-pk")[: SIZE + 1])
    if len(found) <= SIZE:
        return found, ""
    last = found[SIZE - 1]
    return found[:SIZE], with_params(request.GET, before=_place(last.at, last.pk))


def _near(
    rows: QuerySet[AccessEntry], chosen: AccessFilter, place: str
) -> tuple[QuerySet[AccessEntry], AccessEntry | None]:
    """Of what is filtered, what is among the next LOOK_BACK entries of the days, and the first entry beyond those; None
    where there is none."""
    of_days = _older(chosen.of_days(), place).only("at", "pk").order_by("-at", "-pk")
    end = of_days[LOOK_BACK : LOOK_BACK + 1].first()
    if end is None:
        return rows, None
    return rows.filter(Q(at__gt=end.at) | Q(at=end.at, pk__gt=end.pk), at__gte=end.at), end


def _place(at: datetime, pk: int) -> str:
    return f"{at.isoformat()}_{pk}"


def _read_place(place: str) -> tuple[datetime, int] | None:
    """The moment and key of a place; None where nobody gave it."""
    moment, _underscore, pk = place.partition("_")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    if at.tzinfo is None or not 2000 < at.year < 2100 or not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return None
    return at, int(pk)


def _older(rows: QuerySet[AccessEntry], place: str) -> QuerySet[AccessEntry]:
    """Entries after a place; a place that nobody gave is none."""
    if (read := _read_place(place)) is None:
        return rows
    at, pk = read
    # The first condition, which the other implies, has databases begin there and not at the newest.
    return rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk), at__lte=at)


def _chunks(rows: QuerySet[AccessEntry]) -> Generator[list[AccessEntry], None, None]:
    """All of them, a query for each chunk: no transaction that a slow reader could keep open."""
    rows, place = rows.order_by("-at", "-pk"), ""  # as indexes have them
    while chunk := list(_older(rows, place)[:CHUNK]):
        place = _place(chunk[-1].at, chunk[-1].pk)
        yield chunk


def _csv(chunks: Iterable[list[AccessEntry]], rows: Rows) -> Generator[str, None, None]:
    yield BYTE_ORDER_MARK + as_csv([telling.FILE_COLUMNS])
    rows.wrote(0)
    for chunk in chunks:
        yield as_csv(map(_csv_row, chunk))
        rows.wrote(len(chunk))


def _csv_row(entry: AccessEntry) -> list[str]:
    row = telling.file_row(entry)
    row |= {"accounts": ",".join(row["accounts"]), "detail": harmless_json(entry.detail)}
    return [value if name == "detail" else harmless("" if value is None else str(value)) for name, value in row.items()]


def _ndjson(chunks: Iterable[list[AccessEntry]], rows: Rows) -> Generator[str, None, None]:
    rows.wrote(0)
    for chunk in chunks:
        yield "".join(json.dumps(telling.file_row(entry), ensure_ascii=False) + "\n" for entry in chunk)
        rows.wrote(len(chunk))


_FORMATS: dict[str, tuple[str, Any]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "ndjson": ("application/x-ndjson", _ndjson),
}
