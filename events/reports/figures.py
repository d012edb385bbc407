"""What a view's events of a period were like for one reader: counted in one pass, within that reader's sight."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Max
from django.http import QueryDict
from django.utils import timezone

from accounts.models import NexmoAccount
from events.detection.rules import known_rules
from events.export.about import accounts_of
from events.export.columns import Shape
from events.export.files import FORMATS, csv_lines
from events.filters.form import EventFilter
from events.health.completeness import missing_within
from events.models import Finding, FindingAccount
from events.reading.counts import count_all
from events.reading.stream import stream_rows
from events.reading.users import one_user
from events.reports.due import Period

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from django.contrib.auth.models import User

    from events.models import SavedView
    from events.reading import Count, Row
    from events.reading.conditions import Conditions

TOP = 10
MOST_FINDINGS = 10
MOST_CSV_BYTES = 5 * 1024 * 1024
RENEW_EVERY = 5_000  # events
COUNTED_FOR = 20  # seconds, of the period before
TIMES = ("period", "date_from", "date_to", "order")


class Unreadable(Exception):
    """The view's filter cannot be read, or names what this reader may not see."""


@dataclass
class Figures:
    """What there is to tell of a period.

    Attributes:
        before: how many events the period before had; None where that is not known to be complete.
        days: each day of the period in order, and how many events it had.
        missing: stretches of which events may be missing, by account.
        unknown_days: days that such stretches touch.
        accounts: all that the view asks about.
        csv: the events as a file; "" where they are too many, and not asked for.
        query: the view's filter over this period.
    """

    total: int
    before: Count | None
    days: list[tuple[date, int]]
    types: list[tuple[str, int]]
    by_account: list[tuple[NexmoAccount, int]]
    users: list[tuple[str, int]]
    countries: list[tuple[str, int]]
    accounts: list[NexmoAccount]
    missing: list[tuple[NexmoAccount, list[tuple[datetime, datetime]]]]
    findings: list[tuple[Finding, str]]
    finding_count: int
    query: str
    descriptions: dict[str, str] = field(default_factory=dict)
    unknown_days: frozenset[date] = frozenset()
    csv: str = ""


@dataclass
class _Counted:
    """What one pass over the events counts; the first of them are kept for the file."""

    days: Counter[date] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    accounts: Counter[int] = field(default_factory=Counter)
    users: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, conditions: Conditions, most_rows: int, renew: Callable[[], object]) -> _Counted:
        counted, zone = cls(), timezone.get_current_timezone()
        for number, row in enumerate(stream_rows(conditions)):
            if number % RENEW_EVERY == 0:
                renew()
            counted.days[row.created_at.astimezone(zone).date()] += 1
            counted.types[row.event_type] += 1
            counted.accounts[row.account_id] += 1
            if row.user_email:
                counted.users[one_user(row.user_email)] += 1
            if row.source_country:
                counted.countries[row.source_country] += 1
            if number <= most_rows:
                counted.rows.append(row)
        return counted


def figures(
    view: SavedView, user: User, frequency: str, period: Period, renew: Callable[[], object], *, attach_csv: bool
) -> Figures:
    """Everything that a report tells. The reader's language and zone are in force.

    Args:
        renew: called every now and then; what it raises ends the work.
    Raises:
        Unreadable: the filter is none for this reader.
    """
    visible = NexmoAccount.objects.list_visible_to(user)
    everything = NexmoAccount.objects.sees_all(user)
    event_filter = _filter(view, period, visible, everything=everything)
    accounts = accounts_of(event_filter)
    most_rows = settings.REPORT_CSV_ROWS if attach_csv else -1
    counted = _Counted.of(event_filter.conditions, most_rows, renew)
    total, known = counted.types.total(), {account.pk: account for account in visible}
    renew()
    missing = missing_within(accounts, period.start, period.end)
    findings, finding_count = _findings(accounts, period)
    return Figures(
        total=total,
        before=_before(view, frequency, period, visible, everything=everything),
        days=[(day, counted.days[day]) for day in _days(period)],
        types=counted.types.most_common(TOP),
        by_account=[(known[pk], count) for pk, count in counted.accounts.most_common(TOP) if pk in known],
        users=counted.users.most_common(TOP),
        countries=counted.countries.most_common(TOP),
        accounts=accounts,
        missing=missing,
        findings=findings,
        finding_count=finding_count,
        query=event_filter.data.urlencode(),
        descriptions=event_filter.type_descriptions,
        unknown_days=_touched(stretch for _account, stretches in missing for stretch in stretches),
        csv=_csv(counted.rows, known) if 0 < total <= most_rows else "",
    )


def _filter(view: SavedView, period: Period, visible: Sequence[NexmoAccount], *, everything: bool) -> EventFilter:
    """The view's filter over whole days of the reader's, whatever days it names itself."""
    params = QueryDict(view.query, mutable=True)
    for name in TIMES:
        params.pop(name, None)
    params["date_from"], params["date_to"] = str(period.first_day), str(period.last_day)
    event_filter = EventFilter(params, accounts=visible, everything=everything, most_characters=None)
    if not event_filter.is_valid():
        raise Unreadable
    return event_filter


def _before(
    view: SavedView, frequency: str, period: Period, visible: Sequence[NexmoAccount], *, everything: bool
) -> Count | None:
    earlier = Period.before(frequency, period.start, timezone.get_current_timezone())
    event_filter = _filter(view, earlier, visible, everything=everything)
    if missing_within(accounts_of(event_filter), earlier.start, earlier.end):
        return None
    return count_all(event_filter.conditions, COUNTED_FOR)


def _days(period: Period) -> list[date]:
    count = (period.last_day - period.first_day).days + 1
    return [period.first_day + timedelta(days=number) for number in range(count)]


def _touched(stretches: object) -> frozenset[date]:
    days = set()
    zone = timezone.get_current_timezone()
    for start, end in stretches:  # type: ignore[attr-defined]
        day = start.astimezone(zone).date()
        while day <= (end - timedelta(microseconds=1)).astimezone(zone).date():
            days.add(day)
            day += timedelta(days=1)
    return frozenset(days)


def _csv(rows: Sequence[Row], accounts: dict[int, NexmoAccount]) -> str:
    """The events as exports write them; "" where that is too large for a mail."""
    shape = Shape(FORMATS["csv"].columns, timezone.get_current_timezone(), byte_order_mark=True)
    text = "".join(csv_lines(rows, accounts, shape))
    return text if len(text.encode()) <= MOST_CSV_BYTES else ""


def _findings(accounts: Sequence[NexmoAccount], period: Period) -> tuple[list[tuple[Finding, str]], int]:
    """Findings of the period in these accounts that nobody has dealt with, the worst first, with their titles; and how
    many there are."""
    parts = FindingAccount.objects.filter(
        account__in=[account.pk for account in accounts],
        found_at__gte=period.start,
        found_at__lt=period.end,
        state__in=Finding.UNFINISHED,
    )
    worst = parts.order_by().values("finding").annotate(severity=Max("severity"), last=Max("found_at"))
    keys = [row["finding"] for row in worst.order_by("-severity", "-last", "-finding")[:MOST_FINDINGS]]
    found = Finding.objects.defer("details").in_bulk(keys)
    listed = []
    for key in keys:
        if finding := found.get(key):
            advice = known_rules.advice_of(known_rules.rule_of(finding.rule))
            listed.append((finding, advice.title if advice else finding.title))
    return listed, worst.count()
