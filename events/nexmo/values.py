"""Reading single values of events and headers: times and addresses, in any of the shapes seen or feared."""

from __future__ import annotations

import email.utils
import ipaddress
import re
from datetime import UTC, datetime, timedelta, tzinfo
from math import isfinite
from typing import Any, Self
from zoneinfo import ZoneInfo


class HugeNumber(float):
    """A number of JSON beyond what floats hold: infinite to reckon with, and written as it was received."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text


def read_float(text: str) -> float:
    """A number with a fraction or an exponent; for JSON decoders."""
    number = float(text)
    return number if isfinite(number) else HugeNumber(text)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]+))?"
    r"\s*([Zz]|[Uu][Tt][Cc]|[Gg][Mm][Tt]|[+-][0-9]{2}(?::?[0-9]{2})?)?(?:\[([A-Za-z0-9_+\-/]{1,50})\])?)?"
)

# The calendar's last year overflows in other zones: what is dated in it stands at the end of the year before.
LATEST = datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
CAPPED = "capped"


def parse_time(value: Any, zone: tzinfo) -> tuple[datetime | None, str]:
    """A time as aware UTC, and what it rests on: the offset or the zone it came with, or the zone assumed.

    Returns (None, "") for anything unreadable. A repeated hour (end of summer time) is read as its first pass. An
    offset decides over a zone's name behind it, as in Java. 24:00 and the leap second 23:59:60 are the next midnight.
    """
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None, ""
    day, clock, seconds, fraction, offset, name = match.groups()
    clock, seconds = clock or "00:00", seconds or "00"
    offset = (offset or "").upper()
    offset = "Z" if offset in ("UTC", "GMT") else offset
    if re.fullmatch(r"[+-][0-9]{4}", offset):
        offset = f"{offset[:3]}:{offset[3:]}"
    elif re.fullmatch(r"[+-][0-9]{2}", offset):
        offset += ":00"
    beyond = timedelta()
    if (clock, seconds) == ("24:00", "00") and not (fraction or "").strip("0"):
        clock, beyond = "00:00", timedelta(days=1)
    elif seconds == "60":
        seconds, fraction, beyond = "59", "", timedelta(seconds=1)
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}:{seconds}.{(fraction or '0')[:6]:0<6}{offset}")
        if moment.year < 1970:
            return None, ""
        if moment.year > LATEST.year:
            return LATEST, CAPPED
        if name and not offset:
            zone = ZoneInfo(name)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        read = (aware + beyond).astimezone(UTC)
        if read > LATEST:
            return LATEST, CAPPED
    except (ValueError, OverflowError, KeyError, OSError):  # the last two: there is no such zone
        return None, ""
    if beyond == timedelta(seconds=1) and (read.hour, read.minute, read.second) != (0, 0, 0):
        return None, ""  # leap seconds end days of UTC, and nothing else has a second 60
    return read, offset or str(zone)


LONGEST_PAUSE = 86_400.0


def parse_http_date(value: str | None) -> datetime | None:
    """The time in a header such as Date, as aware UTC; None when there is none, or none that can be."""
    aware = _http_date(value)
    return aware if aware and 1970 <= aware.year <= 9998 else None


def _http_date(value: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime((value or "").strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait, a day at most, from seconds or an HTTP date; None for anything else.

    Args:
        now: the other side's clock, which its date counts from; ours if None.
    """
    text = (value or "").strip()
    if re.fullmatch("[0-9]+", text):
        return min(float(text[:20]), LONGEST_PAUSE)
    moment = _http_date(text)
    if moment is None:
        return None
    return min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), LONGEST_PAUSE)


_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.%]+)\](?::[0-9]{1,5})?")


def read_address(text: str) -> Address | None:
    """The address that a text gives, also with a port; of a list the first that is one; None when it gives none."""
    for item in re.split(r"[,;\s]+", text.strip()):
        match = _WITH_PORT.fullmatch(item)
        address = plain_address((match[1] or match[2]) if match else item)
        if address:
            return address
    return None


def plain_address(text: str) -> Address | None:
    """The address that a text is, or None."""
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None


def ip_key(address: str | Address) -> str:
    """An address as 32 hex digits that sort like addresses (IPv4 mapped into IPv6), or "" when it is none."""
    read = read_address(address) if isinstance(address, str) else address
    if read is None:
        return ""
    mapped = int(read) | 0xFFFF_0000_0000 if read.version == 4 else int(read)
    return f"{mapped:032x}"
