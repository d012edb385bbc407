"""The accounts I may see: how each does, how fresh and how complete it is, and what happened in its last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from accounts.models import NexmoAccount, profile_of
from events.detection.findings.open_findings import OpenFindings, by_severity
from events.detection.worth_a_look import worth_a_look
from events.filters.query_string import days_address, with_params
from events.health import sparklines
from events.health.account_list import ATTENTION, AccountFilter, chosen, heads, in_order
from events.health.status import NEEDS_ATTENTION, statuses
from events.health.timeline import timelines
from events.operations import tasks
from events.reading import recent
from events.views.scope import visible_accounts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from events.health.status import AccountStatus
    from events.health.timeline import Timeline

ON_A_PAGE = 100
FEW = 20


@dataclass(frozen=True)
class Line:
    """One account as the table shows it."""

    status: AccountStatus
    strip: SafeString
    spark: SafeString
    recent: int
    recent_url: str
    findings: list[OpenFindings]  # the worst first
    managed: NexmoAccount | None  # with owner and teams, for who may change them


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def account_list(request: HttpRequest) -> HttpResponse:
    """All accounts I may see; a POST has those synced that I may sync."""
    if request.method == "POST":
        return _sync_all(request)
    all_statuses = statuses(visible_accounts(request), worker_alive=tasks.worker_is_alive())
    filters = AccountFilter(request.GET)
    shown = chosen(all_statuses, filters)
    today = timezone.now().astimezone(UTC).date()
    order = in_order(shown, filters.order, lambda: recent.totals([status.account.pk for status in shown], today))
    page = Paginator(order, ON_A_PAGE).get_page(request.GET.get("page"))
    times = timelines(list(page), timezone.now())
    lines = _lines(request, page, times, today)
    context = {
        "filters": filters,
        "worth_a_look": worth_a_look(
            [status.account for status in all_statuses],
            profile_of(request.user),
            everything=NexmoAccount.objects.sees_all(request.user),
        ),
        "page": page,
        "lines": lines,
        "heads": {
            name: (head, with_params(request.GET, sort=head.order, page=None))
            for name, head in heads(filters.order).items()
        },
        "links": _links(request, page),
        "known": len(all_statuses),
        "shown": len(shown),
        "attention": sum(status.health.level in NEEDS_ATTENTION for status in all_statuses),
        "attention_url": f"?health={ATTENTION}",
        "here": request.get_full_path(),
        "moving": any(line.status.health.moving for line in lines),
        "pause": 1 if len(lines) <= FEW else 5,  # seconds
        "since": next((timeline.start.date() for timeline in times.values()), None),
        "patterns": sparklines.PATTERNS,
        "syncable": NexmoAccount.objects.syncable_by(request.user).active().exists(),
        "event_count": sum(status.event_count for status in shown),
    }
    # Polling gets the very part that the first page shows.
    template = "accounts/_table.html" if request.headers.get("HX-Request") else "accounts/list.html"
    return render(request, template, context)


def _sync_all(request: HttpRequest) -> HttpResponse:
    accounts = NexmoAccount.objects.syncable_by(request.user).active()
    try:
        tasks.count_request(request.user)
    except tasks.TooManySyncs as error:
        messages.warning(request, str(error))
        return redirect("events:accounts")
    if not tasks.request_syncs(accounts, request.user) and not accounts.exists():
        messages.warning(request, _("There are no accounts you can sync."))
    return redirect("events:accounts")


def _lines(request: HttpRequest, page: Page[AccountStatus], times: dict[int, Timeline], today: date) -> list[Line]:
    """The accounts of one page with their pictures, in as many queries as for one account."""
    on_page = list(page)
    keys = [status.account.pk for status in on_page]
    counts = recent.by_day(keys, today)
    managed = NexmoAccount.objects.manageable_by(request.user).filter(pk__in=keys)
    managed = managed.select_related("owner").prefetch_related("teams").defer("api_secret", "api_secret_secondary")
    known = {account.pk: account for account in managed}
    findings = by_severity(keys)
    return [
        Line(
            status=status,
            strip=sparklines.strip(times[status.account.pk]),
            spark=sparklines.spark(counts[status.account.pk], today, times[status.account.pk]),
            recent=sum(counts[status.account.pk]),
            recent_url=days_address(status.account, recent.first_day(today)),
            findings=findings.get(status.account.pk, []),
            managed=known.get(status.account.pk),
        )
        for status in on_page
    ]


def _links(request: HttpRequest, page: Page[AccountStatus]) -> dict[str, str]:
    """The neighbouring pages; an empty text where there is none."""
    return {
        "previous": with_params(request.GET, page=str(page.previous_page_number())) if page.has_previous() else "",
        "next": with_params(request.GET, page=str(page.next_page_number())) if page.has_next() else "",
    }
