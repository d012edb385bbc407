"""The switches of the sandbox: one for each thing that nobody outside Nexmo knows about the Audit API.

Each default is the likeliest behaviour; the other values are what the API might do instead. A client is
right only if it is right under all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo


def _one_of(*allowed: str, about: str) -> Any:
    return field(default=allowed[0], metadata={"allowed": allowed, "about": about})


def _number(default: float, about: str, least: float | None = 0) -> Any:
    return field(default=default, metadata={"least": least, "about": about})


def _flag(default: bool, about: str) -> Any:
    return field(default=default, metadata={"about": about})


def _text(default: str, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Switches:
    """How the sandbox behaves where the real behaviour is unknown.

    Raises:
        ValueError: a value is not one that its switch allows; the message names the switch and the values.
        TypeError: there is no such switch.
    """

    # Time
    order: str = _one_of("newest_first", "oldest_first", about="order of the list")
    zone: str = _text(
        "UTC", "zone of created_at and of naive filters: UTC, +02:00 or a name such as Europe/Berlin (F43)"
    )
    end: str = _one_of("inclusive", "exclusive", about="whether an event at date_to itself is in the list")
    date_only: str = _one_of("whole_day", "midnight", about="what a date_to without a time means (F50)")
    offsets: bool = _flag(True, "whether offsets such as +01:00 are accepted in date filters; else 400")
    bad_date: str = _one_of("400", "ignored", about="a date filter that is no date")
    reversed_dates: str = _one_of("empty", "400", about="date_from later than date_to (F50)")
    retention_days: int = _number(0, "days after which events are no longer served; 0 = never (F55)")
    ingestion_delay: float = _number(0, "seconds until an event that happened is served (F37)")
    date_header: bool = _flag(True, "whether answers carry a Date header")
    clock_ahead: float = _number(0, "seconds by which the Date header is ahead of this machine's clock", least=None)
    # Paging
    size_over_100: str = _one_of("clamp", "400", about="a size above 100")
    max_size: int = _number(100, "most rows of a page, whatever was asked (F29)", least=1)
    bad_size: str = _one_of("default", "400", about="a size below 1 or that is no number")
    bad_page: str = _one_of("default", "400", about="page 0, -1 or abc")
    past_end: str = _one_of("empty", "404", "last_page", about="a page past the end (F31)")
    links: str = _one_of(
        "next_last", "first_prev", "https", "relative", "wrong", "self_loop", "no_next", "no_filters",
        "templated", "none", about="the list's _links (F26, F32, F33)",
    )  # fmt: skip
    number: str = _one_of("one_based", "zero_based", "page_key", about="page.number (F28)")
    numbers_as_text: bool = _flag(False, "the numbers of `page` as strings (F27)")
    page_object: bool = _flag(True, "whether the list has a `page` object (F26)")
    totals: str = _one_of("right", "missing", "off", about="totalElements and totalPages (F30)")
    totals_off: int = _number(1, "by how much totalElements is off, with totals=off", least=None)
    empty_embedded: str = _one_of("absent", "no_events", "null", "empty", about="_embedded of an empty page (F24, F25)")
    # Filters
    search_case: str = _one_of("insensitive", "sensitive", about="letter case of search_text")
    search_scope: str = _one_of("event", "context", about="what search_text looks at")
    search_wildcards: bool = _flag(False, "whether % and _ are wildcards in search_text, as in SQL LIKE (F49)")
    unknown_type: str = _one_of("empty", "400", about="an event_type in the filter that does not exist (F48)")
    repeated_type: str = _one_of("all", "first", "last", about="event_type given twice: which one counts")
    ignored_filters: str = _one_of("none", "dates", "types", "search", "all", about="filters silently ignored (F51)")
    # Account and errors
    premium: bool = _flag(True, "whether accounts have Premium Support; without it no logins and logouts (F54)")
    id_case: str = _one_of("lower", "upper", about="letter case of event ids (F45)")
    errors: str = _one_of("service", "rfc7807", "gateway", about="which of the three families of error bodies")
    unauthorized_text: str = _one_of("jwt", "missing", about="which 401 text of the service family (F08, F09)")
    requests_per_second: float = _number(0, "rate limit of each account; 0 = none (F15)")
    retry_after: str = _one_of("seconds", "date", "none", about="the Retry-After of the rate limit")
    redirect_target: str = _text("http://audit.example.net", "scheme and host that redirect faults point to (F20)")
    # OPTIONS
    options: str = _one_of(
        "normal", "204", "intercepted", "empty", "duplicates", "extra_key", "new_type", "missing_type",
        "no_description", about="the answer to OPTIONS (F21, F22, F23)",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for switch in fields(self):
            value, about = getattr(self, switch.name), switch.metadata
            if "allowed" in about and value not in about["allowed"]:
                raise ValueError(f"switch {switch.name} must be one of {', '.join(about['allowed'])}, not {value!r}")
            if "least" in about:
                whole = switch.type == "int"
                if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                    raise ValueError(f"switch {switch.name} must be a {'whole ' if whole else ''}number, not {value!r}")
                if about["least"] is not None and not value >= about["least"]:
                    raise ValueError(f"switch {switch.name} must be at least {about['least']}, not {value!r}")
            if switch.type == "bool" and not isinstance(value, bool):
                raise ValueError(f"switch {switch.name} must be true or false, not {value!r}")
        self.tzinfo()

    def tzinfo(self) -> tzinfo:
        """The zone of the switch `zone`.

        Raises:
            ValueError: no such zone.
        """
        text = self.zone
        if text.upper() in ("UTC", "Z"):
            return UTC
        try:
            if text[:1] in ("+", "-"):
                hours, minutes = text[1:].split(":")
                offset = timedelta(hours=int(hours), minutes=int(minutes))
                return timezone(-offset if text[0] == "-" else offset)
            return ZoneInfo(text)
        except (ValueError, OSError, KeyError):
            raise ValueError(f"switch zone must be UTC, +HH:MM or the name of a zone, not {text!r}") from None

    def changed(self, **changes: object) -> Switches:
        """A copy with other values; text becomes the type of its switch, so `"true"` and `"30"` will do.

        Raises:
            ValueError: no such switch, or not a value of it.
        """
        kinds = {switch.name: switch.type for switch in fields(self)}
        unknown = [name for name in changes if name not in kinds]
        if unknown:
            raise ValueError(f"unknown switch {unknown[0]!r}; the switches are {', '.join(sorted(kinds))}")
        values: dict[str, Any] = {name: _typed(name, str(kinds[name]), value) for name, value in changes.items()}
        return replace(self, **values)

    @classmethod
    def names(cls) -> list[str]:
        return [switch.name for switch in fields(cls)]

    @classmethod
    def parse(cls, settings: list[str]) -> Switches:
        """Switches from texts such as `order=oldest_first`.

        Raises:
            ValueError: as `changed`, or a text without `=`.
        """
        changes: dict[str, object] = {}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise ValueError(
                    f"a switch is set as NAME=VALUE, not {setting!r}; the names are {', '.join(cls.names())}"
                )
            changes[name.strip()] = value.strip()
        return cls().changed(**changes)


def _typed(name: str, kind: str, value: object) -> object:
    if not isinstance(value, str):
        return str(value) if kind == "str" else value
    if kind == "bool":
        words = {
            "true": True,
            "on": True,
            "yes": True,
            "1": True,
            "false": False,
            "off": False,
            "no": False,
            "0": False,
        }
        if value.lower() not in words:
            raise ValueError(f"switch {name} must be true or false, not {value!r}")
        return words[value.lower()]
    if kind in ("int", "float"):
        try:
            return int(value) if kind == "int" else float(value)
        except ValueError:
            raise ValueError(f"switch {name} must be a number, not {value!r}") from None
    return value
