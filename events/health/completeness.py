"""What a list of events says of its own completeness: an empty table means something only then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.prepared import Prepared
from events.models import CoveredSpan, MonthCount, SyncState, SyncWindow
from events.storage import clock
from events.sync import coverage
from events.sync.coverage import BEGINNING, Window
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from accounts.models import NexmoAccount
    from events.health.status import AccountStatus

NAMED = 3  # accounts that a sentence names
LOGINS = {"USER_LOGIN", "USER_LOGOUT"}


@dataclass(frozen=True)
class Completeness:
    """How much of an account is archived, and from when to when that is known to be all."""

    account: NexmoAccount
    event_count: int
    complete_until: datetime | None
    complete_since: datetime | None  # None together with a complete_until: since the beginning
    gap_count: int


class _Span(NamedTuple):
    """As much of a CoveredSpan as its dates need."""

    start: datetime | None
    end: datetime


def completeness(accounts: Sequence[NexmoAccount]) -> list[Completeness]:
    """Of several accounts, in as many queries as of one; no more is read than a list of events has to say."""
    keys = [account.pk for account in accounts]
    counts: dict[int, int] = {}
    spans: dict[int, list[Any]] = {}
    for key, count, start, end in _ARCHIVED.rows(*keys) if keys else ():
        counts[key] = count
        if end:  # nothing is covered yet, else
            spans.setdefault(key, []).append(_Span(start, end))
    now = timezone.now()
    return [
        Completeness(account, counts.get(account.pk, 0), *reach(believable(spans.get(account.pk, []), now), now))
        for account in accounts
    ]


_ARCHIVED = Prepared(
    lambda *accounts: (
        SyncState.objects.filter(account__in=accounts)
        .order_by("account__covered_spans__end")
        .values_list("account", "event_count", "account__covered_spans__start", "account__covered_spans__end")
    )
)


def believable(spans: list[CoveredSpan], now: datetime | None = None) -> list[CoveredSpan]:
    """The spans without those that a wrong clock let end in the future: until when they really reach is not known."""
    latest = clock.latest_believable(now)
    return [span for span in spans if span.end <= latest]


def reach(spans: list[CoveredSpan], now: datetime) -> tuple[datetime | None, datetime | None, int]:
    """Until when and since when spans (in order of time) say that all is there, and how many gaps are before that."""
    if not spans:
        return None, None, 0
    return min(spans[-1].end, now), spans[-1].start, len(coverage.gaps(spans))


def coverage_sentence(relevant: Sequence[Completeness | AccountStatus]) -> str:
    """Up to when the events of these accounts are complete."""
    known = [status.complete_until for status in relevant if status.complete_until]
    if not relevant:
        return ""
    if not known:
        return _("Not known to be complete yet.")
    values: dict[str, Any] = {"until": show(min(known)), "known": len(known), "all": len(relevant)}
    if len(relevant) == 1:
        sentence = _("Complete until %(until)s.") % values
    elif len(known) < len(relevant):
        unknown = [status.account.name for status in relevant if not status.complete_until]
        values["unknown"] = ", ".join(unknown[:NAMED]) + ("…" if len(unknown) > NAMED else "")
        sentence = _("Complete until %(until)s for %(known)s of %(all)s accounts; not known for %(unknown)s.") % values
    elif len(relevant) == 2:
        sentence = _("Complete until %(until)s for both accounts.") % values
    else:
        sentence = _("Complete until %(until)s for all %(all)s accounts.") % values
    patchy = sum(1 for status in relevant if status.gap_count or status.complete_since)
    missing = ngettext(
        "Older days are still missing for %(count)s.", "Older days are still missing for %(count)s.", patchy
    )
    return f"{sentence} {missing % {'count': patchy}}" if patchy else sentence


def missing_logins(event_types: Sequence[str], accounts: Sequence[Completeness]) -> str:
    """Where logins are asked for: which accounts never reported one, because Nexmo reports them only to some."""
    if not set(event_types) & LOGINS:
        return ""
    with_events = [status.account for status in accounts if status.event_count]
    logins = MonthCount.objects.filter(account__in=with_events, event_type="USER_LOGIN")
    reporting = set(logins.values_list("account", flat=True))
    names = [account.name for account in with_events if account.pk not in reporting]
    if not names:
        return ""
    sentence = _(
        "No logins were ever reported for %(accounts)s: Nexmo reports logins only to accounts with Premium Support."
    )
    return sentence % {"accounts": ", ".join(names)}


def nothing_archived(statuses: Sequence[AccountStatus]) -> str:
    """Why accounts without a single event have none: "failing", "never-synced" or "no-events"."""
    levels = {status.health.level for status in statuses}
    if "problem" in levels:
        return "failing"
    return "never-synced" if levels & {"working", "waiting"} else "no-events"


def unverified_windows(account: NexmoAccount) -> list[SyncWindow]:
    """What was read, could not be verified, and has not been verified since; the latest reading of each span."""
    spans = [(span.start or BEGINNING, span.end) for span in CoveredSpan.objects.filter(account=account)]
    latest: dict[tuple[date | None, date | None], SyncWindow] = {}
    for window in SyncWindow.objects.filter(account=account, verified=False).order_by("-asked_at")[:200]:
        start, end = Window(window.first_day, window.last_day).span(window.asked_at)
        if not any(known <= (start or BEGINNING) and min(end, window.asked_at) <= until for known, until in spans):
            latest.setdefault((window.first_day, window.last_day), window)
    return list(latest.values())


def missing_within(
    accounts: Sequence[NexmoAccount], start: datetime, end: datetime
) -> list[tuple[NexmoAccount, list[tuple[datetime, datetime]]]]:
    """Of which stretches between two moments (the end is not included) events may be missing, by account; accounts that
    are complete there are left out."""
    spans: dict[int, list[Any]] = {}
    for row in CoveredSpan.objects.filter(account__in=[each.pk for each in accounts], end__gt=start).order_by("end"):
        spans.setdefault(row.account_id, []).append(row)
    missing = []
    for account in accounts:
        stretches, reached = list[tuple["datetime", "datetime"]](), start
        for span in believable(spans.get(account.pk, [])):
            if span.start is not None and span.start > reached:
                stretches.append((reached, min(span.start, end)))
            reached = max(reached, span.end)
            if reached >= end:
                break
        if reached < end:
            stretches.append((reached, end))
        if stretches:
            missing.append((account, stretches))
    return missing
