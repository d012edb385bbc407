"""Findings, channels and subscriptions to make, and the servers that receive alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from pytest_httpserver import HTTPServer

from accounts.models import NexmoAccount
from events.models import (
    AuditEvent,
    ChainHead,
    Channel,
    Delivery,
    Finding,
    Severity,
    Subscription,
)
from events.outbound import signing
from tests.conftest import NOON
from tests.tools import findings
from tests.tools.mails import Mails, receiving

RULE = "11111111-1111-4111-8111-111111111111"
SECRET = signing.PREFIX + "dGhlLXRlc3RzLW93bi1zaWduaW5nLXNlY3JldC0wMDE="


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.ALERT_TARGETS = ["127.0.0.1", "::1"]
    settings.SITE_URL = "https://audit.example.com"


@pytest.fixture
def make_finding(cast: Any) -> Callable[..., Finding]:
    """A finding over accounts, found five minutes ago, with an event in each where it is given some."""

    def make(*accounts: NexmoAccount, events: list[AuditEvent] | None = None, **values: Any) -> Finding:
        at = timezone.now() - timedelta(minutes=5)
        told: dict[str, Any] = {
            "rule": RULE,
            "title": "API secret created from a new country",
            "group": {},
            "first_at": at,
            "last_at": at,
            "event_count": len(events or accounts),
            "found_at": at,
        }
        return findings.make_finding(events or (), accounts=accounts, **(told | values))

    return make


@pytest.fixture
def make_channel(cast: Any) -> Callable[..., Channel]:
    """A channel of a person, or of a team."""

    def make(
        holder: Any = "alice", kind: str = "webhook", address: str = "https://hooks.example.com/", **values: Any
    ) -> Channel:
        whose = {"team": holder} if isinstance(holder, Group) else {"owner": cast[holder]}
        told = {"name": "Hook", "shown": "hooks", "secret": SECRET if kind == "webhook" else ""} | values
        channel: Channel = Channel.objects.create(kind=kind, address=address, **whose, **told)
        return channel

    return make


@pytest.fixture
def subscribe() -> Callable[..., Subscription]:
    """A subscription of the channel's holder; to all findings, unless it says otherwise."""

    def make(channel: Channel, *accounts: NexmoAccount, **values: Any) -> Subscription:
        told = {"what": "severity", "severity": Severity.INFORMATIONAL, "all_accounts": not accounts} | values
        subscription: Subscription = Subscription.objects.create(
            channel=channel, owner=channel.owner, team=channel.team, **told
        )
        subscription.accounts.set(accounts)
        return subscription

    return make


@pytest.fixture
def team(cast: Any) -> Group:
    """The team that alice shares demo0001 with; bob may triage its findings."""
    permission = Permission.objects.get(codename="triage_finding")
    permission.group_set.clear()  # by no role, so that a test can take it from one of them
    cast["bob"].user_permissions.add(permission)
    cast["alice"].user_permissions.add(permission)
    found: Group = NexmoAccount.objects.get(api_key="demo0001").teams.get()
    return found


@pytest.fixture
def hook(httpserver: HTTPServer) -> str:
    """The address of a webhook that takes everything."""
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    return str(httpserver.url_for("/hook"))


@pytest.fixture
def mails(settings: Any) -> Iterator[Mails]:
    """A mail server of this machine, which the settings name."""
    with receiving(settings) as box:
        yield box


def head_of(account: NexmoAccount) -> int:
    """How many events the account's chain has."""
    return int(ChainHead.objects.get(account=account).seq)


def states() -> list[tuple[str, str]]:
    """Every delivery's kind and state, in order."""
    return list(Delivery.objects.order_by("id").values_list("kind", "state"))


def at(hour: int, minute: int = 0) -> datetime:
    """A time of the tests' own day, in UTC."""
    return NOON.replace(hour=hour, minute=minute)
