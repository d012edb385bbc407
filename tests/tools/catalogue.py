"""The catalogue's cases: events written as lines, and what a rule must and must not find in them.

A line is a time, who, a type and a context: `5m+10s*12 machine NUMBER_ASSIGN {country: GB, msisdn: '4477009000##'}` is
twelve purchases, ten seconds apart, the first five minutes after noon; `##` counts them. `demo0003/dev` does it in
another account, and a `~` at the end says that a finding does not contain it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

from events.detection.sigma.fields import EventFields
from events.detection.sigma.rule import Rule
from events.detection.sigma.windows import Hit, findings_of, group_of, value_of
from tests.conftest import NOON
from tests.tools.processes import ROOT

CATALOGUE = ROOT / "events" / "detection" / "catalogue"
CASES = ROOT / "tests" / "detection" / "catalogue"

_LINE = re.compile(r"(-?\w+)(?:\+(\w+)\*(\d+))? (?:(\w+)/)?(\w+) ([A-Z_]+)(?: (\{.*\}))?( ~)?")
_SPANS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def _person(name: str, ip: str, country: str) -> dict[str, str]:
    return {"source": "CD", "user_email": name, "source_ip": ip, "source_country": country}


def _program(ip: str, country: str) -> dict[str, str]:
    return {"source": "DEVAPI", "source_ip": ip, "source_country": country}


_DEV = "dev@quillfern.example.com"
CAST = {
    "dev": _person(_DEV, "192.0.2.10", "GB"),
    "owner": _person("owner@quillfern.example.com", "192.0.2.11", "GB"),
    "machine": _program("198.51.100.5", "US"),
    # Known once, and then not for a hundred days, or for half a year.
    "leaver": _person("leaver@quillfern.example.com", "192.0.2.12", "GB"),
    "gone": _person("gone@quillfern.example.com", "192.0.2.13", "GB"),
    # Never seen before.
    "dev_hotel": _person(_DEV, "192.0.2.40", "GB"),
    "machine2": _program("198.51.100.6", "US"),
    "newcomer": _person("newcomer@quillfern.example.com", "192.0.2.90", "FR"),
    "stranger": _person("stranger@example.org", "192.0.2.80", "IE"),
    "guest": _person("guest@example.net", "192.0.2.80", "IE"),
    "thief": _person(_DEV, "203.0.113.240", "SC"),
    "thief_api": _program("203.0.113.240", "SC"),
    "vonage": {"source": "ADMIN", "source_ip": "203.0.113.1", "source_country": "US"},
}
# What the account was like in the 200 days before noon. Of `dev` every hour but this one is unusual.
BEFORE = (
    "-200d+3d*66 dev USER_PRODUCT_SEARCH {product: SMS, query: '447700900001'}",
    "-199d owner AUTORELOAD_ENABLE {amount: 20, threshold: 10}",
    "-198d owner USER_BILLING_UPDATE {invoice_email: accounts@quillfern.example.com}",
    "-197d machine ACCOUNT_UPDATE_SETTINGS_API {moCallBackUrl: 'https://hooks.quillfern.example.com/mo'}",
    "-196d owner NUMBER_ASSIGN {country: GB, msisdn: '447700900001'}",
    "-195d machine NUMBER_UPDATED {msisdn: '447700900001', http: 'https://hooks.quillfern.example.com/sms', "
    "voice-type: sip, voice-value: 'sip:desk@sip.quillfern.example.com'}",
    "-198d leaver USER_LOGIN",
    "-150d leaver USER_LOGIN",
    "-100d leaver USER_LOGOUT",
    "-199d gone USER_LOGIN",
    "-190d gone USER_LOGOUT",
    "-109d owner USER_LOGIN",
    "-20d owner USER_LOGIN",
)


@dataclass(frozen=True)
class Told:
    """One event of a case: what Nexmo sends, in which account, and whether a finding contains it."""

    account: str
    event: dict[str, Any]
    is_evidence: bool

    @property
    def fields(self) -> EventFields:
        names = ("event_type", "source", "source_ip", "source_country", "user_email")
        known = {name: self.event.get(name, "") for name in names}
        return EventFields(**known, account=self.account, event_id=self.event["id"], context=self.event.get("context"))


@dataclass(frozen=True)
class Case:
    rule: str
    name: str
    is_found: bool
    events: tuple[Told, ...]

    def __str__(self) -> str:
        return f"{self.rule}: {'' if self.is_found else 'not '}{self.name}"

    @property
    def evidence(self) -> set[str]:
        return {told.event["id"] for told in self.events if told.is_evidence}


def cases() -> list[Case]:
    """Those of all rules."""
    found = []
    for file in sorted(CASES.glob("*.yml")):
        for kind, named in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            assert kind in ("found", "not found"), f"{file.name}: {kind}"
            for name, lines in named.items():
                found.append(Case(file.stem, name, kind == "found", tuple(told(lines))))
    return found


def told(lines: Iterable[str]) -> Iterable[Told]:
    """The events of some lines."""
    for line in lines:
        match = _LINE.fullmatch(line)
        assert match is not None, line
        start, step, count, account, who, event_type, context, other = match.groups()
        for number in range(int(count or 1)):
            at = NOON + _span(start) + number * (_span(step) if step else timedelta())
            event: dict[str, Any] = {
                "id": str(uuid5(NAMESPACE_URL, f"{line} {number}")),
                "event_type": event_type,
                "created_at": at.strftime("%Y-%m-%dT%H:%M:%S"),
                "account_id": account or "demo0001",
                **CAST[who],
            }
            if context:
                event["context"] = _counted(yaml.safe_load(context), number)
            yield Told(account or "demo0001", event, other is None)


def _span(text: str) -> timedelta:
    """Such as "14h20m", or "-3d"."""
    seconds = sum(int(number) * _SPANS[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def _counted(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {name: _counted(inner, number) for name, inner in value.items()}
    return re.sub("#+", lambda marks: f"{number:0{len(marks[0])}}", value) if isinstance(value, str) else value


def found_in(rule: Rule, events: Iterable[Told]) -> list[set[str]]:
    """What a rule without conditions on history finds: the ids of the events of each finding."""
    hits = []
    for one in events:
        fields = one.fields
        at = NOON.fromisoformat(f"{one.event['created_at']}+00:00")
        for slot, selection in enumerate(rule.selections):
            if selection.takes(one.event["event_type"]) and selection.matches(fields):
                group = group_of(rule, slot, fields)
                if group is not None:
                    hits.append(Hit(at, one.event["id"], slot, group, value_of(rule, fields)))
    return [{hit.key for hit in episode.hits} for episode in findings_of(rule, hits)]
