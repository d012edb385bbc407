"""docs/detection-rules.md says what the declarations say, and its examples are rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from events.detection.sigma.custom import NARROWING, SHAPING
from events.detection.sigma.fields import TAXONOMY
from events.detection.sigma.metadata import KEYS
from events.detection.sigma.modifiers import MODIFIERS
from events.detection.sigma.read import read_rules

DOC = Path(__file__).parents[3] / "docs" / "detection-rules.md"


def tables() -> dict[str, str]:
    """The tables that the page must hold."""
    return {
        "audit": table(("field", "what it is"), TAXONOMY["audit"].items()),
        "sync": table(("field", "what it is"), TAXONOMY["sync"].items()),
        "modifiers": table(("modifier", "what it means"), MODIFIERS.items()),
        "narrowing": table(("key", "matches only where", "options"), narrowing()),
        "shaping": table(("key", "what it says"), SHAPING.items()),
    }


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([f"`{name}`", *rest] for name, *rest in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def narrowing() -> Iterable[tuple[str, str, str]]:
    for name, key in NARROWING.items():
        options = (
            f"`{option}`: {told.help[:1].lower()}{told.help[1:].removesuffix('.')}"
            + (f" (`{shown(told.default)}`)" if told.default is not None else "")
            for option, told in key.options.items()
        )
        yield name, key.help, "; ".join(options)


def shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"{value.days}d" if value.days else f"{value.seconds // 3600}h"
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("name", sorted(tables()))
def test_tables_are_those_of_the_declarations(name: str) -> None:
    assert tables()[name] in DOC.read_text()


def test_examples_can_be_read() -> None:
    examples = re.findall(r"(?:^    .*\n|^\n(?=    ))+", DOC.read_text(), re.MULTILINE)
    rules = [example for example in examples if example.strip().startswith("title:")]
    assert len(rules) == 2
    for example in rules:
        made, problems = read_rules(re.sub(r"(?m)^    ", "", example), "example")
        assert not problems and len(made) == 1


def test_all_keys_of_rules_are_told() -> None:
    text = DOC.read_text()

    assert [key for key in KEYS if f"`{key}`" not in text] == []
