"""What proves the access log: its entries in batches, each entered in the ledger, and what retention took of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from events.models.ledger import LedgerEntry, Recorded, RecordedQuerySet
from events.storage import ledger


class AccessBatch(Recorded):
    """Entries of the access log from one key to another, with a digest over all of them. Each batch begins where the
    one before ended, so that nothing can be put in between. Written by `events.archive.access_chain`.
    """

    first = models.BigIntegerField()
    last = models.BigIntegerField()
    count = models.PositiveBigIntegerField(help_text=_("Keys may be missing: a database may skip numbers."))
    newest_at = models.DateTimeField(help_text=_("The latest time of its entries."))
    digest = models.CharField(max_length=64, help_text=_("SHA-256 over keys and hashes of its entries."))
    made_at = models.DateTimeField()

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        verbose_name = _("access batch")
        verbose_name_plural = _("access batches")
        ordering = ("last",)
        constraints = (models.UniqueConstraint(fields=("last",), name="access_batch_last"),)

    def __str__(self) -> str:
        return gettext("entries %(first)s to %(last)s of the access log") % {"first": self.first, "last": self.last}

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.first, self.last, self.count, self.newest_at, self.digest, self.made_at)
        return [ledger.Entry(LedgerEntry.Kind.ACCESS, self.pk, None, values)]


class AccessRemoval(Recorded):
    """One act of retention: the access log up to this entry was removed. Its batches stay."""

    last = models.BigIntegerField()
    count = models.PositiveBigIntegerField()
    older_than = models.DateTimeField(help_text=_("Entries before this were removed."))
    removed_at = models.DateTimeField()

    objects: ClassVar[Any] = RecordedQuerySet.as_manager()

    class Meta:
        verbose_name = _("access removal")
        verbose_name_plural = _("access removals")
        ordering = ("last",)

    def __str__(self) -> str:
        return ngettext(
            "removal of %(count)s entry of the access log",
            "removal of %(count)s entries of the access log",
            self.count,
        ) % {"count": self.count}

    def ledger_entries(self) -> list[ledger.Entry]:
        values = (self.last, self.count, self.older_than, self.removed_at)
        return [ledger.Entry(LedgerEntry.Kind.ACCESS_REMOVAL, self.pk, None, values)]
