"""The ledger's entries, and the models whose rows are entered in it (`events.storage.ledger`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.models.querysets import ScopedQuerySet
from events.storage import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable


class LedgerEntry(models.Model):
    """That something was recorded beside the events, in what order, and the hash of what it said.

    Plain numbers instead of foreign keys: an entry outlives whatever it speaks of.
    """

    class Kind(models.TextChoices):
        ACCOUNT = "account", _("Account")
        HOLD = "hold", _("Legal hold")
        RELEASE = "release", _("Release of a legal hold")
        REMOVAL = "removal", _("Removal")
        DISCREPANCY = "discrepancy", _("Discrepancy")
        WITHDRAWAL = "withdrawal", _("Withdrawal of a discrepancy")
        CONFLICT = "conflict", _("Conflict")
        WINDOW = "window", _("Unverified window")
        COVERAGE = "coverage", _("Coverage")
        RETENTION = "retention", _("Change of retention")
        REVIEW = "review", _("Review")
        ACCESS = "access", _("Batch of the access log")
        ACCESS_REMOVAL = "access_removal", _("Removal from the access log")

    number = models.PositiveBigIntegerField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    account_pk = models.BigIntegerField(null=True, help_text=_("Empty: all accounts."))
    row = models.BigIntegerField(help_text=_("The primary key of what is recorded."))
    seq = models.PositiveBigIntegerField(null=True, help_text=_("The number of the event it goes with."))
    detail = models.TextField(blank=True, help_text=_("What is recorded, where no other row keeps it."))
    record_hash = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name_plural = _("ledger entries")
        ordering = ("number",)

    def __str__(self) -> str:
        return gettext("ledger entry %(number)s") % {"number": self.number}


class RecordedQuerySet(ScopedQuerySet):
    """Rows that are entered in the ledger as they are created, and as they end."""

    def update(self, **kwargs: Any) -> int:
        ended_at = self.model.ENDED_AT
        if not ended_at or ended_at not in kwargs:
            return super().update(**kwargs)
        with transaction.atomic():
            standing = list(self.filter(**{ended_at: None}).values_list("pk", flat=True))
            changed = super().update(**kwargs)
            ended = self.model.objects.filter(pk__in=standing).exclude(**{ended_at: None})
            ledger.enter(row.end_entry() for row in ended)
        return changed

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Create rows and enter them. Without `ignore_conflicts`: it does not say which rows are new."""
        if kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts"):
            raise ValueError("Rows of the ledger are created, not merged.")
        with transaction.atomic():
            rows = super().bulk_create(objs, *args, **kwargs)
            ledger.enter(entries_of(rows))
        return rows


class Recorded(models.Model):
    """A row whose creation is entered in the ledger, in the same transaction; and its end, if it can have one."""

    ENDED_AT: ClassVar[str] = ""  # the field that says since when it no longer stands

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        is_new, ended_at = self._state.adding, self.ENDED_AT
        with transaction.atomic():
            stood = bool(ended_at) and not is_new and type(self).objects.filter(pk=self.pk, **{ended_at: None}).exists()
            super().save(**kwargs)
            if is_new:
                ledger.enter(entries_of([self]))
            elif stood and getattr(self, ended_at):
                ledger.enter([self.end_entry()])

    def save_unrecorded(self, **kwargs: Any) -> None:
        """For whoever enters the row later in the same transaction: the ledger stays locked from then on."""
        super().save(**kwargs)

    def ledger_entries(self) -> list[ledger.Entry]:
        """What the ledger says of this row, in the order in which it happened."""
        raise NotImplementedError

    def end_entry(self) -> ledger.Entry:
        """What the ledger says of its end."""
        raise NotImplementedError

    def end_entries(self) -> list[ledger.Entry]:
        """Its end, if it has come."""
        return [self.end_entry()] if getattr(self, self.ENDED_AT) else []


def entries_of(rows: Iterable[Recorded]) -> list[ledger.Entry]:
    return [entry for row in rows for entry in row.ledger_entries()]
