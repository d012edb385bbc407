"""How many events there are, by account, day and type; and by month, for long spans.

Kept in the transaction that adds events (`events.appending`) and checked by `manage.py verify_archive`. The day rollup
has about a quarter as many rows as there are events where accounts are many and quiet, so long spans read months.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from accounts.models import NexmoAccount
from events.querysets import ScopedQuerySet


class DayCount(models.Model):
    """Events of one account, day (UTC) and type."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField(help_text="UTC.")
    event_type = models.CharField(max_length=255, blank=True)
    count = models.PositiveIntegerField()

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "day", "event_type"), name="day_count_once"),)

    def __str__(self) -> str:
        return f"{self.count} {self.event_type} of {self.account_id} on {self.day}"


class MonthCount(models.Model):
    """Events of one account, month (UTC) and type."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    month = models.DateField(help_text="Its first day, UTC.")
    event_type = models.CharField(max_length=255, blank=True)
    count = models.PositiveIntegerField()

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "month", "event_type"), name="month_count_once"),)

    def __str__(self) -> str:
        return f"{self.count} {self.event_type} of {self.account_id} in {self.month:%Y-%m}"
