"""Findings by key: pages and counts that cost the same among 100,000 as among ten.

As with events, a page is named by the finding it lies next to, never by a number; a question becomes one branch for
each value of the index that serves it, and what the index does not know is checked along a walk that has an end.
Whoever sees all accounts reads the findings themselves; for all others, and where some accounts are asked for, the
parts of those accounts are read: neither order nor counts nor what an answer costs tell of parts that are hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.models import Severity
from events.reading.counts import Count
from events.reading.finding_question import (
    FINDINGS,
    PARTS,
    STATES,
    UNFINISHED,
    Key,
    Place,
    Question,
    is_by_assignee,
    is_of_several_parts,
    matching,
)
from events.reading.pages import Cursor
from events.reading.plan import db_time
from events.reading.rows import as_time
from events.reading.standing import decides

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_WALKED = 2_000  # rows in all
FIRST_WALKED = 300  # what is common turns up at once
LEAST_WALKED = 20  # by each branch
MOST_BRANCHES = 50  # more are narrowed to those whose newest rows can be on the page
MOST_TOGETHER = 400  # branches of one statement; SQLite takes 500
MOST_STRETCHES_BY_RULE = 120
MOST_COUNTED = 1_000
MOST_LOOKED_THROUGH = 200  # findings that are counted one by one


@dataclass(frozen=True)
class _Branch:
    """One stretch of an index: its name, and what its first columns are."""

    index: str
    where: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class _Test:
    """What remains to be checked row by row: an expression that is 1 where it holds."""

    sql: str
    values: list[Any]


def find(question: Question, wanted: int, *, beyond: Cursor | None, back: bool) -> tuple[list[Key], Key | None]:
    """The keys of the first findings that match, and where the search ended with more left to look through.

    Args:
        beyond: where to begin; a `Place` with a severity, where the most severe come first.
        back: towards the older, or less severe, ones.
    """
    if not question.worst_first:
        return _in_order_of_time(question, wanted, beyond, back)
    # Each severity is a stretch of the indexes, in order of time.
    begin = beyond.severity if isinstance(beyond, Place) else None
    keys: list[Key] = []
    for severity in sorted(question.severities or Severity.values, reverse=back):
        if begin is not None and (severity > begin if back else severity < begin):
            continue
        stretch = replace(question, severities=(severity,))
        beyond_here = beyond if severity == begin else None
        found, reached = _in_order_of_time(stretch, wanted - len(keys), beyond_here, back)
        keys += [replace(key, severity=severity) for key in found]
        if reached:
            return keys, replace(reached, severity=severity)
        if len(keys) >= wanted:
            break
    return keys, None


def _in_order_of_time(
    question: Question, wanted: int, beyond: Cursor | None, back: bool
) -> tuple[list[Key], Key | None]:
    several = is_of_several_parts(question)
    # Of a finding over several of these accounts only one part counts, and it may stand otherwise than that part does:
    # some more may be needed.
    asked = wanted + wanted // 8 + 4 if several else wanted
    keys: list[Key] = []
    looked_at = 0
    while True:
        rows, reached = _rows(question, asked, beyond, back)
        keys += matching(question, rows) if several else rows
        if reached or len(rows) < asked or len(keys) >= wanted:
            return keys[:wanted], reached if len(keys) < wanted else None
        looked_at += len(rows)
        if looked_at >= MOST_WALKED:
            return keys, rows[-1]
        beyond = Cursor(rows[-1].at, rows[-1].pk)


def _rows(question: Question, wanted: int, beyond: Cursor | None, back: bool) -> tuple[list[Key], Key | None]:
    """The first rows that match, of all branches in order."""
    branches, test = _plan(question)
    if not branches:
        return [], None
    if not test and len(branches) > MOST_BRANCHES:
        branches = _leading(branches, question, wanted, beyond, back)
    if not test:
        turn = " DESC" if back else ""
        found = _walked(
            branches, question, beyond, back, wanted, None, f" ORDER BY found_at{turn}, id{turn} LIMIT {wanted}"
        )
        return [key for _, key, _ in found[:wanted]], None
    matching: list[Key] = []
    reached: Key | None = None
    walks = {max(most // len(branches), LEAST_WALKED) for most in (min(FIRST_WALKED, MOST_WALKED), MOST_WALKED)}
    for walk in sorted(walks):
        matching, reached = _merged(_walked(branches, question, beyond, back, walk, test), walk, wanted)
        if reached is None:
            break
    return matching, reached


def _walked(
    branches: list[_Branch],
    question: Question,
    beyond: Cursor | None,
    back: bool,
    walk: int,
    test: _Test | None,
    order: str = "",
) -> list[tuple[int, Key, bool]]:
    """The first rows of all branches, so many of each, in order."""
    found: list[tuple[int, Key, bool]] = []
    if connection.vendor == "postgresql" and len(branches) > 1:
        found = _execute(*_side_by_side(branches, question, beyond, back, walk, test), order)
    else:
        for start in range(0, len(branches), MOST_TOGETHER):
            some = branches[start : start + MOST_TOGETHER]
            parts = [
                _select(branch, question, beyond, back, walk, test, str(start + number))
                for number, branch in enumerate(some)
            ]
            found += _execute(*_all_of(parts), order)
    found.sort(key=lambda row: (row[1].at, row[1].pk), reverse=back)
    return found


def _merged(found: list[tuple[int, Key, bool]], walk: int, wanted: int) -> tuple[list[Key], Key | None]:
    """Those that match, as far as every branch was looked through."""
    walked: dict[int, int] = {}
    reached: Key | None = None
    matching: list[Key] = []
    for number, key, matches in found:
        if matches:
            matching.append(key)
            if len(matching) == wanted:
                return matching, None
        walked[number] = walked.get(number, 0) + 1
        if walked[number] == walk:
            reached = key
            break
    return matching, reached


def _plan(question: Question) -> tuple[list[_Branch], _Test | None]:
    """The branches of the index that serves a question, and what remains to be checked row by row."""
    if question.nothing or question.accounts == ():
        return [], None
    rest: list[tuple[str, Sequence[Any]]] = []
    accounts, rules, severities, states = question.accounts, question.rules, question.severities, question.states
    every_state = states or STATES
    names: tuple[str, ...]
    firsts: list[tuple[tuple[str, Any], ...]]
    # Many rules have too many stretches of their index: whatever else is asked for is walked, and most rows match.
    by_rule = bool(rules) and (
        len(rules) == 1 or len(accounts or [0]) * len(rules) * len(states or [0]) <= MOST_STRETCHES_BY_RULE
    )
    if is_by_assignee(question):
        index, firsts = "part_assignee_time", _each(("assigned_to_id",), question.assignees)
    elif accounts is not None:
        if by_rule and states:
            index, names = "part_account_rule_state", ("account_id", "rule", "state")
            firsts = _each(names, accounts, rules, states)
        elif by_rule:
            index, firsts = "part_account_rule_time", _each(("account_id", "rule"), accounts, rules)
        elif severities and not states:
            index, firsts = "part_account_severity_time", _each(("account_id", "severity"), accounts, severities)
        elif severities:
            index, names = "part_account_severity", ("account_id", "state", "severity")
            firsts = _each(names, accounts, states, severities)
        elif states:
            index, firsts = "part_account_state_time", _each(("account_id", "state"), accounts, states)
        else:
            index, firsts = "part_account_time", _each(("account_id",), accounts)
    elif by_rule:
        index, firsts = "finding_rule_state_time", _each(("rule", "state"), rules, every_state)
    elif severities:
        index, firsts = "finding_severity_time", _each(("severity", "state"), severities, every_state)
    elif states:
        index, firsts = "finding_state_time", _each(("state",), states)
    else:
        index, firsts = "finding_time", [()]
    known = {column for column, _ in firsts[0]}
    for column, allowed in (("rule", rules), ("severity", severities), ("state", states)):
        if allowed and column not in known:
            rest.append((f"t.{column} IN ({', '.join(['%s'] * len(allowed))})", allowed))
    if "assigned_to_id" not in known and (whose := _whose(question)):
        rest.append(whose)
    return [_Branch(index, first) for first in firsts], _tested(rest)


def _tested(rest: list[tuple[str, Sequence[Any]]]) -> _Test | None:
    """All of these conditions, on rows `t`."""
    if not rest:
        return None
    conditions = " AND ".join(condition for condition, _ in rest)
    return _Test(f"CASE WHEN {conditions} THEN 1 ELSE 0 END", [value for _, values in rest for value in values])


def _each(names: Sequence[str], *values: Iterable[Any]) -> list[tuple[tuple[str, Any], ...]]:
    """The first columns of an index with each combination of values."""
    return [tuple(zip(names, its, strict=True)) for its in product(*values)]


def _whose(question: Question) -> tuple[str, list[Any]] | None:
    """The condition on whom it is assigned to."""
    either: list[str] = []
    values: list[Any] = []
    if question.assignees:
        either.append(f"t.assigned_to_id IN ({', '.join(['%s'] * len(question.assignees))})")
        values += question.assignees
    if question.unassigned:
        either.append("t.assigned_to_id IS NULL")
        if question.known is not None:
            marks = ", ".join(["%s"] * len(question.known)) or "NULL"
            either.append(f"t.assigned_to_id NOT IN ({marks})")
            values += question.known
    return (f"({' OR '.join(either)})", values) if either else None


def _select(
    branch: _Branch,
    question: Question,
    beyond: Cursor | None,
    back: bool,
    limit: int,
    test: _Test | None,
    number: str,
    of: Sequence[str] = (),
) -> tuple[str, list[Any]]:
    """The first rows of one branch: its number, their keys, and whether they match the rest.

    Args:
        of: columns whose values come from a table of branches.
    """
    of_parts = branch.index.startswith("part_")
    table, key = (PARTS, "finding_id") if of_parts else (FINDINGS, "id")
    # SQLite needs the name of the index, PostgreSQL picks it itself.
    source = f"{table} AS t" + (f" INDEXED BY {branch.index}" if connection.vendor == "sqlite" else "")
    where = [f"t.{column} = {f'v.{column}' if column in of else '%s'}" for column, _ in branch.where]
    values = [value for column, value in branch.where if column not in of]
    newest, oldest = db_time(question.end), db_time(question.start)
    if beyond:
        at = db_time(beyond.created_at)
        sign = "<" if back else ">"
        where.append(f"(t.found_at {sign} %s OR t.{key} {sign} %s)")
        values += [at, beyond.pk]
        if back:
            newest = at if newest is None or at <= newest else newest
        else:
            oldest = at if oldest is None or at >= oldest else oldest
    if newest is not None:
        where.append("t.found_at <= %s")
        values.append(newest)
    if oldest is not None:
        where.append("t.found_at >= %s")
        values.append(oldest)
    values = [*(test.values if test else ()), *values]
    turn = " DESC" if back else ""
    matches = test.sql if test else "1"
    return (
        f"SELECT {number} AS branch, t.found_at AS found_at, t.{key} AS id, {matches} AS matches FROM {source} "
        f"{'WHERE ' + ' AND '.join(where) if where else ''} ORDER BY t.found_at{turn}, t.{key}{turn} LIMIT {limit}"
    ), values


def _all_of(parts: list[tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
    """The rows of several selects, one after another."""
    union = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS b{number}" for number, (sql, _) in enumerate(parts))
    return union, [value for _, values in parts for value in values]


def _side_by_side(
    branches: list[_Branch],
    question: Question,
    beyond: Cursor | None,
    back: bool,
    limit: int,
    test: _Test | None,
) -> tuple[str, list[Any]]:
    """The same as one select that is asked for each branch: PostgreSQL plans it once, and not each of them."""
    columns = [column for column, _ in branches[0].where]
    numbered = [(number, *(value for _, value in branch.where)) for number, branch in enumerate(branches)]
    row = f"({', '.join(['%s'] * (len(columns) + 1))})"
    one = _Branch(branches[0].index, tuple((column, None) for column in columns))
    select, values = _select(one, question, beyond, back, limit, test, "v.number", of=columns)
    names = ", ".join(("number", *columns))
    sql = (
        f"SELECT k.* FROM (VALUES {', '.join([row] * len(branches))}) AS v({names}) CROSS JOIN LATERAL ({select}) AS k"
    )
    return sql, [*(value for its in numbered for value in its), *values]


def _execute(sql: str, values: list[Any], order: str = "") -> list[tuple[int, Key, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT branch, found_at, id, matches FROM ({sql}) AS merged{order}", values)
        return [(number, Key(as_time(at), pk), bool(matches)) for number, at, pk, matches in cursor.fetchall()]


def _leading(
    branches: list[_Branch], question: Question, wanted: int, beyond: Cursor | None, back: bool
) -> list[_Branch]:
    """Of many branches those whose first rows can be among the first of all."""
    heads = _walked(branches, question, beyond, back, 1, None)
    return [branches[number] for number, _, _ in heads[:wanted]]


def _counted(branches: list[_Branch], question: Question) -> Count:
    """How many there are in these branches, each finding once. It stops at the first row too many."""
    most = MOST_COUNTED + 1
    if connection.vendor == "postgresql" and len(branches) > 1:
        rows_of_all, values = _side_by_side(branches, question, None, True, most, None)
    else:
        rows_of_all, values = _all_of(
            [_select(branch, question, None, True, most, None, str(at)) for at, branch in enumerate(branches)]
        )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(DISTINCT id), COUNT(*) FROM (SELECT id FROM ({rows_of_all}) AS m LIMIT {most}) AS counted",
            values,
        )
        number, rows = cursor.fetchone()
    return Count(min(number, MOST_COUNTED), rows == most or len(branches) == MOST_TOGETHER)


def count(question: Question) -> Count | None:
    """How many findings match, counted up to a thousand; None where an index alone does not tell."""
    branches, test = _plan(question)
    if test:
        return None
    if not branches:
        return Count(0)
    # All unfinished parts of a finding have its rule's severity.
    mixed = question.severities and not (question.states and set(question.states) <= set(UNFINISHED))
    if is_of_several_parts(question) and (mixed or question.start or question.end or not decides(question.states)):
        return _looked_through(question)
    return _counted(branches[:MOST_TOGETHER], question)


def _looked_through(question: Question) -> Count:
    """The same where a part alone does not tell how the finding stands."""
    most = min(MOST_COUNTED, MOST_LOOKED_THROUGH)
    keys, reached = find(replace(question, worst_first=False), most + 1, beyond=None, back=True)
    return Count(min(len(keys), most), len(keys) > most or reached is not None)
