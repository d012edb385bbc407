"""Rules for tests, written short."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from events.detection.sigma.fields import EventFields
from events.detection.sigma.read import read_rules
from events.detection.sigma.windows import Hit

if TYPE_CHECKING:
    from events.detection.sigma.rule import Rule, RuleProblem, Selection

UID = "11111111-2222-4333-8444-00000000000"
START = datetime(2026, 11, 1, tzinfo=UTC)
BASES = ("one", "two", "three")


def with_detection(detection: str, *, top: str = "", number: int = 1, service: str = "audit") -> str:
    """A rule; its detection as it stands under that key, indented by two."""
    return (
        f"title: Rule {number}\nid: {UID}{number}\nlevel: low\n{top}"
        f"logsource: {{product: vonage, service: {service}}}\ndetection:\n{detection}\n"
    )


def with_items(*items: str, service: str = "audit") -> str:
    """A rule whose only selection has these items."""
    lines = "\n".join(f"    {item}" for item in items)
    return with_detection(f"  selection:\n{lines}\n  condition: selection", service=service)


def with_correlation(section: str, *, rules: int = 1, top: str = "") -> str:
    """Rules "one", "two", ... that select events of that source, and a correlation over them."""
    bases = [
        with_detection(
            f"  selection: {{source: {name}}}\n  condition: selection", top=f"name: {name}\n", number=place + 1
        )
        for place, name in enumerate(BASES[:rules])
    ]
    lines = "".join(f"  {line}\n" for line in section.strip().splitlines())
    own = f"title: Together\nid: {UID}9\nlevel: high\n{top}correlation:\n  rules: [{', '.join(BASES[:rules])}]\n{lines}"
    return "---\n".join([*bases, own])


def only_rule(text: str) -> Rule:
    rules, problems = read_rules(text, "test.yml")
    assert not problems, problems
    (rule,) = rules
    return rule


def only_problem(text: str) -> RuleProblem:
    _, problems = read_rules(text, "test.yml")
    assert len(problems) == 1, problems
    return problems[0]


def selection(*items: str) -> Selection:
    (found,) = only_rule(with_items(*items)).selections
    return found


def matches(item: str, **values: Any) -> bool:
    """Whether an item of a rule matches an event with these columns."""
    return selection(item).matches(EventFields(**values))


def hit(minute: float, slot: int = 0, key: Any = None, value: Any = None, **group: Any) -> Hit:
    at = START + timedelta(minutes=minute)
    return Hit(at, f"{minute:09.3f}-{slot}" if key is None else key, slot, tuple(group.items()), value)
