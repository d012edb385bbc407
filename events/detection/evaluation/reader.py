"""Reading events as facts.

All reads go along an index of the archive (docs/architecture.md): an account's places in its chain, or types of event
in the order of time.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.detection.evaluation.facts import CHUNK, COLUMNS, Contexts, Fact
from events.reading.rows import TABLE, as_time, is_one_of_keys, time_column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from events.detection.evaluation.ways import Way


def api_keys() -> dict[int, str]:
    """The API key of each account."""
    from accounts.models import NexmoAccount

    return dict(NexmoAccount.objects.order_by().values_list("pk", "api_key"))


class Reader:
    """Reads events as facts; an event that was read once is the same object again, with its context if it was parsed.

    Attributes:
        upto: up to which place in its chain each account's events count; those of other accounts do not.
    """

    def __init__(self, upto: Mapping[int, int], keys: Mapping[int, str] | None = None) -> None:
        self.upto = upto
        self.keys = api_keys() if keys is None else keys
        self.facts: dict[int, Fact] = {}
        self._contexts: list[Contexts] = []
        self.batch: Sequence[Fact] = ()
        self.batch_keys: set[int] = set()
        self.is_newest = False  # whether the account has no other events since the batch's first
        self._batch_span: tuple[int, datetime, datetime] | None = None

    def hold(self, account: int, batch: Sequence[Fact]) -> None:
        """Note a batch of an account that is wholly in memory. Where the account has no other events of that time, as
        is usual with new ones, nobody has to read them again."""
        self.batch = batch
        self.batch_keys = {fact.pk for fact in batch}
        if not batch:
            return
        moments = [fact.at for fact in batch]
        start, end = min(moments), max(moments)
        self.is_newest = not self._has_more(account, start, None, len(batch))
        if self.is_newest or not self._has_more(account, start, end, len(batch)):
            self._batch_span = (account, start, end)

    def _has_more(self, account: int, start: datetime, end: datetime | None, events: int) -> bool:
        """Whether an account has more than so many events within a span."""
        where, params = self._where([account], None, start, end)
        rows = f"SELECT 1 {_from(_INDEXES[True, False])} WHERE {where} LIMIT {events + 1:d}"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({rows}) AS counted", params)
            return bool(cursor.fetchone()[0] > events)

    def with_values(self, column: str, index: str, values: Sequence[Any], accounts: Collection[int]) -> set[Any]:
        """Those of a column's values that events of some accounts have."""
        listed = ", ".join(map(str, sorted(accounts)))
        found: set[Any] = set()
        for start in range(0, len(values), CHUNK // 5):
            chunk = values[start : start + CHUNK // 5]
            where = f"{column} = %s AND account_id IN ({listed})"
            one = f"SELECT %s AS value WHERE EXISTS (SELECT 1 {_from(index)} WHERE {where})"
            with connection.cursor() as cursor:
                cursor.execute(" UNION ALL ".join([one] * len(chunk)), [value for value in chunk for _ in (0, 1)])
                found.update(value for (value,) in cursor.fetchall())
        return found

    def forget(self) -> None:
        """Keep no event in memory that was read so far."""
        self.facts.clear()
        for contexts in self._contexts:
            contexts.clear()
        self._contexts.clear()

    def in_chain(self, account: int, after: int, upto: int, *, with_contexts: bool = False) -> list[Fact]:
        """An account's events by their places: after one, up to another."""
        where = "WHERE account_id = %s AND seq > %s AND seq <= %s ORDER BY seq"
        columns = f"{_selected()}, context" if with_contexts else _selected()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} {_from('event_seq_once')} {where}", [account, after, upto])
            rows = cursor.fetchall()
        return self.take(rows)

    def between(
        self,
        accounts: Collection[int] | None,
        types: Collection[str] | None,
        start: datetime | None,
        end: datetime | None,
        *,
        also: tuple[str, Sequence[Any]] = ("", ()),
    ) -> list[Fact]:
        """Events of some accounts (None: all) and types (None: any) within a span, both ends included.

        Args:
            also: a further condition as SQL.
        """
        where, params = self._where(accounts, types, start, end)
        index = _INDEXES[accounts is not None, types is not None]
        more, values = also
        return self._facts(f"{_from(index)} WHERE {where}{more}", [*params, *values])

    def is_whole_within(self, accounts: Collection[int] | None) -> bool:
        """Whether the batch in memory is all that these accounts have of its time."""
        return self._batch_span is not None and accounts is not None and list(accounts) == [self._batch_span[0]]

    def around_batch(
        self,
        accounts: Collection[int] | None,
        types: Collection[str] | None,
        spans: Sequence[tuple[datetime, datetime]],
    ) -> list[Fact]:
        """Events within some spans that do not overlap, both ends of each included, without those of the batch in
        memory."""
        if self._batch_span is not None and self.is_whole_within(accounts):
            spans = [part for span in spans for part in _without(span, self._batch_span[1:])]
        where, params = self._where(accounts, types, None, None)
        # Each span by itself along the index, and all of them in one question. As a plain join PostgreSQL would compare
        # all events of the account with all spans.
        events = f"{_from(_INDEXES[accounts is not None, types is not None])} WHERE {where}"
        events = f"{events} AND created_at >= p.low AND created_at <= p.high"
        if connection.vendor == "postgresql":
            events = f"LATERAL (SELECT * {events} OFFSET 0) AS one"
        sql = f"SELECT {_selected()} FROM p CROSS JOIN {events.removeprefix('FROM ')}"
        found: list[Fact] = []
        for begin in range(0, len(spans), CHUNK // 2):
            points = [(self.as_stored(low), self.as_stored(high)) for low, high in spans[begin : begin + CHUNK // 2]]
            found += self.take(_of_points(_LIMITS, points, sql, params))
        batch = self.batch_keys
        return [fact for fact in found if fact.pk not in batch]

    def stream(
        self, account: int | None, event_type: str | None, start: datetime | None, end: datetime | None, size: int
    ) -> Iterator[list[Fact]]:
        """Events of an account (None: all) and type (None: any) within a span, in order, so many at a time."""
        index = _INDEXES[account is not None, event_type is not None]
        accounts, types = None if account is None else [account], None if event_type is None else [event_type]
        where, params = self._where(accounts, types, start, end)
        return self._stream(index, where, params, size)

    def stream_with(
        self, way: Way, accounts: Collection[int] | None, start: datetime | None, end: datetime | None, size: int
    ) -> Iterator[list[Fact]]:
        """The same with a value, of some accounts (None: all)."""
        where, params = self._where(accounts, None, start, end)
        return self._stream(way.index, f"{way.column} = %s AND {where}", [way.value, *params], size)

    def count_with(
        self, way: Way, accounts: Collection[int] | None, start: datetime | None, end: datetime | None
    ) -> int:
        """How many events `stream_with` would read."""
        where, params = self._where(accounts, None, start, end)
        with connection.cursor() as cursor:
            sql = f"SELECT COUNT(*) {_from(way.index)} WHERE {way.column} = %s AND {where}"
            cursor.execute(sql, [way.value, *params])
            return int(cursor.fetchone()[0])

    def _stream(self, index: str, where: str, params: Sequence[Any], size: int) -> Iterator[list[Fact]]:
        beyond = ""
        key: list[Any] = []
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT {_selected()} {_from(index)} WHERE {where}{beyond} ORDER BY created_at, id LIMIT {size:d}",
                    [*params, *key],
                )
                rows = cursor.fetchall()
            if rows:
                yield self.take(rows)
            if len(rows) < size:
                return
            last = self.as_stored(as_time(rows[-1][COLUMNS.index("created_at")]))
            beyond, key = " AND created_at >= %s AND (created_at > %s OR id > %s)", [last, last, rows[-1][0]]

    def by_key(self, keys: Sequence[int]) -> list[Fact]:
        """Events by their primary keys, those that are still there."""
        found = []
        for start in range(0, len(keys), CHUNK):
            where, values = is_one_of_keys(keys[start : start + CHUNK])
            found += self._facts(f"FROM {TABLE} WHERE {where}", values)
        return found

    def moments(self, account: int, user: str, start: datetime, end: datetime) -> list[int]:
        """When a user did something in an account, within a span, in order: in microseconds since 1970."""
        where, params = self._where(None, None, start, end)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {_microseconds()} {_from('event_user_time')} "
                f"WHERE user_email = %s AND {where}{self.counting(account)} ORDER BY created_at",
                [user, *params],
            )
            return [moment for (moment,) in cursor.fetchall()]

    def count_moments(self, asked: Sequence[tuple[str, datetime, datetime]]) -> list[int]:
        """How many events users have within spans, in whatever account: as the index alone tells it."""
        found: list[int] = []
        for start in range(0, len(asked), CHUNK):
            points = [
                (place, user, self.as_stored(first), self.as_stored(last))
                for place, (user, first, last) in enumerate(asked[start : start + CHUNK])
            ]
            within = "user_email = p.who AND created_at >= p.low AND created_at <= p.high"
            sql = f"SELECT (SELECT COUNT(*) {_from('event_user_time')} WHERE {within}) FROM p ORDER BY place"
            found += [count for (count,) in _of_points(_SPANS, points, sql)]
        return found

    def latest_minutes(self, asked: Sequence[tuple[int, str, datetime, datetime, int]]) -> list[Sequence[int]]:
        """At which minutes of the day (UTC) users did something.

        Args:
            asked: an account, a user, from when on, before when, and how many at most, the last ones.
        """
        points = [
            (place, user, self.as_stored(start), self.as_stored(end), account, self.upto.get(account, 0), most)
            for place, (account, user, start, end, most) in enumerate(asked)
        ]
        events = (
            f"{_from('event_user_time').removeprefix('FROM ')} WHERE user_email = p.who AND created_at >= p.low "
            "AND created_at < p.high AND account_id + 0 = p.account AND seq + 0 <= p.upto ORDER BY created_at DESC"
        )
        if connection.vendor == "postgresql":
            sql = f"SELECT ARRAY(SELECT {_minute()} FROM {events} LIMIT p.most) FROM p ORDER BY place"
            chunks = [points[start : start + CHUNK] for start in range(0, len(points), CHUNK)]
            return [minutes for chunk in chunks for (minutes,) in _of_points(_LATEST, chunk, sql)]
        # SQLite takes no limit from a column; a question costs little there.
        sql = f"SELECT {_minute()} FROM p, {events} LIMIT "
        answers = [_of_points(_LATEST, [point], f"{sql}{point[-1]:d}") for point in points]
        return [[minute for (minute,) in answer] for answer in answers]

    def neighbours(
        self, column: str, index: str, where: str, points: Sequence[tuple[int, Any, datetime]]
    ) -> list[tuple[int, int | None, int | None]]:
        """For each point (an event's key, a value of the column, a time) the keys of the last event with that value
        before it, and of the first one after it, in the order of events.

        Args:
            where: further conditions, as SQL that begins with AND.
        """
        is_number = bool(points) and isinstance(points[0][1], int)
        columns = {"pk": "bigint", "value": "bigint" if is_number else "text", "at": "timestamptz"}
        one = f"SELECT e.id FROM {_from(index).removeprefix('FROM ').replace(TABLE, f'{TABLE} AS e', 1)}"
        same = f"e.{column} = p.value{where}"
        before = f"{one} WHERE {same} AND created_at <= p.at AND (created_at < p.at OR e.id < p.pk)"
        after = f"{one} WHERE {same} AND created_at >= p.at AND (created_at > p.at OR e.id > p.pk)"
        sql = (
            f"SELECT p.pk, ({before} ORDER BY created_at DESC, e.id DESC LIMIT 1), "
            f"({after} ORDER BY created_at, e.id LIMIT 1) FROM p"
        )
        found: list[tuple[int, int | None, int | None]] = []
        for start in range(0, len(points), CHUNK):
            chunk = [(pk, named, self.as_stored(at)) for pk, named, at in points[start : start + CHUNK]]
            found += _of_points(columns, chunk, sql)
        return found

    def counting(self, account: int | None, index: str = "") -> str:
        """SQL for the events that count: of one account, or of all. Nothing is looked for by it: as sums these tempt no
        planner to another index than the one that serves the question.

        Args:
            index: that one. Where it begins with the account, this is looked for.
        """
        if account is not None:
            its = "account_id" if index.startswith("event_account") else "account_id + 0"
            return f" AND {its} = {account:d} AND seq + 0 <= {self.upto.get(account, 0):d}"
        cases = " ".join(f"WHEN {account:d} THEN {seq:d}" for account, seq in self.upto.items())
        return f" AND seq <= CASE account_id {cases} ELSE -1 END" if cases else " AND 1 = 0"

    @staticmethod
    def as_stored(moment: datetime) -> Any:
        return connection.ops.adapt_datetimefield_value(moment)

    def _where(
        self,
        accounts: Collection[int] | None,
        types: Collection[str] | None,
        start: datetime | None,
        end: datetime | None,
    ) -> tuple[str, list[Any]]:
        conditions = ["1 = 1"]
        params: list[Any] = []
        if accounts is not None:
            conditions.append(f"account_id IN ({', '.join(map(str, accounts)) or 'NULL'})")
        if types is not None:
            conditions.append(f"event_type IN ({', '.join(['%s'] * len(types)) or 'NULL'})")
            params += sorted(types)
        for sign, moment in ((">=", start), ("<=", end)):
            if moment is not None:
                conditions.append(f"created_at {sign} %s")
                params.append(connection.ops.adapt_datetimefield_value(moment))
        return " AND ".join(conditions), params

    def _facts(self, sql: str, params: Sequence[Any]) -> list[Fact]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {_selected()} {sql}", params)
            rows = cursor.fetchall()
        return self.take(rows)

    def take(self, rows: Iterable[Sequence[Any]]) -> list[Fact]:
        """Rows of `_selected`, with contexts or without, as facts, those that count."""
        known, contexts, found = self.facts, Contexts(), []
        self._contexts.append(contexts)
        for row in rows:
            fact = known.get(row[0])
            if fact is None:
                if row[2] > self.upto.get(row[1], -1):
                    continue
                fact = known[row[0]] = Fact(row, self.keys.get(row[1], ""), contexts)
                if len(row) == len(COLUMNS):
                    contexts.keys.setdefault(fact.event_type, []).append(fact.pk)
            found.append(fact)
        return found


def _without(span: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> list[tuple[datetime, datetime]]:
    """What is left of a span without another one; ends that touch stay."""
    parts = ((span[0], min(span[1], other[0])), (max(span[0], other[1]), span[1]))
    return [(low, high) for low, high in parts if low < high]


_INDEXES = {
    (True, True): "event_account_type_time",
    (True, False): "event_account_time",
    (False, True): "event_type_time",
    (False, False): "event_time",
}


_LIMITS = {"low": "timestamptz", "high": "timestamptz"}
_SPANS = {"place": "int", "who": "text", **_LIMITS}
_LATEST = _SPANS | {"account": "bigint", "upto": "bigint", "most": "int"}


def _of_points(
    columns: Mapping[str, str], points: Sequence[Sequence[Any]], sql: str, params: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """What SQL answers that reads points from a table p: one statement for all of them.

    Args:
        columns: of p, with their types.
    """
    marks = [f"CAST(%s AS {kind})" if connection.vendor == "postgresql" else "%s" for kind in columns.values()]
    rows = ", ".join([f"({', '.join(marks)})"] * len(points))
    with connection.cursor() as cursor:
        cursor.execute(f"WITH p ({', '.join(columns)}) AS (VALUES {rows}) {sql}", [*chain(*points), *params])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _microseconds() -> str:
    """The time of an event in microseconds since 1970, as SQL."""
    if connection.vendor == "postgresql":
        return time_column()
    return (
        "strftime('%%s', substr(created_at, 1, 19)) * 1000000 + CAST(substr(created_at || '000000', 21, 6) AS INTEGER)"
    )


def _minute() -> str:
    """The minute of the day of an event, in UTC, as SQL."""
    if connection.vendor == "postgresql":
        moment = "created_at AT TIME ZONE 'UTC'"
        return f"(EXTRACT(HOUR FROM {moment}) * 60 + EXTRACT(MINUTE FROM {moment}))::int"
    return "substr(created_at, 12, 2) * 60 + substr(created_at, 15, 2)"


def _selected() -> str:
    return ", ".join(time_column() if name == "created_at" else name for name in COLUMNS)


def _from(index: str) -> str:
    # SQLite is told which index serves the question; that of a constraint it finds itself.
    named = connection.vendor == "sqlite" and index != "event_seq_once"
    return f"FROM {TABLE} INDEXED BY {index}" if named else f"FROM {TABLE}"
