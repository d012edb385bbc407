"""Who may read what. Every read of events and sync records starts with `.visible_to(user)`."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models import NexmoAccount
from events.nexmo.parse import ip_key

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

    def with_id(self, event_id: str) -> Self:
        """Events with this id, whatever the letters' case; one per account at most."""
        return self.alias(event_id_key=Lower("event_id")).filter(event_id_key=event_id.lower())

    def containing(self, text: str) -> Self:
        """Events whose JSON contains the text, in either of the ways it may be written there."""
        from events.fields import dump_json

        escaped = dump_json(text)[1:-1]
        match = Q(raw__icontains=text)
        return self.filter(match | Q(raw__icontains=escaped) if escaped != text else match)

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
