"""Findings whose rule got another level: told to those whose level they reach for the first time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount
from events.alerts import raised, route
from events.detection.findings import writing
from events.models import Delivery, DigestItem, Finding, Severity
from tests.alerts.conftest import RULE, states

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def kinds() -> list[str]:
    return [kind for kind, _ in states()]


def relevel(finding: Finding, severity: Severity) -> None:
    finding.refresh_from_db()
    writing.set_level([finding], severity, timezone.now())
    finding.refresh_from_db()


def test_raised_finding_is_told_once_to_those_whose_level_it_reaches_for_the_first_time(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    low, high = (subscribe(make_channel(), severity=severity) for severity in (Severity.LOW, Severity.HIGH))
    rule = subscribe(make_channel(), what="rule", rule=RULE)
    finding = make_finding(account, severity=Severity.LOW)
    route.route_findings()
    assert set(Delivery.objects.values_list("subscription", flat=True)) == {low.pk, rule.pk}

    for severity in (Severity.HIGH, Severity.LOW, Severity.CRITICAL):
        relevel(finding, severity)
        route.route_findings()
        raised.route_raised(RULE)
        raised.route_raised(RULE)

    assert kinds() == ["opened"] * 3
    assert Delivery.objects.filter(subscription=high).count() == 1
    assert list(Delivery.objects.filter(subscription__in=(low, rule)).values_list("kind", flat=True)) == ["opened"] * 2


def test_level_that_was_reached_before_somebody_subscribed_is_not_reached_for_the_first_time(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    finding = make_finding(account, severity=Severity.HIGH, routed_at=timezone.now())
    subscribe(make_channel(), severity=Severity.HIGH)
    for severity in (Severity.LOW, Severity.HIGH):
        relevel(finding, severity)
        raised.route_raised(RULE)
    assert kinds() == []


@pytest.mark.parametrize(
    "values",
    [{"state": "resolved"}, {"first_at": LONG_AGO, "last_at": LONG_AGO}],
    ids=["settled", "history"],
)
def test_raised_finding_that_concerns_nobody_now_is_not_told(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, values: dict[str, Any]
) -> None:
    subscribe(make_channel(), severity=Severity.HIGH)
    relevel(make_finding(account, severity=Severity.LOW, routed_at=timezone.now(), **values), Severity.HIGH)
    assert raised.route_raised(RULE) == 0


def test_raised_finding_is_once_in_a_digest(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    subscribe(make_channel(), severity=Severity.HIGH, pace="daily")
    finding = make_finding(account, severity=Severity.LOW)
    relevel(finding, Severity.HIGH)
    assert raised.route_raised(RULE) == 0, "not routed yet, it is told with its level of now"
    route.route_findings()
    Finding.objects.update(routed_at=timezone.now())
    assert raised.route_raised(RULE) == 0
    assert DigestItem.objects.count() == 1
