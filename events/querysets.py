"""Who may read what. Every read of events and sync records starts with `.visible_to(user)`."""

from __future__ import annotations

import ipaddress
import json
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Q

from accounts.models import NexmoAccount
from events import chain
from events.fields import dump_json
from events.nexmo.parse import id_key, ip_key

if TYPE_CHECKING:
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
        """Add events, at the ends of their accounts' chains, in the order given."""
        rows = list(objs)
        with transaction.atomic():
            self.give_places(rows)
            return super().bulk_create(rows, *args, **kwargs)

    def give_places(self, rows: list[Any]) -> None:
        """Number rows that have no place yet, compute their digests, and count them for their accounts.

        Each chain's head stays locked until the caller's transaction ends, so that there is one order.
        """
        heads, states = (apps.get_model("events", name).objects for name in ("ChainHead", "SyncState"))
        places: dict[int, list[Any]] = {}
        for row in rows:
            if row.seq is None:
                row.event_id_key, row.source_ip_key = id_key(row.event_id), ip_key(row.source_ip)
                row.raw = row.raw if isinstance(row.raw, str) else dump_json(row.raw)
                places.setdefault(row.account_id, []).append(row)
        for account, new in sorted(places.items()):
            heads.get_or_create(account_id=account)
            head = heads.select_for_update().get(account_id=account)
            digest = bytes.fromhex(head.digest) if head.digest else chain.genesis(head.chain_id)
            for seq, row in enumerate(new, start=head.seq + 1):
                row.seq = head.seq = seq
                digest = chain.link(digest, chain.record_hash(chain.values_of(row)))
                row.digest = digest.hex()
            head.digest = digest.hex()
            head.save(update_fields=["seq", "digest"])
            states.get_or_create(account_id=account)
            states.filter(account_id=account).update(event_count=F("event_count") + len(new))

    def with_id(self, event_id: str) -> Self:
        """Events with this id, whatever the letters' case; one per account at most."""
        return self.none() if "\0" in event_id else self.filter(event_id_key=id_key(event_id))

    def containing(self, text: str) -> Self:
        """Events whose JSON contains the text, in any of the ways it may be written there, whatever the case."""
        # SQLite knows upper and lower case of ASCII letters only.
        spellings = {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}
        written = {form for word in spellings for form in (word, dump_json(word)[1:-1], json.dumps(word)[1:-1])}
        return self.filter(reduce(or_, (Q(raw__icontains=form) for form in sorted(written))))

    @staticmethod
    def network_condition(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Q:
        """Events from a network, or from an address (a network of one)."""
        first, last = ip_key(network[0]), ip_key(network[-1])
        return Q(source_ip_key=first) if first == last else Q(source_ip_key__gte=first, source_ip_key__lte=last)

    def for_table(self) -> Self:
        """What a row needs and no more: neither the verbatim event nor the account's secrets are read."""
        return self.select_related("account").only(
            "event_id",
            "event_type",
            "event_type_description",
            "created_at",
            "created_at_basis",
            "user_email",
            "user_id",
            "source",
            "source_description",
            "source_ip",
            "source_country",
            "context",
            "odd_fields",
            "account__name",
            "account__api_key",
        )

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")
