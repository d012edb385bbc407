"""How many events there are, by account, day and type, and by month for long spans; and which were the first.

Kept in the transaction that adds events (`events.storage.appending`) and checked by `manage.py verify_archive`. The
day rollup has about a quarter as many rows as there are events where accounts are many and quiet, so long spans read
months.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from events.models.querysets import ScopedQuerySet


class DayCount(models.Model):
    """Events of one account, day (UTC) and type."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField(help_text=_("UTC."))
    event_type = models.CharField(max_length=255, blank=True)
    count = models.PositiveIntegerField()

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "day", "event_type"), name="day_count_once"),)

    def __str__(self) -> str:
        return gettext("%(count)s %(type)s of %(account)s on %(day)s") % {
            "count": self.count,
            "type": self.event_type,
            "account": self.account_id,
            "day": self.day,
        }


class MonthCount(models.Model):
    """Events of one account, month (UTC) and type."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    month = models.DateField(help_text=_("Its first day, UTC."))
    event_type = models.CharField(max_length=255, blank=True)
    count = models.PositiveIntegerField()

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "month", "event_type"), name="month_count_once"),)
        # Counts of a type are asked for over all months. The count is not in it: writing one leaves it alone.
        indexes = (models.Index(fields=("event_type", "account", "month"), name="month_count_type"),)

    def __str__(self) -> str:
        return gettext("%(count)s %(type)s of %(account)s in %(month)s") % {
            "count": self.count,
            "type": self.event_type,
            "account": self.account_id,
            "month": f"{self.month:%Y-%m}",
        }


class ApplicationName(models.Model):
    """The newest event that names an application of an account (`events.storage.application_names`)."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    application_id = models.CharField(max_length=64, help_text=_("In lower case."))
    # No constraint: retention removes events first, and then looks for the next ones.
    event = models.ForeignKey(
        "AuditEvent", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField()
    words = models.TextField(default="", db_default="", help_text=_("Of the name, as searches compare them."))

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("application_id", "account"), name="application_name_once"),)
        indexes = (models.Index(fields=("account", "words", "application_id"), name="application_words"),)

    def __str__(self) -> str:
        return self.application_id


class FirstSeen(models.Model):
    """A user's first event from a country in an account, as far as the archive goes (`events.storage.first_seen`)."""

    # No constraint: retention removes events first, and then looks for the next ones.
    event = models.OneToOneField(
        "AuditEvent", primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    user_email = models.CharField(max_length=320)
    source_country = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("account", "user_email", "source_country"), name="first_seen_once"),
        )
        indexes = (models.Index(fields=("created_at", "event"), name="first_seen_time"),)

    def __str__(self) -> str:
        return f"{self.user_email} {self.source_country}"
