"""Rules made at random, of all kinds that pySigma's SQLite backend can decide."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import yaml

FIELDS: dict[str, list[Any]] = {
    "event_type": ["USER_LOGIN", "NUMBER_ASSIGN", "number_*", "AUTORELOAD_*", "*_ASSIGN", "USER_?OGIN"],
    "source": ["CD", "devapi"],
    "source_country": ["GB", "NO", "d*"],
    "user_email": ["ann@example.com", "*@example.net", "b?b@*", "%@example.com", "ann_example", "*"],
    "user_id": [7, 1234567, "12*"],
    "context.msisdn": [447700900000, "4477009*", "44*00*0", "+44"],
    "context.created.http": ["https://a.example/in", "*://*.EXAMPLE/*", r"C:\\x\*y\?z", "100%", "it's [a] x", "a\\b"],
    "context.voice-type": ["sip", "app", "SIP"],
    "context.ok": [True, False],
}
EXAMPLES: dict[str, list[Any]] = {
    "user_email": ["ann@example.com", "bob@example.net", "BOB@x", "%@example.com", "annxexample"],
    "source_country": ["ann@example.com", "de"],
    "context.created.http": ["line one\nhttps://A.example/in", "a\\b", "a\\\\b", "C:\\x*y?z", "ab", "100"],
    "context.msisdn": ["447700900000", 447700900000, "+44", "44x00y0z", "4400"],
    "context.amount": [5, "10", 20.5, "2000", 0],
}
PLAIN_MODIFIERS = [
    "",
    "",
    "",
    "|contains",
    "|startswith",
    "|endswith",
    "|cased",
    "|contains|cased",
    "|startswith|cased",
]
REGEXES = [r"^ann@", r"[0-9]{3,}", r"\.example", r"a.+b", r"(GB|de)$", r"x\*y"]
UID = UUID(int=0x11111111_2222_4333_8444_000000000000)


def random_rule(seed: int) -> str:
    """YAML: a rule with a detection, or a correlation with those that it names."""
    rng = random.Random(seed)
    if rng.random() < 0.4:
        return yaml.safe_dump(_detection(rng, "alone", 1), sort_keys=False)
    names = ["one", "two", "three"][: rng.randint(1, 3)]
    documents = [_detection(rng, name, place + 2) for place, name in enumerate(names)]
    return yaml.safe_dump_all([*documents, _correlation(rng, names)], sort_keys=False)


def _told(title: str, number: int) -> dict[str, Any]:
    return {"title": title, "id": str(UUID(int=UID.int + number)), "level": "low"}


def _detection(rng: random.Random, name: str, number: int) -> dict[str, Any]:
    sections = ["selection", "other", "filter_a", "filter_b"][: rng.randint(1, 4)]
    return {
        **_told(name, number),
        "name": name,
        "logsource": {"product": "vonage", "service": "audit"},
        "detection": {section: _selection(rng) for section in sections} | {"condition": _condition(rng, sections)},
    }


def _selection(rng: random.Random) -> Any:
    if rng.random() < 0.2:
        return [dict(_item(rng) for _ in range(rng.randint(1, 2))) for _ in range(2)]
    return dict(_item(rng) for _ in range(rng.randint(1, 2)))


def _item(rng: random.Random) -> tuple[str, Any]:
    kind = rng.random()
    if kind < 0.08:
        return f"{rng.choice(sorted(FIELDS))}|exists", rng.random() < 0.5
    if kind < 0.14:
        name = rng.choice(["context.amount", "autoreload_amount"])
        return f"{name}|{rng.choice(['gt', 'gte', 'lt', 'lte'])}", rng.choice([5, 10, 20.5, 100])
    if kind < 0.2:
        # Others expand to several patterns, which the backend forgets to put in parentheses.
        return "source_ip|cidr", rng.choice(["192.0.2.0/24", "198.51.0.0/16", "2001:db8::/32"])
    if kind < 0.28:
        return f"{rng.choice(['user_email', 'context.created.http', 'context.msisdn'])}|re", rng.choice(REGEXES)
    if kind < 0.3:
        return "user_email|re|i|s", "^(ANN|BOB)@.*"
    if kind < 0.34:
        modifiers = rng.choice(["", "|startswith", "|endswith", "|contains"])
        return f"user_email|fieldref{modifiers}", "source_country"
    if kind < 0.4:
        return "context.voice-type", rng.choice([None, [None, "sip"]])
    if kind < 0.45:
        return "user_email|contains|all", ["ann", "EXAMPLE"]
    name = rng.choice(sorted(FIELDS))
    values = rng.sample(FIELDS[name], rng.randint(1, min(2, len(FIELDS[name]))))
    is_text = all(isinstance(value, str) for value in values)
    modifiers = rng.choice(PLAIN_MODIFIERS) if is_text else ""
    if rng.random() < 0.15:
        modifiers += "|neq"
    return name + modifiers, values if len(values) > 1 else values[0]


def _condition(rng: random.Random, sections: list[str]) -> str:
    if len(sections) == 1:
        return rng.choice(["selection", "not selection", "1 of sel*", "all of them"])
    if len(sections) == 2:
        return rng.choice(
            ["selection and other", "selection or not other", "not (selection and other)", "1 of them", "all of them"]
        )
    if len(sections) == 3:
        return rng.choice(["(selection or other) and not filter_a", "selection and other or filter_a"])
    return rng.choice(
        ["selection and other and not 1 of filter_*", "1 of filter* or not (selection or other)", "not 1 of them"]
    )


def _correlation(rng: random.Random, names: list[str]) -> dict[str, Any]:
    kind = rng.choice(["event_count", "value_count", "temporal", "temporal_ordered", "temporal_ordered"])
    section: dict[str, Any] = {"type": kind, "rules": names, "timespan": rng.choice(["60s", "10m", "2h", "3d"])}
    group = rng.choice([["account"], ["account", "user_email"], [], ["source_ip"], ["context.msisdn"], ["who"]])
    if group:
        section["group-by"] = group
    if group == ["who"]:
        fields = ["user_email", "source_ip", "account"]
        section["aliases"] = {"who": {name: rng.choice(fields) for name in names}}
    comparison = rng.choice(["gt", "gte", "gte", "lt", "lte", "eq", "neq"])
    if kind.startswith("temporal"):
        if rng.random() < 0.5:
            section["condition"] = {comparison: _bound(rng, comparison, len(names))}
    else:
        section["condition"] = {comparison: _bound(rng, comparison, 4)}
        if kind == "value_count":
            section["condition"]["field"] = rng.choice(["source_country", "user_email", "context.msisdn"])
    if rng.random() < 0.2:
        section["generate"] = True
    return {**_told("together", 9), "correlation": section}


def _bound(rng: random.Random, comparison: str, most: int) -> int:
    """One that some window can satisfy."""
    lowest, highest = {"gt": (0, most - 1), "lt": (2, most + 1), "neq": (2, most + 1)}.get(comparison, (1, most))
    return rng.randint(min(lowest, highest), highest)
