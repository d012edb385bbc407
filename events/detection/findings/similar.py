"""Earlier findings of the same rule whose events share the same values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.detection.findings.inbox import Line, lines
from events.models import Finding
from events.reading import Cursor
from events.reading.finding_question import Question
from events.reading.findings import find

if TYPE_CHECKING:
    from events.detection.findings.sight import Sight

MOST = 5
MOST_LOOKED_AT = 500


@dataclass(frozen=True)
class Similar:
    """The newest of them.

    Attributes:
        number: how many there are in all, among those looked at.
        at_least: not all were looked at.
    """

    lines: list[Line]
    number: int
    at_least: bool


def similar_to(sight: Sight, line: Line) -> Similar:
    """Those before it that the reader may see; of a reader's own accounts where he does not see all."""
    accounts = None if sight.sees_all else tuple(sight.accounts)
    question = Question(accounts=accounts, states=(), rules=(line.finding.rule,))
    before = Cursor(line.part.found_at, line.pk)
    keys, reached = find(question, MOST_LOOKED_AT, beyond=before, back=True)
    wanted = _compared(line.finding.group)
    groups = dict(Finding.objects.filter(pk__in=[key.pk for key in keys]).values_list("pk", "group"))
    same = [key.pk for key in keys if key.pk in groups and _compared(groups[key.pk]) == wanted]
    return Similar(lines(sight, same[:MOST]), len(same), bool(reached) or len(keys) == MOST_LOOKED_AT)


def _compared(group: Any) -> Any:
    """A group's values as they are compared, whatever their letters' case."""
    return {name: str(value).casefold() for name, value in group.items()} if isinstance(group, dict) else group
