"""Random archives and rules for the tests of detection, and what was found in them, whoever found it."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from events.archive.add import add_events
from events.detection.sigma.read import read_rules
from events.models import Finding, FindingAccount, FindingEvent
from events.nexmo.parse import parse_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.models import NexmoAccount
    from events.detection.evaluation.find import Found
    from events.detection.sigma.rule import Rule

START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("USER_LOGIN", "ACCOUNT_SECRET_CREATE", "NUMBER_ASSIGN", "AUTORELOAD_UPDATE")
USERS = ("ann@example.com", "ben@example.com", None)
COUNTRIES = ("GB", "ES", "RO")
ADDRESSES = ("192.0.2.1", "192.0.2.2", "198.51.100.7")


def random_event(chance: Random, number: int, *, days: float = 3) -> dict[str, Any]:
    """An event as Nexmo sends it, at a whole minute, so that some happen at once."""
    at = START + timedelta(minutes=chance.randrange(int(days * 24 * 60)))
    event_type = chance.choice(TYPES)
    event: dict[str, Any] = {
        "id": f"e{number:05d}",
        "event_type": event_type,
        "event_type_description": "",
        "created_at": f"{at:%Y-%m-%dT%H:%M:%S}",
        "source": "CD",
        "source_ip": chance.choice(ADDRESSES),
        "source_country": chance.choice(COUNTRIES),
        "context": {"host": f"https://host{chance.randrange(4)}.example.com/x"},
    }
    if user := chance.choice(USERS):
        event["user_email"] = user
    if event_type.startswith("AUTORELOAD"):
        event["context"] = {"amount": chance.choice((10, 20, 50, 200))}
    return event


def add(account: NexmoAccount, events: Iterable[dict[str, Any]]) -> None:
    """Archive events as a sync does."""
    parsed = [parse_event(json.dumps(event), UTC) for event in events]
    add_events(account, parsed, run=None, fetched_at=START + timedelta(days=400))


DETECTION = """
title: {title}
id: {uid}
name: {name}
status: test
description: A rule of a test.
level: medium
logsource: {{product: vonage, service: audit}}
detection:
{detection}
  condition: {condition}
{custom}"""
CORRELATION = """
title: {title}
id: {uid}
status: test
description: A rule of a test.
level: high
correlation:
  type: {kind}
  rules: [{rules}]
  group-by: [{group}]
  timespan: {span}
{condition}"""


def detection(name: str, selection: str, custom: str = "") -> str:
    uid = uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {selection} {custom}")
    return DETECTION.format(
        title=name, uid=uid, name=name, detection=f"  selection: {{{selection}}}", condition="selection",
        custom=f"custom: {{{custom}}}\n" if custom else "",
    )  # fmt: skip


def correlation(kind: str, rules: Sequence[str], group: str, span: str, condition: str = "") -> str:
    uid = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {rules} {group} {span} {condition}")
    told = f"  condition: {condition}\n" if condition else ""
    return CORRELATION.format(
        title=kind, uid=uid, kind=kind, rules=", ".join(rules), group=group, span=span, condition=told
    )


def rule_of(*documents: str) -> Rule:
    """The rule that a file makes."""
    rules, problems = read_rules("---\n".join(documents), "test.yml")
    assert not problems, [str(problem) for problem in problems]
    (rule,) = rules
    return rule


LOGIN = detection("login", "event_type: USER_LOGIN")
SECRET = detection("secret", "event_type: ACCOUNT_SECRET_CREATE")
NUMBER = detection("number", "event_type: NUMBER_ASSIGN")
NAMED = {"login": LOGIN, "secret": SECRET, "number": NUMBER}


def random_rule(chance: Random) -> Rule:
    span = chance.choice(("10m", "1h", "5h"))
    group = chance.choice(("account", "account, user_email", "user_email", "source_ip", "account, source_country"))
    kind = chance.choice(("plain", "custom", "event_count", "value_count", "temporal", "temporal_ordered", "few"))
    if kind == "plain":
        return rule_of(detection("plain", "event_type: USER_LOGIN, source_country: RO", f"merge: {span}"))
    if kind == "custom":
        custom = chance.choice(CUSTOM)
        selection = chance.choice(("event_type: USER_LOGIN", "event_type|startswith: A", "source: CD"))
        more = chance.choice(("", ", group_by: [user_email]", f", merge: {span}"))
        return rule_of(detection("custom", selection, custom + more))
    if kind == "event_count":
        return rule_of(LOGIN, correlation(kind, ["login"], group, span, f"{{gte: {chance.randrange(2, 4)}}}"))
    if kind == "few":
        return rule_of(LOGIN, SECRET, correlation("event_count", ["login", "secret"], group, span, "{eq: 2}"))
    if kind == "value_count":
        return rule_of(LOGIN, correlation(kind, ["login"], group, span, "{gte: 2, field: source_ip}"))
    names = chance.choice((("login", "secret"), ("number", "login", "secret")))
    return rule_of(*(NAMED[name] for name in names), correlation(kind, names, group, span))


def random_rules(chance: Random, count: int = 3) -> list[Rule]:
    """Different ones, at most so many."""
    return list({rule.uid: rule for rule in (random_rule(chance) for _ in range(count))}.values())


CUSTOM = (
    "first_seen: {fields: [source_ip], history: 12h}",
    "first_seen: {fields: [user_email, source_country], history: 1d}",
    "first_seen: {fields: [context_hosts], history: 1d}",
    "dormant: {field: user_email, for: 6h}",
    "dormant: {field: source_ip, for: 5h}",
    "impossible_travel: {within: 2h}",
    "unusual_hours: {share: 0.4, history: 1d}",
    "shared_without_team: {field: source_ip, within: 2h}",
    "raised: {field: autoreload_amount, factor: 2}",
)

Told = dict[str, Any]


def told(found: Iterable[Found]) -> list[Told]:
    """What was found, as plain values: key, group, and events with their steps."""
    return sorted(
        (
            {
                "key": one.key,
                "group": {name: str(value) for name, value in one.group.items()},
                "events": sorted({(fact.account_id, fact.event_id, one.step(slot)) for fact, slot in one.events}),
                "details": one.details,
            }
            for one in found
        ),
        key=lambda one: str(one["key"]),
    )


def stored(rule: Rule) -> list[Told]:
    """The same of the findings in the database; with a look at what is repeated in them."""
    findings = Finding.objects.filter(rule=rule.uid).exclude(state=Finding.State.WITHDRAWN).order_by("key")
    listed = []
    for finding in findings:
        rows = list(FindingEvent.objects.filter(finding=finding))
        parts = {part.account_id: part for part in FindingAccount.objects.filter(finding=finding)}
        assert {row.account_id for row in rows} == parts.keys()
        for account, part in parts.items():
            mine = [row for row in rows if row.account_id == account]
            assert part.event_count == len({row.event_id for row in mine})
            assert (part.first_at, part.last_at) == (
                min(row.created_at for row in mine),
                max(row.created_at for row in mine),
            )
            assert (part.state, part.severity) == (finding.state, finding.severity)
        assert finding.event_count == sum(part.event_count for part in parts.values())
        assert finding.first_at == min(part.first_at for part in parts.values())
        assert finding.last_at == max(part.last_at for part in parts.values())
        listed.append(
            {
                "key": finding.key,
                "group": {name: str(value) for name, value in finding.group.items()},
                "events": sorted({(row.account_id, row.nexmo_id, row.step) for row in rows}),
                "details": finding.details,
            }
        )
    return listed
