"""The inbox: the findings that a reader may see, page by page, each as that reader may know it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from events.models import Finding
from events.reading import BadCursor, Count, Cursor
from events.reading import findings as reading
from events.reading.finding_question import Place, Question
from events.reading.standing import standing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from accounts.models import NexmoAccount
    from events.detection.findings.sight import Part, Sight
    from events.reading.standing import Standing


@dataclass
class Line:
    """A finding as its reader may know it."""

    finding: Finding
    part: Part
    accounts: list[NexmoAccount]
    people: dict[int, str]  # names of those whom parts are assigned to, and whom the reader knows

    @property
    def standing(self) -> Standing:
        """How it stands for its reader."""
        return self.part.standing

    @property
    def assignee(self) -> str:
        """Whom it is assigned to; "" for nobody whom the reader knows."""
        if not self.standing.assignees:
            return ""
        return ", ".join(self.people[pk] for pk in self.standing.assignees if pk in self.people)

    @property
    def pk(self) -> int:
        return self.finding.pk


@dataclass(frozen=True)
class InboxPage:
    """Like `events.reading.Page`: lines in order, and the cursors of the pages beside it; `newer` is the one before."""

    rows: list[Line] = field(default_factory=list)
    newer: Cursor | None = None
    older: Cursor | None = None
    searched_back_to: datetime | None = None
    searched_up_to: datetime | None = None


def read_page(
    sight: Sight, question: Question, size: int, *, before: Cursor | None = None, after: Cursor | None = None
) -> InboxPage:
    """The page of findings that come after `before`, or before `after`, or the first, in the question's order."""
    back = after is None or before is not None
    beyond = before or after
    keys, reached = reading.find(question, size + 1, beyond=beyond, back=back)
    more = len(keys) > size
    keys = keys[:size]
    if not back:
        keys.reverse()
    rows = lines(sight, [key.pk for key in keys])
    reached = None if more else reached
    first, last = (Place.of_key(keys[0]), Place.of_key(keys[-1])) if keys else (None, None)
    going_on = Place.of_key(reached) if reached else (last if back else first) if more else None
    end = reached.at if reached else None
    if back:
        newer = first or replace(before, pk=before.pk - 1) if before else None
        return InboxPage(rows, newer=newer, older=going_on, searched_back_to=end)
    older = last or (replace(after, pk=after.pk + 1) if after else None)
    return InboxPage(rows, newer=going_on, older=older, searched_up_to=end)


def read_page_at(params: Mapping[str, Any], sight: Sight, question: Question, size: int) -> tuple[InboxPage, str]:
    """The page that a URL's markers name, and what is wrong with them, if anything is."""
    before, after = params.get("before"), params.get("after")
    try:
        upper = Place.read(before, worst_first=question.worst_first) if before else None
        lower = Place.read(after, worst_first=question.worst_first) if after and not before else None
    except BadCursor as error:
        return InboxPage(), str(error)
    return read_page(sight, question, size, before=upper, after=lower), ""


def lines(sight: Sight, keys: Sequence[int]) -> list[Line]:
    """These findings in their order, without those that the reader may not see."""
    if not keys:
        return []
    parts = sight.parts_of(keys)
    found = Finding.objects.defer("details").order_by().in_bulk(keys)
    people = sight.names_of(parts.values())
    return [
        Line(found[key], parts[key], [sight.accounts[account] for account in parts[key].accounts], people)
        for key in keys
        if key in found and key in parts
    ]


def line_of(sight: Sight, finding: Finding, part: Part) -> Line:
    """One finding as its reader may know it."""
    return Line(finding, part, [sight.accounts[key] for key in part.accounts], sight.names_of([part]))


class OfAccount(NamedTuple):
    """What was decided about a finding's part in one account."""

    account: NexmoAccount
    standing: Standing
    assignee: str


def differing(line: Line) -> list[OfAccount]:
    """A finding's parts by account, where not the same was decided about all of them."""
    rows = line.part.rows
    if len({(row.state, row.resolution, row.assigned_to_id) for row in rows}) == 1:
        return []
    return [
        OfAccount(account, standing_of([row]), line.people.get(row.assigned_to_id or 0, ""))
        for account, row in zip(line.accounts, rows, strict=True)
    ]


def count(question: Question, page: InboxPage, *, is_first: bool) -> Count:
    """How many findings match, up to a thousand. Nothing is asked where all stand on the first page, nor where it would
    take as long as the page did: then it is known how many there are at least."""
    if is_first and not page.older:
        return Count(len(page.rows))
    return reading.count(question) or Count(len(page.rows), at_least=True)
