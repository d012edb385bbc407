"""Who may read what. Querysets of events and sync records start with `.visible_to(user)`; the fast reads of
`events.reading` are limited by the accounts in their conditions."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction

from accounts.models import NexmoAccount
from events.fields import dump_json
from events.nexmo.ids import id_key
from events.nexmo.values import ip_key
from events.storage import chain
from events.storage.appending import ChainAppender
from events.storage.search_index import searchable_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import AnyUser


class ScopedQuerySet(models.QuerySet[Any]):
    """Rows that belong to an account."""

    def visible_to(self, user: AnyUser) -> Self:
        """Rows of accounts the user may see: no condition at all for those who see everything."""
        if NexmoAccount.objects.sees_all(user):
            return self.all()
        visible = NexmoAccount.objects.visible_to(user).order_by().values_list("pk", flat=True)
        # A list, not a subquery: the planner then knows how few accounts they are.
        return self.filter(account__in=list(visible))


class AuditEventQuerySet(ScopedQuerySet):
    """Questions one asks of the archive."""

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Add events to the end of their accounts' chains, in the order given."""
        rows = list(objs)
        with self.placed_in_chains(rows):
            return super().bulk_create(rows, *args, **kwargs)

    @contextlib.contextmanager
    def placed_in_chains(self, rows: list[Any]) -> Iterator[None]:
        """A transaction in which to insert events: each gets the next place in its account's chain, unless it has one,
        and the values that are computed from the others."""
        new: dict[int, list[Any]] = {}
        for row in rows:
            if row.seq is None:
                row.event_id_key, row.source_ip_key = id_key(row.event_id), ip_key(row.source_ip)
                row.raw = row.raw if isinstance(row.raw, str) else dump_json(row.raw)
                row.searchable = searchable_text(row.raw)
                new.setdefault(row.account_id, []).append(row)
        with transaction.atomic():
            ends = []
            for account, its_rows in sorted(new.items()):
                ends.append(end := ChainAppender(account))
                for row in its_rows:
                    row.seq, row.digest = end.place(chain.values_of(row))
            yield
            for end in ends:
                end.finish()

    def with_id(self, event_id: str) -> Self:
        """Events with this id, whatever the letters' case; one per account at most."""
        return self.none() if "\0" in event_id else self.filter(event_id_key=id_key(event_id))

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")
