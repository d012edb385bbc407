"""The few things worth a look now, each compared with what is usual for that very account or user.

From rollups and from types of event that are rare, so that the size of the archive does not matter. Nothing is rated:
each finding says what it compares, and leads to just those events.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.db.models import Sum
from django.utils import timezone

from events.fields import dump_json
from events.masking import mask
from events.models import AuditEvent, DayCount, FirstSeen, SyncState
from events.storage import clock
from events.wording.sentences import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RECENT = timedelta(days=14)
ESTABLISHED = timedelta(days=30)  # a user is at home where he was first seen so long before
USUAL_DAYS, BURST_DAYS = 30, 3
BURST, LEAST_BURST = 3, 30  # times the busiest usual day, and events
SILENT_DAYS, ACTIVE_DAYS = 3, 15
HOURS_KNOWN, LEAST_HOURS_KNOWN, UNUSUAL = 300, 100, 0.02  # events before, and the share of them near that time of day
MOST_LOOKED_AT = 100
KEPT, TIMES_KEPT = 60, 600  # seconds that what was found, and what is usual, are believed
MOST = 5

ALLOW, SECRET = "IP_WHITELIST_CREATE", "ACCOUNT_SECRET_CREATE"


@dataclass(frozen=True)
class Notable:
    """One thing worth a look.

    Attributes:
        kind: "country", "everybody", "secret", "burst", "silent" or "failing".
        account_id: where.
        at: when it happened, or began.
        values: what its sentence is made of.
    """

    kind: str
    account_id: int
    at: datetime
    values: dict[str, Any]

    @property
    def key(self) -> str:
        """What it is dismissed by: the same thing has the same key."""
        text = f"{self.kind} {self.account_id} {self.at.isoformat()} {self.values.get('user', '')}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def notable(accounts: Sequence[int]) -> list[Notable]:
    """What is worth a look in these accounts, the newest first; looked up once a minute in each process."""
    cache, key = caches["local"], f"notable:{hash(tuple(accounts))}"
    findings: list[Notable] | None = cache.get(key)
    if findings is None:
        now = timezone.now()
        findings = [
            *_new_countries(accounts, now),
            *_rare_events(accounts, now),
            *_unusual_days(accounts, now),
            *_failing(accounts),
        ]
        findings.sort(key=lambda finding: finding.at, reverse=True)
        cache.set(key, findings, KEPT)
    return findings


def _new_countries(accounts: Sequence[int], now: datetime) -> Iterator[Notable]:
    """Users who turned up in a country beside another one where they have been for long."""
    seen = FirstSeen.objects.filter(account_id__in=accounts).order_by("-created_at")
    latest = clock.latest_believable(now)
    columns = ("account_id", "user_email", "source_country", "created_at")
    newcomers = list(
        seen.filter(created_at__gte=now - RECENT, created_at__lte=latest).values_list(*columns)[:MOST_LOOKED_AT]
    )
    if not newcomers:
        return
    homes: dict[tuple[int, str], list[tuple[datetime, str]]] = defaultdict(list)
    for account, user, country, at in seen.filter(user_email__in={user for _, user, _, _ in newcomers}).values_list(
        *columns
    ):
        homes[account, user].append((at, country))
    for account, user, country, at in newcomers:
        before = sorted(home for home in homes[account, user] if home[0] <= at - ESTABLISHED)
        if before:
            yield Notable(
                "country",
                account,
                at,
                {"user": user, "country": country, "home": before[0][1], "since": before[0][0]},
            )


def _rare_events(accounts: Sequence[int], now: datetime) -> Iterator[Notable]:
    """An allow list opened to everybody, and secrets made when nobody else works."""
    events = AuditEvent.objects.filter(account_id__in=accounts, event_type__in=(ALLOW, SECRET))
    events = events.filter(created_at__gte=now - RECENT, created_at__lte=clock.latest_believable(now))
    columns = ("account_id", "event_type", "created_at", "event_id", "user_email", "context")
    secrets = 0
    for account, event_type, at, event_id, user, context in events.order_by("-created_at", "-id").values_list(*columns)[
        :MOST_LOOKED_AT
    ]:
        user = mask(user)
        if event_type == ALLOW:
            written = dump_json(context)
            if opened := next((network for network in EVERYBODY if f'"{network}"' in written), ""):
                yield Notable("everybody", account, at, {"user": user, "network": opened, "event": event_id})
        elif (secrets := secrets + 1) <= MOST and (usual := _times_of_day(account, now)):
            near, known = sum(_apart(at, other) <= 3_600 for other in usual), len(usual)
            if known >= LEAST_HOURS_KNOWN and near <= known * UNUSUAL:
                yield Notable("secret", account, at, {"user": user, "near": near, "known": known, "event": event_id})


def _times_of_day(account: int, now: datetime) -> list[datetime]:
    """When the account's last events before the recent ones happened: what is usual there."""
    cache, key = caches["local"], f"times-of-day:{account}"
    times: list[datetime] | None = cache.get(key)
    if times is None:
        before = AuditEvent.objects.filter(account_id=account, created_at__lt=now - RECENT)
        times = list(before.order_by("-created_at", "-id").values_list("created_at", flat=True)[:HOURS_KNOWN])
        cache.set(key, times, TIMES_KEPT)
    return times


def _apart(one: datetime, other: datetime) -> float:
    """Seconds between two times of day, whichever way round is shorter."""
    distance = abs((one - other).total_seconds()) % 86_400
    return min(distance, 86_400 - distance)


def _unusual_days(accounts: Sequence[int], now: datetime) -> Iterator[Notable]:
    """Days far busier than any of the weeks before, and accounts that went silent."""
    today = now.astimezone(UTC).date()
    counts: dict[int, dict[date, int]] = defaultdict(dict)
    rows = DayCount.objects.filter(account_id__in=accounts, day__gt=today - timedelta(days=USUAL_DAYS + BURST_DAYS))
    for account, day, total in (
        rows.filter(day__lte=today, count__gt=0).order_by().values("account_id", "day").annotate(total=Sum("count"))
    ).values_list("account_id", "day", "total"):
        counts[account][day] = total
    border = today - timedelta(days=BURST_DAYS)
    for account, days in counts.items():
        usual = {day: total for day, total in days.items() if day <= border}
        busiest = max(usual.values(), default=0)
        day, total = max(
            ((day, total) for day, total in days.items() if day > border), key=lambda pair: pair[1], default=(today, 0)
        )
        if usual and total >= max(BURST * busiest, LEAST_BURST):
            yield Notable("burst", account, _start(day), {"total": total, "busiest": busiest, "day": day})
        # Today has only begun.
        if len(usual) >= ACTIVE_DAYS and not any(day > border for day in days):
            last = max(usual)
            yield Notable("silent", account, _start(last), {"day": last, "active": len(usual)})


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _failing(accounts: Sequence[int]) -> Iterator[Notable]:
    """Accounts whose events do not arrive any more."""
    states = SyncState.objects.filter(account_id__in=accounts, account__is_active=True).exclude(problem_code="")
    for account, last, problem in states.values_list("account_id", "last_success_at", "problem"):
        yield Notable("failing", account, last or datetime(1970, 1, 1, tzinfo=UTC), {"since": last, "problem": problem})
