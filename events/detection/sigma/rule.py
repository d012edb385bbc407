"""What a rule is once it has been read and checked: plain values that cannot change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

LEVELS = ("informational", "low", "medium", "high", "critical")
DEFAULT_GROUP = ("account", "user_email")
Correlating = Literal["event_count", "value_count", "temporal", "temporal_ordered"]
Service = Literal[
    "audit", "sync"
]  # events of Nexmo's Audit API; what the site itself notices about an account's syncing


class Fields(Protocol):
    """An event as rules see it; `events.detection.sigma.fields` has the classes."""

    def get(self, name: str) -> Any:
        """The value of a field of the taxonomy, such as "user_email" or "context.ip": text or a number; None where the
        event has none (empty text is none). A list where a field has several values: any of them may match."""


@dataclass(frozen=True)
class Advice:
    """What people are told about a rule's findings, in one language. Plain text."""

    title: str
    description: str
    false_positives: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """What one document with a detection selects: events of one kind.

    Attributes:
        name: what correlations call it; its id where it has none.
        matches: whether an event's own fields satisfy the detection's condition.
        event_types: the types that can match at all, in upper case, so that no others are read; None: no list of them
            can be made. Letters' case matters to databases and not to rules: compare in upper case, or ask `takes`.
        takes: whether an event of this type, however it is spelled, can match at all. It decides wildcards too, so
            `[code for code in types of the archive if takes(code)]` is always the best list for an index.
        given: `matches` for events of one type alone, without what the type decides; None: none can match. `Dispatch`
            keeps them.
        titles: what people call it, by language; English at least.
        only: by field, values in lower case of which an event must have one to match; fields of which no list can tell
            are left out.
        custom: the parts of `custom` that narrow it further, by name ("first_seen", "dormant", ...), already checked;
            `events.detection.evaluation.custom` decides them from what else the archive holds.
    """

    name: str
    service: Service
    matches: Callable[[Fields], bool]
    event_types: frozenset[str] | None
    custom: Mapping[str, Any] = field(default_factory=dict)
    takes: Callable[[str], bool] = lambda event_type: True
    given: Callable[[str], Callable[[Fields], bool] | None] | None = None
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def title_in(self, language: str) -> str:
        """What the step is called beside others, in a language, such as "es": its title up to the first comma."""
        return (self.titles.get(language[:2]) or self.titles.get("en") or self.name).split(", ")[0]


@dataclass(frozen=True)
class Correlation:
    """What a correlation asks of the hits of its selections.

    For each hit as the end of a window as long as `timespan`, the window qualifies if it holds enough hits of its group
    (event_count), different values of `value_field` (value_count), or selections (temporal; in the order of
    `selections` for temporal_ordered). All qualifying windows of a group that share hits are one finding.

    Attributes:
        compare: whether a window's figure is enough, as the rule's condition says.
        minimum: the smallest figure that is enough.
        only_at_least: whether more is always enough where less is.
        required: of temporal_ordered, how many of the selections must follow one another; 0: all that are there.
        aliases: fields of `group_by` that have another name in the events of a selection: by field, then by the
            selection's place.
    """

    kind: Correlating
    group_by: tuple[str, ...]
    timespan: timedelta
    compare: Callable[[int], bool]
    minimum: int
    value_field: str = ""
    only_at_least: bool = False
    required: int = 0
    aliases: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A rule that makes findings: a detection of its own, or a correlation over some.

    Attributes:
        uid: its id, a UUID in lower case; findings belong to it, whatever its text becomes.
        level: one of LEVELS.
        selections: one, or those that the correlation names, in its order.
        correlation: None where each match counts by itself; matches of one group that lie within `merge` of each other
            are then one finding.
        group_by: fields whose values tell apart the findings of a rule without correlation.
        text: the YAML as written, all its documents.
        origin: where it comes from, for messages: a file's name, or a title.
    """

    uid: str
    title: str
    level: str
    advice: Mapping[str, Advice]
    selections: tuple[Selection, ...]
    correlation: Correlation | None
    group_by: tuple[str, ...]
    merge: timedelta
    tags: tuple[str, ...]
    references: tuple[str, ...]
    dashboard: str
    status: str
    author: str
    text: str
    origin: str

    def advice_in(self, language: str) -> Advice:
        """What to say in a language, such as "es"; English where nothing is written for it."""
        return self.advice.get(language[:2]) or self.advice["en"]

    def steps_in(self, language: str) -> dict[str, str]:
        """What a correlation's selections are called, by their names, in a language."""
        return (
            {selection.name: selection.title_in(language) for selection in self.selections} if self.correlation else {}
        )

    @property
    def severity(self) -> int:
        """Its level as a number: 0 informational, 4 critical."""
        return LEVELS.index(self.level)

    @property
    def has_default_group(self) -> bool:
        """Whether it says nothing of groups itself: events without a user are then told apart by their address."""
        return self.correlation is None and self.group_by == DEFAULT_GROUP

    @property
    def spans_accounts(self) -> bool:
        """Whether one finding can hold events of several accounts."""
        return "account" not in (self.correlation.group_by if self.correlation else self.group_by)

    @property
    def event_types(self) -> frozenset[str] | None:
        """The types of event that it can use; None: any."""
        kinds = [selection.event_types for selection in self.selections]
        return None if None in kinds else frozenset().union(*(kind for kind in kinds if kind is not None))


@dataclass(frozen=True)
class RuleProblem:
    """Why a rule cannot be read, and what would be right.

    Attributes:
        parts: its sentences as they are translated, each with its values.
    """

    origin: str
    line: int
    parts: tuple[tuple[str, Mapping[str, object]], ...]

    @property
    def message(self) -> str:
        """In English."""
        return self.translated(str)

    def translated(self, translate: Callable[[str], str]) -> str:
        """In the language that this function translates to, such as Django's gettext."""
        return " ".join(translate(text) % values for text, values in self.parts)

    def __str__(self) -> str:
        return f"{self.origin}, line {self.line}: {self.message}"
