"""Which findings become messages to whom; once each, in the transaction that notes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import NexmoAccount
from events.alerts import route
from events.models import Channel, Delivery, DigestItem, Finding, FindingChange, Severity, Subscription
from tests.alerts.conftest import RULE, states

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


def kinds() -> list[str]:
    return [kind for kind, _ in states()]


def test_finding_is_told_once_however_often_it_is_looked_at(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    subscribe(make_channel())
    finding = make_finding(account)
    assert route.route_findings() == 1
    assert route.route_findings() == 0
    assert kinds() == ["opened"]
    Finding.objects.filter(pk=finding.pk).update(routed_at=None)  # as after a crash, or a replay
    route.route_findings()
    assert kinds() == ["opened"]


def test_crash_between_message_and_note_loses_and_doubles_nothing(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(make_channel())
    make_finding(account)

    def crash(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(route.Finding.objects, "filter", _failing_update(route.Finding.objects.filter))
        with pytest.raises(SystemExit):
            route.route_findings()
    assert kinds() == []
    route.route_findings()
    assert kinds() == ["opened"]


def _failing_update(original: Any) -> Any:
    def find(*values: Any, **named: Any) -> Any:
        rows = original(*values, **named)
        if set(named) == {"pk"}:

            def crash(**_: Any) -> None:
                raise SystemExit

            rows.update = crash
        return rows

    return find


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"severity": Severity.HIGH}, True),
        ({"severity": Severity.CRITICAL}, False),
        ({"what": "rule", "rule": RULE}, True),
        ({"what": "rule", "rule": "22222222-2222-4222-8222-222222222222"}, False),
        ({"is_active": False}, False),
    ],
)
def test_subscription_says_what_is_told(
    account: NexmoAccount,
    make_finding: Make,
    make_channel: Make,
    subscribe: Make,
    values: dict[str, Any],
    told: bool,
) -> None:
    subscribe(make_channel(), **values)
    make_finding(account)
    route.route_findings()
    assert bool(kinds()) is told


@pytest.mark.parametrize("state", ["suppressed", "withdrawn", "resolved"])
def test_finding_that_nobody_need_look_at_is_told_to_nobody(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, state: str
) -> None:
    subscribe(make_channel())
    make_finding(account, state=state)
    route.route_findings()
    assert kinds() == []
    assert Finding.objects.get().routed_at


def test_only_who_sees_a_part_of_it_is_told(
    cast: Any, make_finding: Make, make_channel: Make, subscribe: Make, team: Group
) -> None:
    owners = {name: make_channel(name) for name in ("alice", "bob", "charlie", "audrey")}
    channels = {**owners, "team": make_channel(team)}
    for channel in channels.values():
        subscribe(channel)
    inactive = make_channel("admin")
    subscribe(inactive)
    cast["admin"].is_active = False
    cast["admin"].save()
    make_finding(NexmoAccount.objects.get(api_key="demo0002"))  # alice's alone
    route.route_findings()
    told = {pk: name for name, channel in channels.items() for pk in [channel.pk]}
    assert {told.get(pk) for pk in Delivery.objects.values_list("channel", flat=True)} == {"alice", "audrey"}


def test_chosen_accounts_narrow_and_never_widen(make_finding: Make, make_channel: Make, subscribe: Make) -> None:
    first, second, foreign = (NexmoAccount.objects.get(api_key=f"demo000{number}") for number in (1, 2, 3))
    subscribe(make_channel(), second, foreign)
    for account in (first, second, foreign):
        make_finding(account)
    route.route_findings()
    assert [each.finding.accounts.get().api_key for each in Delivery.objects.all()] == ["demo0002"]


def grow(finding: Finding, **values: Any) -> None:
    Finding.objects.filter(pk=finding.pk).update(extended_at=timezone.now(), **values)


def test_finding_that_grew_is_told_again_but_not_while_the_first_message_waits(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    subscribe(make_channel())
    finding = make_finding(account)
    route.route_findings()
    grow(finding)
    assert route.route_findings() == 1
    assert kinds() == ["opened"]
    Delivery.objects.update(state="sent")
    grow(finding)
    route.route_findings()
    assert kinds() == ["opened", "extended"]
    assert route.route_findings() == 0


def test_growth_noted_a_moment_before_it_is_stored_is_told(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    """Who extends a finding reads the clock first and commits later; routing may come between."""
    subscribe(make_channel())
    finding = make_finding(account)
    earlier = timezone.now() - timedelta(seconds=2)
    route.route_findings()
    Delivery.objects.update(state="sent")
    Finding.objects.filter(pk=finding.pk).update(extended_at=earlier)
    route.route_findings()
    assert kinds() == ["opened", "extended"]


def test_messages_of_one_growing_finding_lie_apart(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    subscribe(make_channel())
    finding = make_finding(account)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(3):
            grow(finding)
            route.route_findings()
            Delivery.objects.update(state="sent")
            clock.shift(60)
        first, second = Delivery.objects.filter(kind="extended").order_by("id").values_list("due_at", flat=True)
    assert second - first == route.APART


def test_finding_that_grew_by_old_events_alone_is_not_told(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    subscribe(make_channel())
    finding = make_finding(account, routed_at=timezone.now())  # a replay's, never told
    grow(finding, last_at=timezone.now() - timedelta(days=30))
    route.route_findings()
    assert kinds() == []


def test_digest_is_one_message_for_all_of_its_hour(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    subscription: Subscription = subscribe(make_channel(), pace="hourly")
    with time_machine.travel(timezone.now().replace(minute=10), tick=False) as clock:
        first = make_finding(account)
        route.route_findings()
        make_finding(account)
        grow(first)
        route.route_findings()
        assert kinds() == ["digest"]
        digest = Delivery.objects.get()
        assert digest.due_at - timezone.now() < timedelta(minutes=51)
        assert digest.items.count() == 2
        clock.shift(3600)
        make_finding(account)
        route.route_findings()
        assert kinds() == ["digest", "digest"]
        # One that was sent already, under a clock that was ahead, takes nothing more.
        Delivery.objects.filter(subscription=subscription).update(state="sent")
        make_finding(account)
        route.route_findings()
        assert kinds() == ["digest"] * 3
        assert DigestItem.objects.count() == 4


def test_reminder_and_escalation_are_due_after_the_message(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    channel: Channel = make_channel()
    subscribe(channel, remind_every=30, escalate_after=10, escalate_to=make_channel())
    make_finding(account)
    route.route_findings()
    opened = Delivery.objects.get()
    assert opened.remind_at - opened.due_at == timedelta(minutes=30)
    assert opened.escalate_at - opened.due_at == timedelta(minutes=10)


def grown_in(account: NexmoAccount, finding: Finding) -> None:
    now = timezone.now()
    Finding.objects.filter(pk=finding.pk).update(extended_at=now, last_at=now)
    FindingChange.objects.create(finding=finding, at=now, action="extended", accounts=[account.pk])


@pytest.mark.parametrize("pace", ["at_once", "hourly"])
def test_growth_that_one_cannot_see_is_not_told(
    cast: Any, make_finding: Make, make_channel: Make, subscribe: Make, team: Group, pace: str
) -> None:
    mine, hidden = (NexmoAccount.objects.get(api_key=key) for key in ("demo0001", "demo0003"))
    subscribe(make_channel("bob"), pace=pace)
    finding = make_finding(mine, hidden)
    route.route_findings()
    Delivery.objects.update(state="sent")

    grown_in(hidden, finding)
    subscribe(make_channel("alice"))  # later: growth is no news of it either
    assert route.route_findings() == 1
    assert len(kinds()) == 1

    grown_in(mine, finding)
    route.route_findings()
    assert len(kinds()) == 3


def test_finding_that_comes_up_again_is_told_to_who_was_not_told(
    cast: Any, make_finding: Make, make_channel: Make, subscribe: Make, team: Group
) -> None:
    mine, hidden = (NexmoAccount.objects.get(api_key=key) for key in ("demo0001", "demo0003"))
    subscribe(make_channel("bob"))
    finding = make_finding(mine, hidden)
    grown_in(hidden, finding)
    route.route_findings()
    assert kinds() == ["opened"]
    Delivery.objects.update(state="sent")
    Finding.objects.filter(pk=finding.pk).update(routed_at=None)
    route.route_findings()
    assert kinds() == ["opened"]


def test_rule_that_floods_a_channel_delays_itself_alone(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "MOST_AN_HOUR", 3)
    subscribe(make_channel())
    with time_machine.travel(timezone.now().replace(minute=10), tick=False) as clock:
        made = [make_finding(account) for _ in range(6)]
        make_finding(account, rule="22222222-2222-4222-8222-222222222222")
        route.route_findings()
        assert sorted(kinds()) == ["digest", *["opened"] * 4]
        digest = Delivery.objects.get(kind="digest")
        assert (digest.due_at.minute, digest.items.count()) == (0, 3)

        Delivery.objects.update(state="sent")
        clock.shift(timedelta(hours=1, minutes=1))
        grow(made[-1])
        make_finding(account)
        route.route_findings()
        assert kinds()[5:] == ["extended", "opened"] or kinds()[5:] == ["opened", "extended"]
