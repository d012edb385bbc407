"""Where one account's events lie: in order of time, each already rendered as the JSON text that is served."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from threading import RLock
from typing import Any

from events.sandbox.shape import Event, parse_time, read_json, render


class Row:
    """One event. `at` and `arrived` are seconds since 1970: when it happened, when the API learnt it."""

    __slots__ = ("arrived", "at", "body", "event_type", "id")

    def __init__(self, at: float, event_id: str, event_type: str, body: bytes, arrived: float) -> None:
        self.at, self.id, self.event_type, self.body, self.arrived = at, event_id, event_type, body, arrived


def row_of(value: Any, arrived: float) -> Row:
    """A row for anything: an event, an event that lacks fields, JSON text to be served verbatim.

    What has no readable time counts as happening on arrival; what has no id has the empty one.
    """
    if isinstance(value, str):
        body = value.encode("utf-8", "surrogatepass")
        value = read_json(value)
    else:
        body = render(value)
    fields: Event = value if isinstance(value, dict) else {}
    when = parse_time(fields.get("created_at"))
    at = when.timestamp() if when else arrived
    return Row(at, str(fields.get("id") or ""), str(fields.get("event_type") or ""), body, arrived)


class EventStore:
    """The events of one account, oldest first by (time, id), and those still to come today.

    `version` changes with every change, so that answers made from an older state can be recognised.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.version = 0
        self._keys: list[tuple[float, str]] = []
        self._coming: list[tuple[float, int, Row]] = []  # a heap; the number keeps rows of one moment in order
        self._expected = 0

    def expect(self, rows: Iterable[Row]) -> None:
        """Take rows; each appears when its time has come."""
        for row in rows:
            self._expected += 1
            heappush(self._coming, (row.at, self._expected, row))

    def arrive(self, now: float) -> None:
        """Let every expected row appear whose time has come."""
        while self._coming and self._coming[0][0] <= now:
            self.add(heappop(self._coming)[2])

    def add(self, row: Row) -> None:
        key = (row.at, row.id)
        if not self._keys or self._keys[-1] <= key:
            self._keys.append(key)
            self.rows.append(row)
        else:
            index = bisect_left(self._keys, key)
            self._keys.insert(index, key)
            self.rows.insert(index, row)
        self.version += 1

    def find(self, event_id: str) -> Row | None:
        """The row of an id, whatever the case of its letters; the oldest, should there be several."""
        wanted = event_id.lower()
        return next((row for row in self.rows if row.id.lower() == wanted), None)

    def remove(self, event_id: str) -> Row:
        """Take the event away.

        Raises:
            KeyError: there is none with that id.
        """
        row = self.find(event_id)
        if row is None:
            raise KeyError(event_id)
        index = next(index for index, other in enumerate(self.rows) if other is row)
        del self.rows[index], self._keys[index]
        self.version += 1
        return row

    def between(self, start: float, end: float) -> list[Row]:
        """Rows with start <= time < end, oldest first."""
        return self.rows[bisect_left(self._keys, (start, "")) : bisect_left(self._keys, (end, ""))]


@dataclass(eq=False)
class SandboxAccount:
    """One account of the sandbox. `secrets` may be changed at will: the live ones, one or two as at Nexmo."""

    api_key: str
    name: str
    secrets: list[str] = field(repr=False)
    premium: bool = True
    store: EventStore = field(default_factory=EventStore, repr=False)
    lock: RLock = field(default_factory=RLock, repr=False)
    catch_up: Callable[[], None] = field(default=lambda: None, repr=False)

    def events(self) -> list[Event]:
        """The events that have happened so far, newest first, whatever the switches hide or disguise.

        Raw text that is not a JSON object is left out.
        """
        with self.lock:
            self.catch_up()
            bodies = [row.body for row in reversed(self.store.rows)]
        return [event for event in map(_parse, bodies) if event is not None]


def _parse(body: bytes) -> Event | None:
    value = read_json(body)
    return value if isinstance(value, dict) else None
