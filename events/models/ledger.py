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
        CONFLICT = "conflict", _("Conflict")
        WINDOW = "window", _("Unverified window")
        COVERAGE = "coverage", _("Coverage")

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
    """Rows that are entered in the ledger as they are created."""

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Create rows and enter them. Without `ignore_conflicts`: it does not say which rows are new."""
        if kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts"):
            raise ValueError("Rows of the ledger are created, not merged.")
        with transaction.atomic():
            rows = super().bulk_create(objs, *args, **kwargs)
            ledger.enter(entries_of(rows))
        return rows


class Recorded(models.Model):
    """A row whose creation is entered in the ledger, in the same transaction."""

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        is_new = self._state.adding
        with transaction.atomic():
            super().save(**kwargs)
            if is_new:
                ledger.enter(entries_of([self]))

    def save_unrecorded(self, **kwargs: Any) -> None:
        """For whoever enters the row later in the same transaction: the ledger stays locked from then on."""
        super().save(**kwargs)

    def ledger_entries(self) -> list[ledger.Entry]:
        """What the ledger says of this row, in the order in which it happened."""
        raise NotImplementedError


def entries_of(rows: Iterable[Recorded]) -> list[ledger.Entry]:
    return [entry for row in rows for entry in row.ledger_entries()]
