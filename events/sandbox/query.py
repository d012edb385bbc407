"""The parameters of the event list, read the way the switches say, and the rows they select."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from events.sandbox.shape import EVENT_TYPES, parse_time, render
from events.sandbox.store import Row, SandboxAccount
from events.sandbox.switches import Switches
from events.sandbox.wire import loads

FOREVER = 1e18
_KNOWN_TYPES = frozenset(EVENT_TYPES) | {"ACCOUNT_UPDATE_SETTINGS"}
_LOGINS = frozenset({"USER_LOGIN", "USER_LOGOUT"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,9}")


class BadParameter(ValueError):
    """A parameter that is answered with 400."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter} {reason}")
        self.parameter, self.reason = parameter, reason


@dataclass(frozen=True)
class Query:
    """What to list: start <= time < end, of these types (None: all), containing this text; and which page."""

    start: float
    end: float
    types: frozenset[str] | None
    search: str
    page: int
    size: int


def read(params: dict[str, list[str]], switches: Switches) -> Query:
    """The query that these parameters ask for.

    Raises:
        BadParameter: one of them is wrong, and the switches say that this is answered with 400.
    """
    page = _positive(params, "page", 1, switches.bad_page)
    size = _positive(params, "size", 30, switches.bad_size)
    if size > 100 and switches.size_over_100 == "400":
        raise BadParameter("size", "must be between 1 and 100")
    start, end, types, search = 0.0 - FOREVER, FOREVER, None, ""
    if switches.ignored_filters not in ("dates", "all"):
        start, end = _dates(params, switches)
    if switches.ignored_filters not in ("types", "all"):
        types = _types(params, switches)
    if switches.ignored_filters not in ("search", "all"):
        search = params.get("search_text", [""])[-1]
    return Query(start, end, types, search, page, min(size, 100, switches.max_size))


def _positive(params: dict[str, list[str]], name: str, default: int, bad: str) -> int:
    text = params.get(name, [""])[-1]
    if _WHOLE_NUMBER.fullmatch(text) and int(text) >= 1:
        return int(text)
    if text and bad == "400":
        raise BadParameter(name, "must be a positive number")
    return default


def _types(params: dict[str, list[str]], switches: Switches) -> frozenset[str] | None:
    given = params.get("event_type", [])
    if switches.repeated_type != "all":
        given = given[:1] if switches.repeated_type == "first" else given[-1:]
    wanted = [item.strip() for text in given for item in text.split(",") if item.strip()]
    unknown = [item for item in wanted if item not in _KNOWN_TYPES]
    if unknown and switches.unknown_type == "400":
        raise BadParameter("event_type", f"has no value {unknown[0]}")
    return frozenset(wanted) if wanted else None


def _dates(params: dict[str, list[str]], switches: Switches) -> tuple[float, float]:
    zone = switches.tzinfo()
    first = _moment("date_from", params, switches, zone)
    last = _moment("date_to", params, switches, zone)
    start, end = -FOREVER, FOREVER
    if first is not None:
        start = first.timestamp()
    if last is not None:
        if _DATE.fullmatch(params["date_to"][-1]) and switches.date_only == "whole_day":
            # Not 24 hours later: a day on which the clocks change is shorter or longer.
            end = datetime.combine(last.date() + timedelta(days=1), time(), zone).timestamp()
        else:
            # Times are whole seconds, so "up to and including" ends just after the second.
            end = last.timestamp() + (0.000001 if switches.end == "inclusive" else 0)
    if start > end and switches.reversed_dates == "400":
        raise BadParameter("date_from", "must not be after date_to")
    return start, end


def _moment(name: str, params: dict[str, list[str]], switches: Switches, zone: tzinfo) -> datetime | None:
    text = params.get(name, [""])[-1]
    if not text:
        return None
    parsed = parse_time(text, zone)
    if parsed is None or (not switches.offsets and re.search(r"T.*[+-]", text)):
        if switches.bad_date == "400":
            raise BadParameter(name, "must be an ISO-8601 date")
        return None
    try:
        parsed.timestamp(), parsed + timedelta(days=2)
    except (OverflowError, ValueError):
        return None  # the first or last day that there is: as good as no limit
    return parsed


class Selector:
    """Selects rows, and remembers the last few selections: a client pages through the same one."""

    def __init__(self) -> None:
        self._remembered: dict[tuple[object, ...], list[Row]] = {}

    def select(self, account: SandboxAccount, query: Query, switches: Switches, now: datetime) -> list[Row]:
        """The rows of a query that the switches let be seen, oldest first."""
        start = query.start
        if switches.retention_days:
            start = max(start, (now - timedelta(days=switches.retention_days)).timestamp())
        rows = account.store.between(start, query.end)
        if switches.ingestion_delay:
            limit = now.timestamp() - switches.ingestion_delay
            rows = [row for row in rows if row.arrived <= limit]
        if not switches.premium:
            rows = [row for row in rows if row.event_type not in _LOGINS]
        if query.types is None and not query.search:
            return rows
        # With a delay or a limit of age the rows depend on the moment as well.
        moment = now if switches.ingestion_delay or switches.retention_days else None
        key = (
            account.api_key,
            account.store.version,
            query.start,
            query.end,
            query.types,
            query.search,
            switches,
            moment,
        )
        if key not in self._remembered:
            if query.types is not None:
                types = query.types
                rows = [row for row in rows if row.event_type in types]
            if query.search:
                rows = _containing(query.search, rows, switches)
            while len(self._remembered) > 15:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = rows
        return self._remembered[key]


def _containing(wanted: str, rows: list[Row], switches: Switches) -> list[Row]:
    """Rows whose JSON text contains `wanted` as it stands: quotes in it must be escaped as JSON has them."""
    flags = re.DOTALL | (0 if switches.search_case == "sensitive" else re.IGNORECASE)
    patterns = wildcards(wanted, flags) if switches.search_wildcards else [re.compile(re.escape(wanted), flags)]
    return [row for row in rows if in_order(_text(row, switches), patterns)]


def wildcards(wanted: str, flags: int) -> list[re.Pattern[str]]:
    """What `wanted` means where `_` is any character and `%` any text: pieces that follow one another.

    One pattern with `.*` for each `%` would take time beyond all bounds where there are many.
    """
    return [re.compile(re.escape(piece).replace("_", "."), flags) for piece in wanted.split("%")]


def in_order(text: str, patterns: list[re.Pattern[str]]) -> bool:
    """Whether the patterns match one after another."""
    place = 0
    for pattern in patterns:
        match = pattern.search(text, place)
        if match is None:
            return False
        place = match.end()
    return True


def _text(row: Row, switches: Switches) -> str:
    if switches.search_scope == "context":
        fields = loads(row.body)
        try:
            return render(fields["context"]).decode() if fields and "context" in fields else ""
        except RecursionError:  # it could just be read, and is too deep to be written again
            return row.body.decode(errors="replace")
    return row.body.decode(errors="replace")


def utc(now: datetime) -> datetime:
    """`now`, in UTC.

    Raises:
        ValueError: it has no zone.
    """
    if now.tzinfo is None:
        raise ValueError("the sandbox's clock must give aware datetimes")
    return now.astimezone(UTC)
