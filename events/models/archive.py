"""The archive: events, what else was seen under their ids, and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from events.fields import JSONTextField
from events.masking import mask, shown_value
from events.models.ledger import LedgerEntry, Recorded, RecordedQuerySet
from events.models.querysets import AuditEventQuerySet
from events.storage import ledger

if TYPE_CHECKING:
    from collections.abc import Collection


class AuditEvent(models.Model):
    """One audit event, verbatim (`raw`) and parsed.

    Everything that Nexmo sends is text of an open set: types, sources and ids are data, not choices.
    """

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="events", db_index=False)
    event_id = models.CharField(max_length=255, help_text=_("As received; made from the content if Nexmo sent none."))
    event_id_key = models.CharField(
        max_length=255, blank=True, default="", help_text=_("The id with its ASCII letters in lower case.")
    )
    event_type = models.CharField(max_length=255, blank=True)
    event_type_description = models.TextField(blank=True)
    created_at = models.DateTimeField(help_text=_("Aware, UTC."))
    created_at_basis = models.CharField(
        max_length=64,
        blank=True,
        help_text=_("What the time is based on: the offset it came with, the zone assumed, or the time of fetching."),
    )
    user_email = models.CharField(max_length=320, blank=True, help_text=_("Lower case."))
    user_id = models.CharField(max_length=255, blank=True)
    source = models.CharField(max_length=255, blank=True)
    source_description = models.TextField(blank=True)
    source_ip = models.CharField(max_length=255, blank=True, help_text=_("As received; not always an address."))
    source_ip_key = models.CharField(
        max_length=32,
        blank=True,
        help_text=_("The address as 128 bits in hex, IPv4 mapped, so that networks are ranges."),
    )
    source_country = models.CharField(max_length=255, blank=True, help_text=_("Upper case."))
    context = JSONTextField(null=True, blank=True, help_text=_("The event's own details; any JSON, or nothing."))
    raw = models.TextField(help_text=_("The event as received."))
    searchable = models.TextField(
        blank=True,
        default="",
        help_text=_("The text that searches look in, where it is not just `raw`: escapes read, letters folded."),
    )
    odd_fields = models.CharField(
        max_length=255, blank=True, help_text=_("Fields that were not as documented, comma-separated.")
    )
    reported_account = models.CharField(
        max_length=255, blank=True, help_text=_("The account_id in the event, if it is not the requested account.")
    )
    # No constraint and no index: only runs that brought nothing are ever forgotten (`events.operations.tasks.tidy`).
    run = models.ForeignKey(
        "SyncRun",
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )
    fetched_at = models.DateTimeField(null=True)
    seq = models.PositiveBigIntegerField(
        blank=True, default=None, help_text=_("Its place in the account's chain, from 1; given when it is added.")
    )
    digest = models.CharField(
        max_length=64, blank=True, default="", help_text=_("SHA-256 over the previous digest and this event's record.")
    )

    objects: ClassVar[Any] = AuditEventQuerySet.as_manager()

    # What Nexmo sends as text, beside the id, the context and the event as received.
    TEXTS: ClassVar[tuple[str, ...]] = (
        *("event_type", "event_type_description", "created_at_basis", "user_email", "user_id", "source"),
        *("source_description", "source_ip", "source_country", "odd_fields", "reported_account"),
    )

    class Meta:
        verbose_name = _("event")
        ordering = ("-created_at", "-id")
        constraints = (
            # One event, one row, whatever the letters' case. This index also finds events by id.
            models.UniqueConstraint(fields=("account", "event_id_key"), name="event_once_per_account"),
            models.UniqueConstraint(fields=("account", "seq"), name="event_seq_once"),
        )
        indexes = (
            # Each serves a filter and the order newest first, so that no page sorts (docs/architecture.md).
            models.Index(fields=("created_at", "id"), name="event_time"),
            models.Index(fields=("account", "created_at", "id"), name="event_account_time"),
            models.Index(fields=("event_type", "created_at", "id"), name="event_type_time"),
            models.Index(fields=("account", "event_type", "created_at", "id"), name="event_account_type_time"),
            models.Index(fields=("user_email", "created_at", "id"), name="event_user_time"),
            models.Index(fields=("source_ip_key", "created_at", "id"), name="event_ip_time"),
            models.Index(fields=("source_country", "created_at", "id"), name="event_country_time"),
            models.Index(fields=("source", "created_at", "id"), name="event_source_time"),
        )

    def __str__(self) -> str:
        return f"{self.event_type or 'event'} {self.event_id}"

    def save(self, **kwargs: Any) -> None:
        """Add the event at the end of its account's chain. The database refuses to change one that is there."""
        with AuditEvent.objects.placed_in_chains([self]):
            super().save(**kwargs)

    def get_absolute_url(self) -> str:
        return reverse("events:event", args=[self.account.api_key, self.event_id])

    def mask_texts(self, names: Collection[str] = TEXTS) -> None:
        """Hide what is sensitive in columns of an event that is about to be shown. Never to be saved: the database
        would refuse it."""
        for name in set(self.TEXTS).intersection(names):
            setattr(self, name, mask(getattr(self, name)))

    @cached_property
    def readable_context(self) -> Any:
        """The context as pages can show it to anybody who sees the event."""
        return shown_value(self.context)


class EventConflict(Recorded):
    """The same event id with other content, seen later. The archived event stays; this is kept beside it."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+")
    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="conflicts")
    raw = models.TextField()
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the content, so that each is kept once."))
    run = models.ForeignKey("SyncRun", on_delete=models.PROTECT, null=True, related_name="conflicts")
    seen_at = models.DateTimeField()

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        ordering = ("seen_at", "id")
        constraints = (models.UniqueConstraint(fields=("event", "digest"), name="conflict_once"),)

    def __str__(self) -> str:
        return gettext("conflict of %(event)s") % {"event": self.event_id}

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.raw, self.digest, self.seen_at)
        return [ledger.Entry(LedgerEntry.Kind.CONFLICT, self.pk, self.account_id, values, self.event.seq)]


class EventType(models.Model):
    """A code and what Nexmo says it means, learnt from OPTIONS."""

    code = models.CharField(max_length=255, unique=True)
    description = models.TextField(blank=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    listed_at = models.DateTimeField(
        null=True, help_text=_("When OPTIONS last listed it; empty if only events show it.")
    )

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code
