"""How events were fetched: runs, windows, coverage, and where each account stands."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from events.models.ledger import LedgerEntry, Recorded, RecordedQuerySet
from events.models.querysets import ScopedQuerySet
from events.storage import ledger


class SyncRun(models.Model):
    """The record of one sync of one account."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        INCOMPLETE = "incomplete", _("Incomplete")  # some window could not be verified
        FAILED = "failed", _("Failed")
        INTERRUPTED = "interrupted", _("Interrupted")

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("Schedule")
        PERSON = "person", _("Sync now")
        COMMAND = "command", _("Command")

    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="sync_runs")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RUNNING)
    trigger = models.CharField(max_length=16, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    doing = models.CharField(max_length=200, blank=True, help_text=_("What it is doing now, for display."))
    expected = models.PositiveIntegerField(null=True, help_text=_("Events to read, by the API's count."))
    seen = models.PositiveIntegerField(default=0, help_text=_("Event rows read."))
    added = models.PositiveIntegerField(default=0, help_text=_("Events new to the archive."))
    conflicts_found = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    windows_verified = models.PositiveIntegerField(default=0)
    windows_unverified = models.PositiveIntegerField(default=0)
    problem_code = models.CharField(max_length=40, blank=True)
    problem = models.TextField(blank=True, help_text=_("What went wrong and what to do, in plain words."))

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    lease_owner: str = ""  # while it runs: the token with which this process holds the account

    class Meta:
        ordering = ("-started_at", "-id")
        indexes = (models.Index(fields=("account", "-started_at", "-id"), name="run_account_time"),)

    def __str__(self) -> str:
        return gettext("Sync %(number)s") % {"number": self.pk}

    @property
    def percent(self) -> int | None:
        """How far it is, 0 to 100, or None when the API has not said how much there is."""
        return min(100, self.seen * 100 // self.expected) if self.expected else None


class SyncWindow(Recorded):
    """A span of days that a run asked for. Verified when every event the API counted there is archived.

    Those that could not be verified are entered in the ledger.
    """

    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="sync_windows")
    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="windows")
    first_day = models.DateField(null=True, help_text=_("Empty: since the beginning."))
    last_day = models.DateField(null=True, help_text=_("Empty: up to the time of the request."))
    asked_at = models.DateTimeField()
    verified = models.BooleanField()
    covered_until = models.DateTimeField(
        null=True, help_text=_("The end of the coverage it added; empty: it added none, or it was withdrawn.")
    )
    reason = models.TextField(blank=True, help_text=_("Why it is not verified."))
    reported = models.PositiveIntegerField(null=True, help_text=_("The API's own count for the requested span."))
    received = models.PositiveIntegerField(default=0, help_text=_("Distinct events received for it."))
    pages = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    repeats = models.PositiveIntegerField(default=0, help_text=_("How often it was retried with the same outcome."))
    asked_again_at = models.DateTimeField(null=True, help_text=_("When that was last; empty: never."))

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        indexes = (models.Index(fields=("account", "verified", "-asked_at"), name="window_account_verified"),)

    def __str__(self) -> str:
        return gettext("%(first)s to %(last)s") % {
            "first": self.first_day or gettext("beginning"),
            "last": self.last_day or gettext("now"),
        }

    def ledger_entries(self) -> list[ledger.Entry]:
        if self.verified:
            return []
        values = (self.first_day, self.last_day, self.asked_at, self.reason, self.reported, self.received)
        return [ledger.Entry(LedgerEntry.Kind.WINDOW, self.pk, self.account_id, values)]


class CoveredSpan(models.Model):
    """A stretch of time of one account in which every event the API counted is archived. Spans never touch."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="covered_spans")
    start = models.DateTimeField(null=True, help_text=_("Empty: since the beginning."))
    end = models.DateTimeField()

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("account", "end")

    def __str__(self) -> str:
        return gettext("%(first)s to %(last)s") % {"first": self.start or gettext("beginning"), "last": self.end}


class SyncState(models.Model):
    """Where the syncing of one account stands: what is due, who is at it, what is wrong."""

    account = models.OneToOneField(NexmoAccount, on_delete=models.CASCADE, primary_key=True, related_name="sync_state")
    due_at = models.DateTimeField(null=True, help_text=_("Next scheduled sync; empty: as soon as possible."))
    wanted_at = models.DateTimeField(null=True, help_text=_("When someone last requested a sync that has not started."))
    wanted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=100, blank=True, help_text=_("Host, process and a token of the holder."))
    current_run = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, related_name="+")
    last_run = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, related_name="+")
    last_success_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text=_("Failed runs in a row."))
    problem_code = models.CharField(max_length=40, blank=True)
    problem = models.TextField(blank=True)
    refused_credentials = models.CharField(
        max_length=40,
        blank=True,
        help_text=_("Fingerprint of the credentials Nexmo refused; they are not tried again."),
    )
    types_asked_at = models.DateTimeField(null=True)
    filters_ignored = models.BooleanField(default=False, help_text=_("The API ignored the requested dates."))
    event_count = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, help_text=_("When all counts were last compared with Nexmo's."))
    next_request_at = models.DateTimeField(
        null=True, help_text=_("Nexmo gets no request before this time; each request moves it on, from any process.")
    )

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    watched_until = models.DateTimeField(
        null=True, help_text=_("Until then it is synced more often, because something suspicious was found.")
    )
    watch_hour = models.DateTimeField(null=True, help_text=_("The hour that `watch_requests` counts."))
    watch_requests = models.PositiveIntegerField(default=0, help_text=_("Requests of that hour made by such syncs."))

    def __str__(self) -> str:
        return gettext("sync state of %(account)s") % {"account": self.account_id}


class RequestCount(models.Model):
    """How many requests were made in an account's name, by the status of the answer. Only ever grows."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="request_counts")
    status = models.CharField(max_length=8, help_text=_("Such as 200 or 429; none: there was no answer."))
    count = models.PositiveBigIntegerField(default=0)

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "status"), name="request_count_account_status"),)

    def __str__(self) -> str:
        return f"{self.count} x {self.status}"


class WorkerBeat(models.Model):
    """When each worker process was last alive, so that pages can say that none is running."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()

    objects: ClassVar[Any] = models.Manager()

    def __str__(self) -> str:
        return self.name
