"""Attacks that follow one another: one finding each, however long the first stays open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting
from events.detection.evaluation.replay import replay
from events.models import Finding
from tests.detection.archives import LOGIN, add, correlation, detection, rule_of, stored, told

pytestmark = pytest.mark.django_db
SECRETS = detection("secrets", "event_type: ACCOUNT_SECRET_CREATE", "merge: 1h")
BURST = LOGIN + "---\n" + correlation("event_count", ["login"], "account, user_email", "1h", "{gte: 3}")
STEPS = LOGIN + "---\n" + SECRETS + "---\n" + correlation("temporal", ["login", "secrets"], "account, user_email", "1h")


@pytest.mark.parametrize("text", [SECRETS, BURST, STEPS], ids=["detection", "count", "steps"])
@pytest.mark.parametrize("order", [1, -1], ids=["in time", "backwards"])
def test_second_attack_beyond_the_rules_own_span_is_a_finding_of_its_own(
    account: NexmoAccount, text: str, order: int
) -> None:
    rule = rule_of(text)
    kinds = ("USER_LOGIN", "ACCOUNT_SECRET_CREATE", "USER_LOGIN", "USER_LOGIN", "ACCOUNT_SECRET_CREATE")

    def burst(first: int, start: datetime) -> list[dict[str, Any]]:
        return [
            {
                "id": f"e{first + step}",
                "event_type": kind,
                "created_at": f"{start + timedelta(minutes=10 * step):%Y-%m-%dT%H:%M:%S}",
                "user_email": "ann@example.com",
            }
            for step, kind in enumerate(kinds)
        ]

    began = datetime(2026, 1, 1, 8, tzinfo=UTC)
    for number, start in enumerate((began, began + timedelta(hours=1, minutes=51), began + timedelta(days=1))[::order]):
        add(account, burst(10 * number, start))
        follow(rules=[rule])

    findings = list(Finding.objects.exclude(state="withdrawn").order_by("first_at"))
    assert [finding.state for finding in findings] == ["open"] * 3
    assert all(finding.last_at - finding.first_at <= timedelta(hours=1) for finding in findings)
    assert stored(rule) == told(Hunting(rule).run())
    assert (replay(rule)[1].made, Finding.objects.filter(rule=rule.uid).count()) == (0, 3)
