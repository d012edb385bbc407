"""What proves the archive: chain heads, seals, and the record of everything that was ever removed."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from accounts.validators import text_validator
from events.models.ledger import LedgerEntry, Recorded, RecordedQuerySet
from events.models.querysets import ScopedQuerySet
from events.storage import ledger
from events.storage.transactions import lock_table

if TYPE_CHECKING:
    from datetime import datetime


def new_chain_id() -> str:
    """A name for a chain that no other chain has, so that its events fit into no other."""
    return uuid.uuid4().hex


class ChainHead(Recorded):
    """The newest link of an account's chain. Locked while links are added, so that there is one order.

    It is made with the account's first event or seal, and that enters the account in the ledger.
    """

    account = models.OneToOneField(NexmoAccount, on_delete=models.CASCADE, primary_key=True, related_name="chain_head")
    chain_id = models.CharField(max_length=32, default=new_chain_id)
    seq = models.PositiveBigIntegerField(default=0, help_text=_("How many events were ever linked."))
    digest = models.CharField(max_length=64, blank=True, help_text=_("Empty before the first event."))

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    def __str__(self) -> str:
        return gettext("%(account)s at %(number)s") % {"account": self.account_id, "number": self.seq}

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.account.api_key, self.chain_id)
        return [ledger.Entry(LedgerEntry.Kind.ACCOUNT, self.account_id, self.account_id, values)]


class Seal(models.Model):
    """A signed statement of a chain's head. The statement is kept as it was signed; the fields repeat it for search."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="seals")
    seq = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    statement = models.TextField(help_text=_("Canonical JSON, exactly as signed."))
    signature = models.CharField(max_length=128, help_text=_("Ed25519 over the statement, in hex."))
    key_id = models.CharField(max_length=16, help_text=_("The beginning of the public key's SHA-256."))
    sent_to = models.TextField(blank=True, help_text=_("Channels it was sent to, and their responses."))

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-sealed_at", "-id")
        indexes = (models.Index(fields=("account", "seq"), name="seal_account_seq"),)

    def __str__(self) -> str:
        return gettext("seal of %(account)s at %(number)s") % {"account": self.account_id, "number": self.seq}


class Removal(Recorded):
    """One act of retention: what was removed, by which rule, by whom."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="removals")
    removed_at = models.DateTimeField()
    older_than = models.DateTimeField(help_text=_("Events before this were removed."))
    reason = models.TextField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    count = models.PositiveBigIntegerField()
    held = models.PositiveBigIntegerField(default=0, help_text=_("Events that a legal hold kept."))

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        ordering = ("-removed_at", "-id")

    def __str__(self) -> str:
        return ngettext(
            "removal of %(count)s event of %(account)s", "removal of %(count)s events of %(account)s", self.count
        ) % {"count": self.count, "account": self.account_id}

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.removed_at, self.older_than, self.reason, self.requested_by_id, self.count, self.held)
        return [ledger.Entry(LedgerEntry.Kind.REMOVAL, self.pk, self.account_id, values)]


class RemovedEvent(models.Model):
    """What is left of a removed event: its place in the chain and the hash of its record, which the chain needs."""

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    seq = models.PositiveBigIntegerField()
    record_hash = models.CharField(max_length=64)
    removal = models.ForeignKey(Removal, on_delete=models.PROTECT, related_name="events")

    objects: ClassVar[Any] = ScopedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "seq"), name="removed_once"),)

    def __str__(self) -> str:
        return gettext("removed event %(number)s of %(account)s") % {"number": self.seq, "account": self.account_id}


class LegalHold(Recorded):
    """Nothing of an account (or of any) and a range of days is removed while the hold stands. Holds are never deleted,
    and a released one stays released.
    """

    ENDED_AT = "released_at"

    account = models.ForeignKey(
        NexmoAccount,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="legal_holds",
        help_text=_("Empty: all accounts."),
    )
    first_day = models.DateField(null=True, blank=True, help_text=_("Empty: since the beginning."))
    last_day = models.DateField(null=True, blank=True, help_text=_("Empty: no end."))
    reason = models.TextField(help_text=_("The case, and who requested the hold."), validators=[text_validator])
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(first_day=None) | Q(last_day=None) | Q(first_day__lte=models.F("last_day")),
                name="hold_days_in_order",
                violation_error_message=_("The last day is before the first."),
            ),
        )

    def __str__(self) -> str:
        return gettext("hold on %(account)s, %(first)s to %(last)s") % {
            "account": self.account or gettext("all accounts"),
            "first": self.first_day or gettext("beginning"),
            "last": self.last_day or gettext("open end"),
        }

    def save(self, **kwargs: Any) -> None:
        with transaction.atomic():
            # First the turn, then the time: a hold that waited for a removal to end is later than that.
            lock_table(LegalHold, "ROW EXCLUSIVE")
            super().save(**kwargs)

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.first_day, self.last_day, self.reason, self.created_at, self.created_by_id)
        return [ledger.Entry(LedgerEntry.Kind.HOLD, self.pk, self.account_id, values), *self.end_entries()]

    def end_entry(self) -> ledger.Entry:
        values = (self.released_at, self.released_by_id)
        return ledger.Entry(LedgerEntry.Kind.RELEASE, self.pk, self.account_id, values)


def is_shorter(days: int | None, than: int | None) -> bool:
    """Of two times for which events are kept; None: forever."""
    return days is not None and (than is None or days < than)


class RetentionChange(Recorded):
    """How long an account's events are kept was changed. Rows are never changed, and go only with an account that never
    had an event. Written by `events.archive.retention`.
    """

    account = models.ForeignKey(NexmoAccount, on_delete=models.CASCADE, related_name="retention_changes")
    days_before = models.PositiveIntegerField(null=True, help_text=_("Empty: kept forever."))
    days_after = models.PositiveIntegerField(null=True, help_text=_("Empty: kept forever."))
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    effective_at = models.DateTimeField(help_text=_("Until then events are kept as long as before."))

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        ordering = ("-changed_at", "-id")

    def __str__(self) -> str:
        return f"{self.account_id}: {self.days_before} → {self.days_after}"

    @property
    def shortens(self) -> bool:
        return is_shorter(self.days_after, self.days_before)

    def waits(self, now: datetime) -> bool:
        """Whether events are still kept for its sake that are too old for what was chosen since."""
        return self.effective_at > now and is_shorter(self.account.keep_days, self.days_before)

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.days_before, self.days_after, self.changed_at, self.changed_by_id, self.effective_at)
        return [ledger.Entry(LedgerEntry.Kind.RETENTION, self.pk, self.account_id, values)]


class DiscrepancyQuerySet(RecordedQuerySet):
    def standing(self) -> DiscrepancyQuerySet:
        """Those that have not been withdrawn."""
        return self.filter(withdrawn_at=None)


class Discrepancy(Recorded):
    """A difference between the archive and what Nexmo says now. The archive stays as it is; this is noted beside it.

    A mark that proves wrong is withdrawn, not deleted: that it once stood is part of the record.
    """

    ENDED_AT = "withdrawn_at"

    class Kind(models.TextChoices):
        LATE = "late", _("Arrived late")
        VANISHED = "vanished", _("No longer at Nexmo")
        ALTERED = "altered", _("Altered at Nexmo")

    account = models.ForeignKey(NexmoAccount, on_delete=models.PROTECT, related_name="discrepancies")
    event = models.ForeignKey("AuditEvent", on_delete=models.CASCADE, related_name="discrepancies")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    noticed_at = models.DateTimeField()
    run = models.ForeignKey("SyncRun", on_delete=models.SET_NULL, null=True, related_name="discrepancies")
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When Nexmo showed the event again; empty: the difference stands.")
    )
    withdrawn_by = models.ForeignKey(
        "SyncRun",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("The sync that found the event again; empty: a manual check did."),
    )

    objects: ClassVar[Any] = DiscrepancyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("discrepancies")
        ordering = ("-noticed_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("event", "kind"), condition=Q(withdrawn_at=None), name="discrepancy_once"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.event_id}"

    def ledger_entries(self) -> list[ledger.Entry]:
        kind, values = LedgerEntry.Kind.DISCREPANCY, (self.kind, self.noticed_at)
        return [ledger.Entry(kind, self.pk, self.account_id, values, self.event.seq), *self.end_entries()]

    def end_entry(self) -> ledger.Entry:
        kind = LedgerEntry.Kind.WITHDRAWAL
        return ledger.Entry(kind, self.pk, self.account_id, (self.withdrawn_at,), self.event.seq)
