"""The events: realistic, skewed, and the same for every run.

Event number n of an archive of a given size is always the same one, whatever was made before: a fill that was stopped
goes on where it was, and further events (n beyond the size) follow on in time.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from struct import Struct
from typing import Any

from tests.benchmarks import people
from tests.benchmarks import vocabulary as words

START = datetime(2023, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
_SPAN = (END - START).total_seconds()
_GROWTH = 0.8  # below 1: later years are busier
_INTS = Struct("<14I")
_ONE = float(2**32)

_TYPES, _TYPE_ENDS = list(words.TYPES), words.cumulated(list(words.TYPES.values()))
_COUNTRIES = list(words.COUNTRIES)
_SOURCES = list(words.SOURCES)
_SOURCE_ENDS = words.cumulated([weight for _, weight in words.SOURCES.values()])
_BUSY = words.ACCOUNTS - words.SILENT
_ACCOUNT_ENDS = words.cumulated([1 / (rank + 1) for rank in range(_BUSY)])
_NUMBER_PREFIXES = ("447700900", "120255501", "336399812", "493023125", "612555011")


def _pick(ends: list[float], share: float) -> int:
    return min(bisect_left(ends, share), len(ends) - 1)


def staff(account: int) -> list[str]:
    """The people of an account, those who do most first."""
    domain = words.COMPANIES[account].lower().replace(" ", "-") + ".example.com"
    count = 3 if account >= _BUSY else max(4, 48 // (account + 1))
    return [
        f"{words.FIRST[(account * 7 + n * 5) % len(words.FIRST)]}."
        f"{words.LAST[(account * 11 + n * 3) % len(words.LAST)]}@{domain}"
        for n in range(count)
    ]


_STAFF = [staff(account) for account in range(words.ACCOUNTS)]
_STAFF_ENDS = [words.cumulated([1 / (rank + 1) ** 1.6 for rank in range(len(people))]) for people in _STAFF]


@dataclass
class Story:
    """All events of an archive of `total` events, by number."""

    total: int
    _silent: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        # Which events belong to the silent accounts: spread evenly over their time.
        self._silent = {}
        count = min(words.SILENT_EVENTS, self.total // (words.SILENT * 20))
        for silent in range(words.SILENT):
            part = self.total // 3 if silent < words.OLD_SILENT else self.total
            for n in range(count):
                self._silent[int((n + 0.5) / count * part) // words.SILENT * words.SILENT + silent] = _BUSY + silent

    def account_of(self, number: int) -> int:
        """The account (from 0) that event `number` belongs to."""
        first = self.attack_of(number)
        if first is not None:
            number = first  # an attack is on one account
        return self._account(number, self._draws(number))

    def attack_of(self, number: int) -> int | None:
        """The number of the first event of the attack that event `number` is part of; None: of none."""
        first = people.attack_of(number)
        return None if first is None or first in self._silent or number in self._silent else first

    def moment(self, number: int) -> int:
        """When event `number` happened, in seconds since 1970; later numbers are never earlier."""
        first = self.attack_of(number)
        if first is not None:  # its steps follow fast on one another
            return min(self._moment(number), self._moment(first) + (number - first) * people.PACE)
        return self._moment(number)

    def _moment(self, number: int) -> int:
        share = max(0.0, (number + 0.5) / self.total)
        return int(START.timestamp() + _SPAN * share**_GROWTH)

    def event(self, number: int, *, at_share: float | None = None) -> dict[str, Any]:
        """Event `number` as the API sends it; `at_share` (0 to 1) dates it elsewhere within the three years."""
        draws = self._draws(number)
        attack = self.attack_of(number)
        chosen = draws if attack is None else self._draws(attack)  # by one login
        account = self.account_of(number) if attack is not None else self._account(number, draws)
        at = self.moment(number)
        if at_share is not None:
            at = self._moment(int(at_share * self.total)) + (0 if attack is None else (number - attack) * people.PACE)
        digest = hashlib.blake2b(f"{words.SEED} id {number}".encode(), digest_size=16).hexdigest()
        event_id = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"
        event_type = _TYPES[_pick(_TYPE_ENDS, draws[1] / _ONE)]
        source = _SOURCES[_pick(_SOURCE_ENDS, draws[2] / _ONE)]
        made: dict[str, Any] = {
            "_links": {"self": {"href": f"http://api.nexmo.com/beta/audit/events/{event_id}"}},
            "id": event_id,
            "event_type": event_type,
            "event_type_description": event_type.replace("_", " ").capitalize(),
            "created_at": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        person = _pick(_STAFF_ENDS[account], chosen[3] / _ONE)
        replaced, about = ({}, None) if attack is None else people.attack_step(number)
        source = replaced.get("source", source)
        country, is_abroad = people.whereabouts(account, person, at)
        if not country and attack is None:
            source = "DEVAPI"  # on the way, people do nothing
        if source != "DEVAPI":
            made["user_email"] = _STAFF[account][person]
            made["user_id"] = 1_000_000 + account * 1_000 + person
        made["account_id"] = words.api_key(account)
        made["source"] = source
        made["source_ip"] = _address(account, person, source, draws[4], at // people.WEEK if is_abroad else None)
        made["source_description"] = words.SOURCES[source][0]
        made["source_country"] = people.home(account, None) if source == "DEVAPI" else country
        made |= replaced
        note = self._note(number, draws)
        made["context"] = _context(event_type, draws, note) if about is None else about | {"note": note}
        return made

    def raw(self, number: int, *, at_share: float | None = None) -> str:
        """The same as JSON text, as the API writes it."""
        return json.dumps(self.event(number, at_share=at_share), ensure_ascii=False, separators=(",", ":"))

    def by_account(self, numbers: range) -> Iterator[tuple[int, int]]:
        """(number, account) of each event of a range."""
        for number in numbers:
            yield number, self.account_of(number)

    def _account(self, number: int, draws: tuple[int, ...]) -> int:
        if number < self.total and (silent := self._silent.get(number)) is not None:
            return silent
        return _pick(_ACCOUNT_ENDS, draws[0] / _ONE)

    @staticmethod
    def _draws(number: int) -> tuple[int, ...]:
        return _INTS.unpack(hashlib.blake2b(f"{words.SEED} {number}".encode(), digest_size=56).digest())

    def _note(self, number: int, draws: tuple[int, ...]) -> str:
        # One draw for all sentences, turned a little for each, so that they fall independently enough.
        parts = [
            sentence
            for place, (share, sentence) in enumerate(words.NOTES)
            if (draws[6 + place % 3] * (2 * place + 1) + place * 0x9E3779B9) % 2**32 < share * _ONE
        ]
        if number < self.total * words.OLD_SHARE:
            parts.append(words.OLD_NOTE)
        if number == int(self.total * words.NEEDLE_AT):
            parts.append(words.NEEDLE_NOTE)
        return " ".join(parts)


def _address(account: int, person: int, source: str, draw: int, week_abroad: int | None) -> str:
    if source == "DEVAPI":  # a few machines of the account's own
        return f"198.18.{account}.{draw % 5 + 10}"
    if week_abroad is not None:
        return f"2001:db8:{account:x}:{person:x}::{week_abroad:x}"
    if draw % 10 < 6:
        return f"198.18.{100 + account}.1"  # the office
    if draw % 10 < 9:
        return f"198.19.{account * 8 + person % 8}.{person // 8 + 2}"  # at home
    return f"2001:db8:{account:x}::{draw >> 16:x}"  # on the move: hardly ever the same one twice


def _context(event_type: str, draws: tuple[int, ...], note: str) -> dict[str, Any]:
    number = f"{_NUMBER_PREFIXES[draws[9] % 5]}{draws[9] // 5 % 1000:03d}"
    token = f"{draws[10]:08x}{draws[11]:08x}"
    if event_type.startswith(("NUMBER_", "ESIM_")):
        return {
            "country": _COUNTRIES[draws[12] % 8],
            "msisdn": number,
            "moHttpUrl": f"https://hooks.example.com/{token}/inbound",
            "voiceCallbackType": ("app", "sip", "tel")[draws[12] % 3],
            "note": note,
        }
    if event_type.startswith("APP_"):
        return {
            "application": {"id": f"{token[:8]}-{token[8:12]}-4000-a000-{draws[12]:012x}", "name": f"Desk {number}"},
            "voice": {"webhooks": [{"endpoint": f"https://hooks.example.com/{token}/answer", "httpMethod": "GET"}]},
            "note": note,
        }
    if event_type.startswith("USER_"):
        return {"session": token, "product": ("SMS", "Voice", "Verify")[draws[12] % 3], "query": number, "note": note}
    if event_type.startswith("AUTORELOAD_"):
        return {"amount": (50, 75, 100)[draws[12] % 3], "threshold": (20, 30)[draws[12] % 2], "note": note}
    return {
        "changed": ["settings", "limits"][: draws[12] % 2 + 1],
        "before": token[:8],
        "after": token[8:],
        "note": note,
    }
