"""One account: its state in plain words, and "Sync now"."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.models import NexmoAccount
from accounts.tokens.sight import may_see_those_of
from events.detection import watching
from events.detection.findings.open_findings import by_severity
from events.filters.query_string import days_address
from events.health import sparklines
from events.health.asked import asked_in_words
from events.health.calendar import calendar, in_words
from events.health.completeness import coverage_sentence, unverified_windows
from events.health.runs import latest_runs
from events.health.status import is_beginning, statuses
from events.health.timeline import timelines
from events.models import ChainHead, Discrepancy, RemovedEvent, Seal, SyncWindow
from events.operations import tasks
from events.reading import recent
from events.sync.engine import are_refused
from events.views.scope import visible_account

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

WINDOWS_SHOWN, RETENTION_SHOWN = 25, 10


@require_safe
@vary_on_headers("HX-Request")
def account_page(request: HttpRequest, api_key: str) -> HttpResponse:
    """One account: state, coverage, runs."""
    account = visible_account(request, api_key)
    now = timezone.now()
    today = now.astimezone(UTC).date()
    weeks = calendar(account, today)
    (status,) = statuses([account], worker_alive=tasks.worker_is_alive())
    timeline = timelines([status], now)[account.pk]
    runs = latest_runs(account)
    days = recent.by_day([account.pk], today)[account.pk]
    context = {
        "account": account,
        "status": status,
        "moving": status.health.moving,
        "asked": asked_in_words(status),
        "watched_for": watching.reason(account, now) if status.watch else None,
        "coverage": coverage_sentence([status]),
        "findings": by_severity([account.pk]).get(account.pk, []),
        "runs": runs,
        "beginning": is_beginning([run for line in runs for run in line.runs], now),
        "unverified": unverified_windows(account)[:20],
        "windows": SyncWindow.objects.filter(account=account).order_by("-asked_at", "-id")[:WINDOWS_SHOWN],
        "weeks": weeks,
        "weeks_in_words": in_words(weeks),
        "days": sparklines.days(days, today, timeline, lambda day: days_address(account, day, day)),
        "days_in_words": sparklines.in_words(days, today, timeline),
        "days_url": days_address(account, recent.first_day(today)),
        "strip": sparklines.strip(timeline, sparklines.WIDE_STRIP),
        "strip_from": timeline.start.date(),
        "strip_words": timeline.in_words(),
        "first_day": recent.first_day(today),
        "today": today,
        "patterns": sparklines.PATTERNS,
        "head": ChainHead.objects.filter(account=account).first(),
        "seal": Seal.objects.filter(account=account).first(),
        "discrepancies": Discrepancy.objects.filter(account=account).select_related("event")[:20],
        "retention_changes": [
            (change, change.waits(now))
            for change in account.retention_changes.select_related("changed_by")[:RETENTION_SHOWN]
        ],
        "removed": RemovedEvent.objects.filter(account=account).count(),
        "teams": account.teams.order_by("name"),
        "may_sync": NexmoAccount.objects.syncable_by(request.user).filter(pk=account.pk).exists(),
        "may_see_tokens": may_see_those_of(request.user, account),
        "may_manage": request.user.is_staff
        and NexmoAccount.objects.manageable_by(request.user).filter(pk=account.pk).exists(),
    }
    template = "accounts/_status.html" if request.headers.get("HX-Request") else "accounts/account.html"
    return render(request, template, context)


@require_POST
def sync(request: HttpRequest, api_key: str) -> HttpResponse:
    """Have one account synced now."""
    account = visible_account(request, api_key)
    if not NexmoAccount.objects.syncable_by(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied(_("You can read this account but not sync it: ask its owner."))
    if not account.is_active:
        messages.error(
            request, _("%(name)s is inactive; its owner can activate it in the admin.") % {"name": account.name}
        )
    elif are_refused(account):
        messages.error(request, _("No request was sent: Nexmo refused these credentials, and they have not changed."))
    else:
        try:
            tasks.count_request(request.user)
        except tasks.TooManySyncs as error:
            messages.warning(request, str(error))
        else:
            tasks.request_sync(account, request.user)  # the page that follows shows the state, and how it moves
    return redirect(account)
