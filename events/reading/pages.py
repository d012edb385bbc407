"""Pages of events by key: as fast on page 10,000 as on the first, and stable while events arrive.

A page is named by the row it lies next to (`before` or `after` a cursor), never by a number. Where no index answers
the whole question, a page looks through so many events at most, says how far it got, and the next one goes on there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils.translation import gettext

from events.reading.candidates import Sought
from events.reading.conditions import Conditions, Sql, joined
from events.reading.plan import MOST_WALKED, Key, Plan, Span, by_account, choose, db_time, stored_key, table
from events.reading.rows import as_time, fetch, fetch_in_order, with_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from events.reading.rows import Row

FIRST_WALKED = 1_000
LEAST_WALKED = 100  # by each branch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadCursor(ValueError):
    """A cursor that no page of ours has given out."""

    def __init__(self) -> None:
        super().__init__(gettext("This page marker is invalid; it may have been truncated or altered."))


@dataclass(frozen=True)
class Cursor:
    """A place between rows: the time and the key of one of them."""

    created_at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{(self.created_at - _EPOCH) // timedelta(microseconds=1)}.{self.pk}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor from a URL. Raises BadCursor."""
        match = re.fullmatch(r"(-?\d{1,18})\.(\d{1,18})", text)
        if not match:
            raise BadCursor
        try:
            return cls(_EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))
        except OverflowError:
            raise BadCursor from None

    def key(self) -> Key:
        return Key(db_time(self.created_at), self.pk)

    @classmethod
    def of(cls, row: Row) -> Cursor:
        return cls(row.created_at, row.pk)


@dataclass(frozen=True)
class Matches:
    """What was found, in the order of the span.

    Attributes:
        keys: the time, in any form that `rows.as_time` reads, and the key of each; where they were read on the way, the
            rows, which begin a page at once.
        reached: where the search stopped with more left to look through.
        complete: how many match in all, if that came to light.
    """

    keys: Sequence[Any]
    reached: Key | None = None
    complete: int | None = None
    are_rows: bool = False


_place = attrgetter("created_at", "pk")  # of a row


@dataclass(frozen=True)
class Page:
    """Rows in the order asked for, and the cursors of the neighbouring pages where there are any.

    Attributes:
        searched_back_to: set where a page that was read from newer to older ends early: only events newer than this
            were looked through.
        searched_up_to: the same for a page that was read from older to newer.
        total: how many events match in all, if that came to light on the way.
    """

    rows: list[Row]
    newer: Cursor | None = None
    older: Cursor | None = None
    searched_back_to: datetime | None = None
    searched_up_to: datetime | None = None
    total: int | None = None


def read_page(conditions: Conditions, size: int, *, before: Cursor | None = None, after: Cursor | None = None) -> Page:
    """The page of events older than `before`, or newer than `after`, or the first of the order asked for."""
    beyond = before or after
    back_in_time = before is not None or (after is None and not conditions.oldest_first)
    span = Span(conditions.start, conditions.end, beyond.key() if beyond else None, newest_first=back_in_time)
    matches = find(conditions, span, size + 1)
    keys = matches.keys[:size]
    more = len(matches.keys) > size
    rows = list(keys) if matches.are_rows else fetch_in_order([key.pk for key in keys])
    if back_in_time is conditions.oldest_first:
        rows.reverse()
    total = matches.complete if beyond is None else None
    reached = None if more else matches.reached
    first, last = (_cursor(keys[0]), _cursor(keys[-1])) if keys else (None, None)
    going_on = _cursor(reached) if reached else last if more else None
    # Beyond the last one: the way back begins with the very row that was named.
    if back_in_time:
        newer = first or Cursor(before.created_at, before.pk - 1) if before else None
        return Page(rows, newer=newer, older=going_on, searched_back_to=_time(reached), total=total)
    older = first or Cursor(after.created_at, after.pk + 1) if after else None
    return Page(rows, newer=going_on, older=older, searched_up_to=_time(reached), total=total)


def read_page_at(params: Mapping[str, Any], read: Callable[..., Page]) -> tuple[Page, str]:
    """The page that a URL's markers name, by `read(before=..., after=...)`, and what is wrong with them, if any."""
    before, after = params.get("before"), params.get("after")
    try:
        return read(
            before=Cursor.parse(before) if before else None,
            after=Cursor.parse(after) if after and not before else None,
        ), ""
    except BadCursor as error:
        return Page([]), str(error)


def find(
    conditions: Conditions,
    span: Span,
    wanted: int,
    *,
    plan: Plan | None = None,
    walk: int | None = None,
    rows: bool = True,
    read: Callable[[str, list[Any]], list[Any]] = fetch,
) -> Matches:
    """The keys of the first `wanted` events that match.

    Args:
        plan: the one to follow, where it has been chosen already.
        walk: how many events to look at where no index answers; MOST_WALKED by default.
        rows: read the rows too, where that takes no further query.
        read: reads them, by what stands behind FROM: each with its `created_at` and `pk`.
    """
    if conditions.is_empty:
        return Matches([], complete=0)
    walk = walk or MOST_WALKED
    sought = Sought(conditions) if conditions.is_sought else None
    walked: Matches | None = None
    if sought:
        if conditions.is_in_texts and sought.may_turn_up_at_once():
            plan = choose(conditions, span, wanted)
            walked = _walk(plan, span, wanted, min(walk, FIRST_WALKED))
            if len(walked.keys) >= wanted or not walked.reached:
                return walked
        # What a longer walk will find often enough, if it goes on as it began, is not asked for either.
        if not walked or len(walked.keys) * MOST_WALKED < wanted * FIRST_WALKED:
            few = sought.find(span, wanted, met=len(walked.keys) if walked else 0)
            if few is not None:
                return Matches(few.keys, complete=few.number)
    plan = plan or choose(conditions, span, wanted)
    if plan.in_order:
        return _read_in_order(plan, span, wanted, read if rows else None)
    if walked and walked.reached:
        if walk <= FIRST_WALKED:
            return walked
        span, wanted = replace(span, beyond=stored_key(*walked.reached)), wanted - len(walked.keys)
        walk -= FIRST_WALKED
    further = _walk_by_texts(sought, plan, span, wanted, walk) if sought else None
    if further is None:
        further = _walk(plan, span, wanted, walk)
    return _together(walked, further) if walked else further


def _together(walked: Matches, further: Matches) -> Matches:
    """What a walk that was too short found, and the one from where it ended."""
    complete = None if further.complete is None else len(walked.keys) + further.complete
    return Matches([*walked.keys, *further.keys], further.reached, complete)


def _read_in_order(plan: Plan, span: Span, wanted: int, read: Callable[[str, list[Any]], list[Any]] | None) -> Matches:
    """The first events of all branches, with their rows: no event is looked at in vain, so one query does it."""
    if not plan.branches:
        return Matches([], complete=0)
    where, bounds = span.sql()
    source = table(plan.index)
    branches = [
        (f"{source} WHERE {condition} AND {where} ORDER BY {span.order} LIMIT {wanted}", values + bounds)
        for condition, values in plan.branches
    ]
    if read is not None and len(branches) == 1:
        rows = read(*branches[0])
    else:
        keys, values = _all_of(
            [(f"SELECT created_at, id FROM {branch}", values) for branch, values in branches],
            f"ORDER BY {span.order} LIMIT {wanted}",
        )
        if read is None:
            with connection.cursor() as cursor:
                cursor.execute(keys, values)
                return Matches([Key(*row) for row in cursor.fetchall()])
        rows = read(with_keys(f"SELECT id FROM ({keys}) AS k"), values)
        rows.sort(key=_place, reverse=span.newest_first)
    return Matches(rows, are_rows=True)


def _walk(plan: Plan, span: Span, wanted: int, walk: int) -> Matches:
    """The first keys that match, among the first events of each branch: `walk` of them in all."""
    where, bounds = span.sql()
    rest, rest_values = joined(plan.rest)
    per_branch, source = _of_each(plan, walk), table(plan.index)
    keys, counts = _merged(
        [
            (
                f"SELECT {number}, created_at, id FROM (SELECT created_at, id, ({rest}) AS matches FROM {source} "
                f"WHERE {condition} AND {where} ORDER BY {span.order} LIMIT {per_branch}) AS walked "
                f"WHERE matches LIMIT {wanted}",
                rest_values + values + bounds,
            )
            for number, (condition, values) in enumerate(plan.branches)
        ],
        span,
    )
    unfinished = [branch for number, branch in enumerate(plan.branches) if counts.get(number, 0) < wanted]
    return _as_far_as(_reached(plan.index, unfinished, span, per_branch), keys, span, wanted)


def _walk_by_texts(sought: Sought, plan: Plan, span: Span, wanted: int, walk: int) -> Matches | None:
    """As `_walk`, along the same events; but only those are looked at which the index of texts names. None where it
    can't."""
    own: Plan | None = None
    if sought.conditions.accounts is not None:
        # Only along the time can one tell at once which of its events are of the accounts in question.
        own = plan if "account" in plan.names else None if plan.names else by_account(sought.conditions)
        if not own:
            return None
    per_branch = _of_each(plan, walk)
    ways = sought.pieces_along(per_branch * len(plan.branches))
    if not ways:
        return None
    reached = _reached(plan.index, plan.branches, span, per_branch)
    if reached:
        # What is archived from now on lies within, and may be found; nothing that is there already is left out.
        end = as_time(reached.created_at)
        span = replace(span, start=end) if span.newest_first else replace(span, end=end)
    found = sought.find_along(_keys(plan, span), _keys(own, span) if own else None, span, ways)
    if found is None:
        return None
    return _as_far_as(reached and stored_key(*reached), sorted(found, reverse=span.newest_first), span, wanted)


def _keys(plan: Plan, span: Span) -> Sql:
    """Selects the keys of all events of the branches within a span, in no order."""
    where, bounds = span.sql()
    source = table(plan.index)
    return _all_of(
        [
            (f"SELECT id FROM {source} WHERE {condition} AND {where}", values + bounds)
            for condition, values in plan.branches
        ]
    )


def _of_each(plan: Plan, walk: int) -> int:
    """How many events of each branch a walk looks at."""
    return max(walk // max(len(plan.branches), 1), LEAST_WALKED)


def _reached(index: str, branches: Sequence[Sql], span: Span, per_branch: int) -> Key | None:
    """Where a walk along so many events of each branch ends: at the first end of any, because rows of the others beyond
    it may not be shown yet. None where none of them ends before the span does."""
    where, bounds = span.sql()
    ends = [
        (
            f"SELECT {number}, created_at, id FROM {table(index)} WHERE {condition} AND {where} "
            f"ORDER BY {span.order} LIMIT 1 OFFSET {per_branch - 1}",
            values + bounds,
        )
        for number, (condition, values) in enumerate(branches)
    ]
    return next(iter(_merged(ends, span)[0]), None)


def _as_far_as(reached: Key | None, keys: Sequence[Key], span: Span, wanted: int) -> Matches:
    """The first of these keys, which are all that match up to where a walk ended."""
    if reached and not (len(keys) >= wanted and not _beyond(keys[wanted - 1], reached, span)):
        return Matches([key for key in keys if not _beyond(key, reached, span)][:wanted], reached)
    return Matches(keys[:wanted], complete=len(keys) if len(keys) < wanted else None)


def _beyond(key: Key, end: Key, span: Span) -> bool:
    return key < end if span.newest_first else key > end


def _merged(branches: list[Sql], span: Span) -> tuple[list[Key], dict[int, int]]:
    """The keys of all branches in order, and how many came of each."""
    if not branches:
        return [], {}
    with connection.cursor() as cursor:
        cursor.execute(*_all_of(branches))
        rows = cursor.fetchall()
    counts: dict[int, int] = {}
    for number, _, _ in rows:
        counts[number] = counts.get(number, 0) + 1
    return sorted((Key(at, pk) for _, at, pk in rows), reverse=span.newest_first), counts


def _all_of(branches: list[Sql], then: str = "") -> Sql:
    """The rows of all branches together. `then` orders them; those of one branch are in order already."""
    if not branches:
        return "", []
    text = branches[0][0]
    if len(branches) > 1:
        parts = (f"SELECT * FROM ({branch}) AS b{number}" for number, (branch, _) in enumerate(branches))
        text = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS merged {then}"
    return text, [value for _, values in branches for value in values]


def _cursor(key: Key | Row) -> Cursor:
    return Cursor(as_time(key.created_at), key.pk)


def _time(key: Key | None) -> datetime | None:
    return as_time(key.created_at) if key else None
