"""What pySigma's SQLite backend finds, to compare with what Auditsite's rules find.

`assert_finds_the_same(text)` is the whole comparison for one rule: it makes random archives out of the values that the
rule itself speaks of, asks both, and names the first archive in which they differ.
"""

from __future__ import annotations

import ipaddress
import json
import random
import re
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml
from sigma.backends.sqlite import sqliteBackend
from sigma.backends.sqlite.runtime import execute_plan
from sigma.collection import SigmaCollection

from events.detection.sigma.dispatch import Dispatch
from events.detection.sigma.fields import COLUMNS, CONTEXT_PATH, EventFields
from events.detection.sigma.read import read_rules
from events.detection.sigma.windows import Hit, findings_of, group_of, value_of
from events.nexmo.catalog import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from events.detection.sigma.rule import Rule

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
APART = 4_000 * 86_400  # seconds between archives: no window reaches from one into the next
Pools = dict[str, list[Any]]

# What events hold besides what a rule speaks of.
NOISE: Pools = {
    "event_type": ["USER_LOGIN", "NUMBER_ASSIGN", "AUTORELOAD_UPDATE", "number_assign"],
    "source": ["CD", "DEVAPI"],
    "source_ip": ["192.0.2.1", "198.51.100.7", "2001:db8::1"],
    "source_country": ["GB", "DE", "NO"],
    "user_email": ["ann@example.com", "Bob@Example.com", "zoe@example.net"],
    "user_id": ["7", "1234567"],
    "account": ["abcd1234", "efgh5678"],
    "event_id": ["aaaaaaaa-bbbb-cccc-dddd-0123456789ab"],
}


@dataclass(frozen=True)
class Event:
    """An event by rules' names for its fields; those that it lacks are left out."""

    key: int
    at: int  # seconds
    values: Mapping[str, Any]

    def fields(self) -> EventFields:
        """As Auditsite's rules see it: columns, and a context to be read."""
        context: dict[str, Any] = {}
        for name, value in self.values.items():
            if name.startswith(CONTEXT_PATH):
                *path, last = name.split(".")[1:]
                node = context
                for key in path:
                    node = node.setdefault(key, {})
                node[last] = value
            elif name == "context_hosts":
                context["moCallBackUrl"] = f"https://{value}:8443/hook?x=1"
            elif name.startswith("autoreload_"):
                context[name.removeprefix("autoreload_")] = value
        columns = {name: value for name, value in self.values.items() if name in COLUMNS}
        return EventFields(**columns, context=json.dumps(context) if context else None)


@dataclass
class Reference:
    """A rule as pySigma understands it."""

    text: str
    queries: list[dict[str, Any]] = field(init=False)
    names: list[str] = field(init=False)
    numbers: set[str] = field(init=False)

    def __post_init__(self) -> None:
        backend = sqliteBackend(timestamp_field="at", timestamp_format="unix", event_id_field="key")
        self.queries = json.loads(backend.convert(SigmaCollection.from_yaml(self.text), "zircolite"))
        documents = list(yaml.safe_load_all(self.text))
        self.names = sorted({*COLUMNS, *_names(documents)})
        self.numbers = _numeric(documents)

    def found(self, events: Sequence[Event]) -> set[int]:
        """The keys of all events that it finds."""
        connection = sqlite3.connect(":memory:")
        connection.create_function("REGEXP", 2, _regexp, deterministic=True)
        columns = ", ".join(
            f"`{name}` {'NUMERIC' if name in self.numbers else 'TEXT'} COLLATE NOCASE" for name in self.names
        )
        connection.execute(f"CREATE TABLE logs (key INTEGER, at INTEGER, {columns})")
        marks = ", ".join("?" * (len(self.names) + 2))
        rows = ([event.key, event.at, *(self._stored(event, name) for name in self.names)] for event in events)
        connection.executemany(f"INSERT INTO logs VALUES ({marks})", rows)
        found: set[int] = set()
        for query in self.queries:
            if query.get("correlation"):
                alerts, _ = execute_plan(connection, query["correlation_plan"], include_events=False)
                found |= {int(event.split(":")[1]) for alert in alerts for event in alert["event_ids"]}
            else:
                found |= {row[0] for row in connection.execute(query["rule"][0])}
        connection.close()
        return found

    @staticmethod
    def _stored(event: Event, name: str) -> Any:
        value = event.values.get(name, event.values.get(name.replace(CONTEXT_PATH, "autoreload_")))
        if isinstance(value, bool):
            return "true" if value else "false"
        if name.startswith("autoreload_") and not event.values.get("event_type", "").upper().startswith("AUTORELOAD_"):
            return None
        return None if value == "" else value


def _regexp(pattern: str, value: Any) -> bool:
    return value is not None and re.search(pattern, str(value)) is not None


def found_by(rules: Iterable[Rule], events: Iterable[Event]) -> set[int]:
    """The keys of all events that Auditsite's own rules find."""
    rules = list(rules)
    dispatch = Dispatch(rules)
    hits: dict[str, list[Hit]] = {rule.uid: [] for rule in rules}
    for event in events:
        fields = event.fields()
        for candidate in dispatch.matches(fields.get("event_type") or "", fields):
            for rule, slot in candidate.uses:
                group = group_of(rule, slot, fields)
                if group is not None:
                    at = EPOCH + timedelta(seconds=event.at)
                    hits[rule.uid].append(Hit(at, event.key, slot, group, value_of(rule, fields)))
    return {hit.key for rule in rules for episode in findings_of(rule, hits[rule.uid]) for hit in episode.hits}


def assert_finds_the_same(
    text: str,
    *,
    archives: int = 300,
    size: int = 30,
    seed: int = 0,
    examples: Pools | None = None,
    steps: Sequence[int] | None = None,
) -> int:
    """Compare over random archives; returns how many events were found in all, so that a test can ask for some.

    Args:
        text: the rule's YAML, with the rules that it names.
        size: events of each archive, at most.
        examples: values of fields, where the rule's own do not say what they can be: of regular expressions.
        steps: distances between events in seconds, where those of `steps_of` are too far for a rule that counts many.
    """
    rules, problems = read_rules(text, "reference")
    assert not problems, problems
    rng = random.Random(seed)
    pools = pools_of(text, rng, examples)
    wanted = selections_of(text)
    steps = steps or steps_of(rules)
    events = [
        event
        for number in range(archives)
        for event in archive(rng, pools, wanted, rng.randint(1, size), number, steps)
    ]
    expected = Reference(text).found(events)
    late = sorted(events, key=lambda event: rng.random())  # the order of arrival is not that of the events
    found = found_by(rules, late)
    if found != expected:
        differing = min(found ^ expected)
        at = next(event.at for event in events if event.key == differing)
        near = [event for event in events if event.at // APART == at // APART]
        only = "only we find" if differing in found else "only the reference finds"
        lines = "\n".join(f"{event.key} {event.at % APART} {event.values}" for event in near)
        raise AssertionError(f"{only} {differing} in this archive:\n{lines}\n{text}")
    return len(found)


def steps_of(rules: Iterable[Rule]) -> list[int]:
    """Distances between events, in seconds, at which a rule's windows begin and end."""
    spans = [int(rule.correlation.timespan.total_seconds()) for rule in rules if rule.correlation] or [3_600]
    span = max(spans)
    return [0, 1, max(span // 7, 1), max(span // 7, 1), max(span // 3, 1), max(span // 2, 1), span, span + 1]


def selections_of(text: str) -> list[list[dict[str, Any]]]:
    """What each rule with a detection asks for, selection by selection."""
    asked = []
    for document in yaml.safe_load_all(text):
        if sections := document.get("detection"):
            parts = [part for name, section in sections.items() if name != "condition" for part in _parts(section)]
            asked.append([part for part in parts if isinstance(part, dict)])
    return [parts for parts in asked if parts]


def archive(
    rng: random.Random,
    pools: Pools,
    wanted: Sequence[Sequence[Mapping[str, Any]]],
    size: int,
    number: int,
    steps: Sequence[int],
) -> list[Event]:
    """One archive's events, far from those of the others in time. Many are what the rules ask for, often in turn."""
    at = number * APART
    usual = {name: rng.choice(values) for name, values in pools.items()}  # what is repeated
    events = []
    turn = 0
    for place in range(size):
        at += rng.choice(steps)
        values = {}
        for name, choices in pools.items():
            chance = rng.random()
            if chance < 0.6:
                values[name] = usual[name]
            elif chance < 0.9:
                values[name] = rng.choice(choices)
        if wanted and rng.random() < 0.7:
            values |= _matching(rng, rng.choice(wanted[turn % len(wanted)]), pools)
            turn += rng.random() < 0.7
        events.append(Event(number * 1_000 + place, at, _untangled(values)))
    return events


def _matching(rng: random.Random, selection: Mapping[str, Any], pools: Pools) -> dict[str, Any]:
    """Values that satisfy a selection, as far as that is easy."""
    values = {}
    for key, value in selection.items():
        name, *modifiers = key.split("|")
        if name not in pools:
            continue
        like = _like(rng.choice(_parts(value)), modifiers, rng)
        values[name] = rng.choice(like[:2]) if like else rng.choice(pools[name])
    return values


def _parts(section: Any) -> list[Any]:
    return section if isinstance(section, list) else [section]


def _untangled(values: dict[str, Any]) -> dict[str, Any]:
    """Without values that stand where another's object is."""
    return {name: value for name, value in values.items() if not any(other.startswith(f"{name}.") for other in values)}


def pools_of(text: str, rng: random.Random, examples: Pools | None = None) -> Pools:
    """Values for each field that the rule speaks of, and for those of all events."""
    documents = list(yaml.safe_load_all(text))
    pools: Pools = {name: list(values) for name, values in NOISE.items()}
    for name in sorted(_names(documents)):
        pools.setdefault(name, ["other"])
    for key, value in _items(documents):
        name, *modifiers = key.split("|")
        for one in _parts(value):
            pools[name].extend(_like(one, modifiers, rng))
    for name, values in (examples or {}).items():
        pools[name] = [*pools.get(name, []), *values]
    for name in _numeric(documents) & {*pools}:
        # SQLite finds any text greater than any number.
        numbers = [value for value in pools[name] if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", str(value))]
        pools[name] = [*numbers, 20, 500, 2000]
    for name in [name for name in pools if name.startswith("autoreload_")]:
        pools.pop(name.replace("autoreload_", CONTEXT_PATH), None)  # it is read from there
    if "event_type" not in {key.split("|")[0] for key, _ in _items(documents)}:
        pools["event_type"] += rng.sample(sorted(EVENT_TYPES), 3)
    return pools


def _like(value: Any, modifiers: Sequence[str], rng: random.Random) -> list[Any]:
    """Values that match, nearly match, or differ in letters' case."""
    if value is None or "exists" in modifiers:
        return ["there"]
    if "re" in modifiers or "fieldref" in modifiers:
        return []
    if isinstance(value, bool):
        return [value]
    if {"gt", "gte", "lt", "lte"} & {*modifiers}:
        return [value - 1, value, value + 1, value * 3]
    if isinstance(value, (int, float)):
        return [value, str(value), value + 1]
    if "cidr" in modifiers:
        network = ipaddress.ip_network(value)
        inside = network[rng.randrange(min(network.num_addresses, 1 << 32))]
        return [str(inside), str(network[0]), str(network[-1])]
    plain = re.sub(r"\\([*?\\])", r"\1", re.sub(r"(?<!\\)\?", "x", re.sub(r"(?<!\\)\*", "any", value)))
    return [plain, plain.upper(), plain.swapcase(), f"pre{plain}", f"{plain}post", f"pre{plain}post", plain[1:] or "-"]


def _items(node: Any) -> list[tuple[str, Any]]:
    """The items of all detections in documents, by key."""
    found: list[tuple[str, Any]] = []
    for document in node:
        for name, section in (document.get("detection") or {}).items():
            if name != "condition":
                for part in _parts(section):
                    found.extend(part.items() if isinstance(part, dict) else [])
    return found


def _numeric(documents: Iterable[Any]) -> set[str]:
    """The fields that hold numbers."""
    compared = {key.split("|")[0] for key, _ in _items(documents) if {"gt", "gte", "lt", "lte"} & {*key.split("|")}}
    return compared | {name for name in _names(documents) if name.startswith("autoreload_")}


def _names(documents: Iterable[Any]) -> set[str]:
    """All fields that documents speak of."""
    names: set[str] = set()
    aliases: set[str] = set()
    for key, value in _items(documents):
        names.add(key.split("|")[0])
        if "fieldref" in key:
            names.update(_parts(value))
    for document in documents:
        section = document.get("correlation") or {}
        names.update(_parts(section.get("group-by") or []))
        condition = section.get("condition")
        if isinstance(condition, dict) and "field" in condition:
            names.add(condition["field"])
        for alias, fields in (section.get("aliases") or {}).items():
            aliases.add(alias)
            names.update(fields.values())
    return names - (aliases - {*COLUMNS})
