"""Rules are read as they are meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from events.detection.sigma.dispatch import Dispatch
from events.detection.sigma.fields import EventFields
from events.detection.sigma.read import read_rules
from events.detection.sigma.windows import Hit, findings_of, group_of

SECRET_AND_NUMBERS = """\
title: API secret created
id: 11111111-2222-4333-8444-000000000001
name: secret_created
level: low
logsource: {product: vonage, service: audit}
detection:
  selection:
    event_type: ACCOUNT_SECRET_CREATE
    source_ip|cidr: 203.0.113.0/24
  office:
    user_email|endswith: '@example.com'
  condition: selection and not office
---
title: Number bought
name: number_bought
logsource: {product: vonage, service: audit}
detection:
  selection:
    event_type: [NUMBER_ASSIGN, NUMBER_LINKED]
  condition: selection
---
title: A secret is made and numbers are bought
id: 11111111-2222-4333-8444-000000000002
level: high
correlation:
  type: temporal_ordered
  rules: [secret_created, number_bought]
  group-by: [account]
  timespan: 1h
"""
T = datetime(2026, 11, 1, tzinfo=UTC)


def test_correlation_brings_its_rules_along() -> None:
    rules, problems = read_rules(SECRET_AND_NUMBERS, "takeover.yml")

    assert not problems
    (rule,) = rules
    assert [selection.name for selection in rule.selections] == ["secret_created", "number_bought"]
    assert rule.event_types == {"ACCOUNT_SECRET_CREATE", "NUMBER_ASSIGN", "NUMBER_LINKED"}
    assert rule.severity == 3


def test_hits_in_their_order_are_one_finding() -> None:
    ((rule,), _) = read_rules(SECRET_AND_NUMBERS, "takeover.yml")
    events = [
        EventFields("ACCOUNT_SECRET_CREATE", source_ip="203.0.113.9", account="abcd", event_id="1"),
        EventFields("NUMBER_ASSIGN", account="ABCD", event_id="2"),
        EventFields("NUMBER_ASSIGN", account="efgh", event_id="3"),
    ]
    dispatch = Dispatch([rule])
    hits = []
    for minute, event in enumerate(events):
        for candidate in dispatch.matches(event.get("event_type"), event):
            for user, slot in candidate.uses:
                group = group_of(user, slot, event)
                assert group is not None
                hits.append(Hit(T + timedelta(minutes=minute), event.get("event_id"), slot, group))

    (episode,) = findings_of(rule, hits)

    assert [hit.key for hit in episode.hits] == ["1", "2"]
    assert episode.identity == (("account", "abcd"),)
