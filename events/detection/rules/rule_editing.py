"""What stands beside the editor of rules: the lines that a message is about, and what a rule can ask for."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext as _

from events.detection.sigma.custom import NARROWING, SHAPING
from events.detection.sigma.fields import TAXONOMY
from events.detection.sigma.modifiers import MODIFIERS
from events.nexmo.catalog import EVENT_TYPES
from events.wording.codes import type_words

AROUND = 2  # lines before and after the one that a message is about
LONGEST_LINE = 300  # characters shown of one


class Group(NamedTuple):
    """A part of the reference: names, each with what it means."""

    slug: str
    title: str
    text: str
    entries: list[tuple[str, str]]


def excerpt(text: str, line: int) -> list[tuple[int, str, bool]]:
    """The lines around one: number, text, and whether it is the one. Nothing where the text has no such line."""
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return []
    shown = range(max(1, line - AROUND), min(len(lines), line + AROUND) + 1)
    return [(number, lines[number - 1][:LONGEST_LINE], number == line) for number in shown]


def reference() -> list[Group]:
    """What a rule can ask for, in the reader's language."""
    return [
        Group(
            "fields",
            _("Fields of events"),
            _("With `logsource: {product: vonage, service: audit}`."),
            [(name, _(meaning)) for name, meaning in TAXONOMY["audit"].items()],
        ),
        Group(
            "types",
            _("Types of event"),
            _("For `event_type`. `NUMBER_*` stands for all that begin that way."),
            [(code, type_words(code)) for code in EVENT_TYPES],
        ),
        Group(
            "modifiers",
            _("Modifiers"),
            _("After a field: `user_email|endswith: '@example.com'`. Without a modifier, `*` and `?` are wildcards."),
            [(name, _(meaning)) for name, meaning in MODIFIERS.items()],
        ),
        Group(
            "correlations",
            _("Several events together"),
            _("A second document, after a line of `---`, whose `correlation` names the first one by its `name`."),
            [
                ("type: event_count", _("as many events as `condition` says, such as `gte: 5`")),
                ("type: value_count", _("as many different values of `condition: {field: …, gte: 5}`")),
                ("type: temporal", _("all of the named rules, in any order")),
                ("type: temporal_ordered", _("all of the named rules, in that order")),
                ("rules", _("names of the rules above it")),
                ("group-by", _("fields that the events must share, such as `account`")),
                ("timespan", _("how far apart they may be: `30s`, `10m`, `1h`, `7d`")),
            ],
        ),
        Group(
            "custom",
            _("Beyond Sigma"),
            _("Under `custom`, in the rule that it narrows."),
            [
                entry
                for key, narrowing in NARROWING.items()
                for entry in (
                    (key, _(narrowing.help)),
                    *((f"{key}: {name}", _(option.help)) for name, option in narrowing.options.items()),
                )
            ]
            + [(key, _(meaning)) for key, meaning in SHAPING.items()],
        ),
        Group(
            "sync",
            _("What the site itself notices"),
            _("With `logsource: {product: vonage, service: sync}`."),
            [(name, _(meaning)) for name, meaning in TAXONOMY["sync"].items()],
        ),
    ]
