"""Where people are when they do something, and the thief who takes over a login now and then.

Rules look for what is out of the ordinary, so an archive needs an ordinary: people live in one country, travel a few
weeks a year, and do nothing on the days when they leave and return; programs stay where they are.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tests.benchmarks import vocabulary as words

AT_HOME = 0.7  # share of people who live in their company's country
TRAVELLING = 0.03  # share of the weeks of each person
ATTACK_EVERY = 20_000  # events; the first ones of each of these are an attack
PACE = 60  # seconds between two of its steps
# What each step is, and what it is about.
ATTACK: tuple[tuple[str, dict[str, Any]], ...] = (
    ("USER_LOGIN", {}),
    ("USER_UPDATE", {"changed": ["email"]}),
    ("IP_WHITELIST_CREATE", {"ip": "0.0.0.0/0"}),
    ("ACCOUNT_SECRET_CREATE", {"secret": "second"}),
    ("USER_CREATE", {"email": "helpdesk@example.net"}),
    ("AUTORELOAD_UPDATE", {"amount": 5_000, "threshold": 1_000}),
    ("NUMBER_ASSIGN", {"country": "LV", "msisdn": "37120000000"}),
    ("NUMBER_ASSIGN", {"country": "LV", "msisdn": "37120000001"}),
    ("NUMBER_UPDATED", {"country": "LV", "msisdn": "37120000000", "moHttpUrl": "https://collect.example.net/in"}),
    ("USER_PRODUCT_SEARCH", {"product": "SMS", "query": "37120000000"}),
)
DAY, WEEK = 86_400, 7 * 86_400
_COUNTRIES, _ENDS = list(words.COUNTRIES), words.cumulated(list(words.COUNTRIES.values()))


def attack_of(number: int) -> int | None:
    """The number of the first event of the attack that event `number` is part of; None: of none."""
    step = number % ATTACK_EVERY
    return number - step if step < len(ATTACK) and number >= ATTACK_EVERY else None


def attack_step(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a step of an attack replaces of an event; and of its context. It comes from abroad, in a person's name."""
    event_type, context = ATTACK[number % ATTACK_EVERY]
    attack = number // ATTACK_EVERY
    made = {
        "event_type": event_type,
        "event_type_description": event_type.replace("_", " ").capitalize(),
        "source": "CD",
        "source_description": words.SOURCES["CD"][0],
        "source_ip": f"2001:db8:bad::{attack:x}",
        "source_country": ("RO", "UA", "TR", "VN", "NG", "ID", "BG")[attack % 7],
    }
    return made, context


@lru_cache(maxsize=1_000)
def home(account: int, person: int | None) -> str:
    """The country that somebody lives in, or that an account's programs run in."""
    company = _COUNTRIES[account % len(_COUNTRIES)]
    if person is None or _share(f"near {account} {person}") < AT_HOME:
        return company
    share = _share(f"home {account} {person}")
    return next(country for country, end in zip(_COUNTRIES, _ENDS, strict=True) if share <= end)


def whereabouts(account: int, person: int, at: int) -> tuple[str, bool]:
    """The country that somebody is in, and whether that is abroad; "" on the day of a journey."""
    week, rest = divmod(at, WEEK)
    abroad = _trip(account, person, week)
    if abroad:
        return ("" if rest < DAY else abroad), True
    back = rest < DAY and _trip(account, person, week - 1)
    return "" if back else home(account, person), False


@lru_cache(maxsize=50_000)
def _trip(account: int, person: int, week: int) -> str:
    """Where somebody is for a week; "" at home. Somewhere else each time, so that rare countries occur."""
    share = _share(f"trip {account} {person} {week}")
    return _COUNTRIES[int(share / TRAVELLING * len(_COUNTRIES))] if share < TRAVELLING else ""


def _share(text: str) -> float:
    return int.from_bytes(blake2b(f"{words.SEED} {text}".encode(), digest_size=4).digest(), "big") / 2**32
