"""The last days of accounts, counted by the day rollup: days of UTC, today the last."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db.models import Sum

from events.models import DayCount

if TYPE_CHECKING:
    from collections.abc import Collection

DAYS = 30


def first_day(today: date) -> date:
    return today - timedelta(days=DAYS - 1)


def by_day(accounts: Collection[int], today: date) -> dict[int, list[int]]:
    """Events of each of the last DAYS days, oldest first, by account."""
    first = first_day(today)
    counts = {account: [0] * DAYS for account in accounts}
    rows = DayCount.objects.filter(account__in=accounts, day__gte=first, day__lte=today).order_by()
    for account, day, count in (
        rows.values("account", "day").annotate(events=Sum("count")).values_list("account", "day", "events")
    ):
        counts[account][(day - first).days] = count
    return counts


def totals(accounts: Collection[int], today: date) -> dict[int, int]:
    """Events of the last DAYS days, by account; accounts without any are left out."""
    rows = DayCount.objects.filter(account__in=accounts, day__gte=first_day(today), day__lte=today).order_by()
    return dict(rows.values("account").annotate(events=Sum("count")).values_list("account", "events"))
