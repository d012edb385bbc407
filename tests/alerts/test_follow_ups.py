"""Reminders until somebody acknowledges, and escalation to another channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import NexmoAccount
from events.alerts import follow_ups, route
from events.alerts.messages import compose
from events.models import Channel, Delivery, Finding, Severity, Subscription
from tests.alerts.conftest import at, states
from tests.tools.findings import delete, set_parts

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(at(12), tick=False) as clock:
        yield clock


@pytest.fixture
def told(
    clock: Any, account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> tuple[Subscription, Finding, Channel]:
    """A finding that was told, with a reminder every half an hour, and escalation after ten minutes."""
    other = make_channel()
    subscription = subscribe(make_channel(), remind_every=30, escalate_after=10, escalate_to=other)
    finding = make_finding(account)
    route.route_findings()
    Delivery.objects.update(state="sent")
    return subscription, finding, other


def test_nothing_follows_before_it_is_time(told: Any, clock: Any) -> None:
    clock.shift(9 * 60)
    assert follow_ups.follow_up() == 0


def test_escalation_goes_once_to_the_other_channel(told: Any, clock: Any) -> None:
    clock.shift(11 * 60)
    assert follow_ups.follow_up() == 1
    assert follow_ups.follow_up() == 0
    assert Delivery.objects.get(kind="escalated").channel == told[2]


def test_reminders_go_on_until_it_is_acknowledged(told: Any, clock: Any) -> None:
    for number in (1, 2, 3):
        clock.shift(31 * 60)
        follow_ups.follow_up()
        assert Delivery.objects.filter(kind="reminder").count() == number
        Delivery.objects.update(state="sent")
    set_parts(Finding.objects.all(), state="acknowledged")
    clock.shift(31 * 60)
    assert follow_ups.follow_up() == 0
    assert not Delivery.objects.filter(remind_at__isnull=False).exists()


@pytest.mark.parametrize("state", ["acknowledged", "resolved", "suppressed", "withdrawn"])
def test_finding_that_is_dealt_with_is_neither_reminded_of_nor_escalated(told: Any, clock: Any, state: str) -> None:
    set_parts(Finding.objects.all(), state=state)
    clock.shift(3600)
    assert follow_ups.follow_up() == 0
    assert [kind for kind, _ in states()] == ["opened"]


def test_escalation_does_not_depend_on_the_first_message_getting_through(told: Any, clock: Any) -> None:
    Delivery.objects.update(state="waiting")
    clock.shift(11 * 60)
    assert follow_ups.follow_up() == 1


def test_reminders_do_not_pile_up_while_a_message_waits(told: Any, clock: Any) -> None:
    Delivery.objects.update(state="waiting")
    for _ in range(4):
        clock.shift(31 * 60)
        follow_ups.follow_up()
    assert not Delivery.objects.filter(kind="reminder").exists()
    assert Delivery.objects.get(kind="opened").remind_at > timezone.now()


def test_reminder_waits_for_the_end_of_quiet_hours_unless_critical(told: Any, clock: Any) -> None:
    subscription, finding, _ = told
    Subscription.objects.filter(pk=subscription.pk).update(quiet_from=time(12, 30), quiet_until=time(14))
    clock.shift(31 * 60)
    follow_ups.follow_up()
    reminder = Delivery.objects.get(kind="reminder")
    assert reminder.due_at == at(14)
    assert reminder.remind_at - reminder.due_at == timedelta(minutes=30)

    Delivery.objects.update(state="sent")
    Finding.objects.filter(pk=finding.pk).update(severity=Severity.CRITICAL)
    Delivery.objects.filter(pk=reminder.pk).update(remind_at=timezone.now())
    follow_ups.follow_up()
    assert Delivery.objects.get(occasion="reminder 2").due_at == timezone.now()


@pytest.fixture
def flooded(
    clock: Any, account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, monkeypatch: Any
) -> Subscription:
    """A subscription whose digests of 12:00 to 13:00, and of the hour after, told two findings each."""
    monkeypatch.setattr(route, "MOST_AN_HOUR", 0)
    subscription: Subscription = subscribe(
        make_channel(), remind_every=30, escalate_after=10, escalate_to=make_channel(name="Boss")
    )
    for _ in range(2):
        for _ in range(2):
            make_finding(account)
        route.route_findings()
        clock.shift(3600)
    assert [kind for kind, _ in states()] == ["digest", "digest"]
    Delivery.objects.update(state="sent", remind_at=timezone.now(), escalate_at=timezone.now())
    return subscription


def test_findings_of_a_flood_are_reminded_of_together_until_each_is_acknowledged(flooded: Any, clock: Any) -> None:
    Delivery.objects.update(escalate_at=None)
    assert follow_ups.follow_up() == 1
    assert follow_ups.follow_up() == 0
    reminder = Delivery.objects.get(kind="reminder")
    message = compose.compose(reminder)
    assert (message.title, message.event_type) == ("Reminder: 4 findings", "digest.reminder")
    assert message.data["finding_count"] == 4
    assert message.body.startswith("Nobody has acknowledged these findings yet:\n- [High]")

    clock.shift(31 * 60)
    assert follow_ups.follow_up() == 0, "the first one waits still"
    Delivery.objects.update(state="sent")
    set_parts(list(Finding.objects.order_by("pk"))[:3], state="acknowledged")
    clock.shift(31 * 60)
    assert follow_ups.follow_up() == 1
    assert compose.compose(Delivery.objects.filter(kind="reminder").latest("pk")).title == "Reminder: 1 finding"

    set_parts(Finding.objects.all(), state="acknowledged")
    with pytest.raises(compose.NotNeeded):
        compose.compose(Delivery.objects.filter(kind="reminder").latest("pk"))
    clock.shift(31 * 60)
    assert follow_ups.follow_up() == 0
    assert not Delivery.objects.filter(remind_at__isnull=False).exists()


def test_findings_of_a_flood_are_escalated_together_once(flooded: Any) -> None:
    Delivery.objects.update(remind_at=None)
    assert follow_ups.follow_up() == 2
    assert follow_ups.follow_up() == 0
    escalated = Delivery.objects.filter(kind="escalated")
    assert {delivery.channel.name for delivery in escalated} == {"Boss"}
    assert {compose.compose(delivery).title for delivery in escalated} == {"Escalation: 2 findings"}


def test_digest_that_was_asked_for_is_not_reminded_of(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    subscribe(make_channel(), pace="daily", remind_every=30)
    make_finding(account)
    route.route_findings()
    assert not Delivery.objects.filter(remind_at__isnull=False).exists()


def test_reminder_of_many_tells_each_receiver_of_the_accounts_he_may_see(
    flooded: Any, account: NexmoAccount, make_finding: Make
) -> None:
    Delivery.objects.update(escalate_at=None)
    delete(Finding.objects.exclude(pk=Finding.objects.values_list("pk")[:1]))
    follow_ups.follow_up()
    NexmoAccount.objects.filter(pk=account.pk).update(owner=NexmoAccount.objects.get(api_key="demo0003").owner)
    account.teams.clear()
    with pytest.raises(compose.NotNeeded):
        compose.compose(Delivery.objects.get(kind="reminder"))


def test_subscription_that_is_off_reminds_of_nothing(told: Any, clock: Any) -> None:
    Subscription.objects.update(is_active=False)
    clock.shift(3600)
    assert follow_ups.follow_up() == 0
