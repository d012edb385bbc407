"""What is asked of the inbox, and whether a finding matches as a whole.

A finding matches as its parts in the accounts asked for stand together (`standing`), and stands in the list where the
first of those parts does that decide so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from events.models import Finding, Severity
from events.reading.pages import BadCursor, Cursor
from events.reading.rows import as_time
from events.reading.standing import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

FINDINGS, PARTS = "events_finding", "events_findingaccount"
AT_ONCE = 500  # keys in one statement
STATES = tuple(Finding.State.values)
UNFINISHED = tuple(Finding.UNFINISHED)


@dataclass(frozen=True)
class Question:
    """What is asked of the inbox. All must hold; of several values one; of none, any.

    Attributes:
        accounts: those whose parts are read; None for all findings, whoever sees all accounts. () matches nothing.
        assignees: keys of people; `unassigned` those assigned to nobody, or to nobody that the reader knows.
        start, end: of when it was found, both included.
        worst_first: the most severe first, and the newest first among these; else the newest first.
        nothing: a contradiction, such as an unreadable value: matches no finding.
    """

    accounts: tuple[int, ...] | None = None
    states: tuple[str, ...] = UNFINISHED
    severities: tuple[int, ...] = ()
    rules: tuple[str, ...] = ()
    assignees: tuple[int, ...] = ()
    unassigned: bool = False
    known: tuple[int, ...] | None = None  # people whom the reader knows; None: everybody
    start: datetime | None = None
    end: datetime | None = None
    worst_first: bool = False
    nothing: bool = False


@dataclass(frozen=True)
class Key:
    """Where a finding stands. Its severity matters where the most severe come first."""

    at: datetime
    pk: int
    severity: int | None = None

    def __lt__(self, other: Key) -> bool:
        return (self.at, self.pk) < (other.at, other.pk)


@dataclass(frozen=True)
class Place(Cursor):
    """A place between findings. With a severity, where the most severe come first."""

    severity: int | None = None

    def __str__(self) -> str:
        place = super().__str__()
        return place if self.severity is None else f"{self.severity}-{place}"

    @classmethod
    def of_key(cls, key: Key) -> Place:
        """The place at a finding."""
        return cls(key.at, key.pk, key.severity)

    @classmethod
    def read(cls, text: str, *, worst_first: bool) -> Place:
        """Read a place from a URL. Raises BadCursor, as for one of another order."""
        severity, _, rest = text.partition("-") if worst_first else ("", "", text)
        if worst_first and severity not in map(str, Severity.values):
            raise BadCursor
        cursor = Cursor.parse(rest)
        return cls(cursor.created_at, cursor.pk, int(severity) if worst_first else None)


class _Part(NamedTuple):
    """What decides whether a finding matches, of one account."""

    account: int
    found_at: datetime
    state: str
    severity: int
    assignee: int | None


def is_of_several_parts(question: Question) -> bool:
    """Whether parts are read, of which several may belong to one finding."""
    if question.accounts is None:
        return is_by_assignee(question)
    return len(question.accounts) > 1


def is_by_assignee(question: Question) -> bool:
    """Whether who sees all asks for what certain people were assigned to: several may share a finding."""
    return question.accounts is None and bool(question.assignees) and not question.unassigned


def matching(question: Question, rows: list[Key]) -> list[Key]:
    """Each finding that matches, once, where it stands."""
    places: dict[int, datetime | None] = {}
    keys = list(dict.fromkeys(row.pk for row in rows))
    for start in range(0, len(keys), AT_ONCE):
        places |= {pk: _place(question, its) for pk, its in _parts_of(question, keys[start : start + AT_ONCE]).items()}
    found: dict[int, Key] = {}
    for row in rows:
        if row.at == places.get(row.pk):
            found.setdefault(row.pk, row)
    return list(found.values())


def _parts_of(question: Question, keys: Sequence[int]) -> dict[int, list[_Part]]:
    """The parts of these findings in the accounts that are asked for."""
    accounts = None if question.accounts is None else set(question.accounts)
    parts: dict[int, list[_Part]] = {}
    with connection.cursor() as cursor:
        # Of all accounts: with a condition on them SQLite would read all that lies in them.
        cursor.execute(
            f"SELECT finding_id, account_id, found_at, state, severity, assigned_to_id FROM {PARTS} "
            f"WHERE finding_id IN ({', '.join(['%s'] * len(keys))})",
            keys,
        )
        for pk, account, found_at, *rest in cursor.fetchall():
            if accounts is None or account in accounts:
                parts.setdefault(pk, []).append(_Part(account, as_time(found_at), *rest))
    return parts


def _place(question: Question, parts: Sequence[_Part]) -> datetime | None:
    """Where a finding of these parts stands; None where it does not match. Times are left to the walk."""
    state = state_of(part.state for part in parts)
    leading = [part for part in parts if part.state == state]
    severity = max(part.severity for part in leading)
    if question.states and state not in question.states or question.severities and severity not in question.severities:
        return None
    if question.severities:
        leading = [part for part in leading if part.severity in question.severities]
    if question.assignees or question.unassigned:
        known, wanted = question.known, question.assignees
        mine = any(part.assignee in wanted for part in leading)
        free = [part for part in leading if part.assignee is None or known is not None and part.assignee not in known]
        if not mine and not (question.unassigned and len(free) == len(leading)):
            return None
        leading = [part for part in leading if part.assignee in wanted or question.unassigned and part in free]
    return min(part.found_at for part in leading)
