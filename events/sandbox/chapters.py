"""The two set pieces of the sandbox: a proper secret rotation, and an account takeover with its clean-up.

Both are written into a `Life` before it is told; the takeover can be played live as well (`play_takeover`). Their
contexts are synthetic, like most (see deeds.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from events.sandbox.people import TAKEOVER_COUNTRY as FAR
from events.sandbox.people import Person, address, countries, msisdn, takeover_address
from events.sandbox.shape import Event, event, new_id, render
from events.sandbox.store import Row, SandboxAccount
from events.sandbox.story import Fixed, Life

TAKEOVER_DAY = 718  # twelve days ago, when the history is the usual 730 days long
_ROTATION_DAY = 400
_BURST = 40
_COUNTRY = re.compile(rb'"source_country":"([A-Z]{2})"')
# login, secret, allow list, auto-reload and their undoing by the owner: what a takeover adds to an account
TAKEOVER_EVENTS = 2 * (4 + _BURST)


@dataclass(frozen=True)
class Takeover:
    """What a detection should find. `event_ids` are the attack's, `cleanup_ids` the owner's next morning."""

    api_key: str
    started_at: datetime
    user_email: str
    source_ip: str
    source_country: str
    event_ids: tuple[str, ...]
    cleanup_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One deed of the attack, so many seconds `after` its beginning. `by_victim`: in the dashboard, as the victim."""

    after: int
    event_type: str
    context: Event | None
    by_victim: bool = True


def _attack(rng: Random, secret: Event) -> Iterator[_Step]:
    """A login, a new secret, the gates opened, and numbers bought by API with that secret."""
    yield _Step(0, "USER_LOGIN", None)
    at = rng.randint(80, 200)
    yield _Step(at, "ACCOUNT_SECRET_CREATE", secret)
    at += rng.randint(30, 90)
    yield _Step(at, "IP_WHITELIST_CREATE", {"ip": "0.0.0.0/0"})
    at += rng.randint(30, 90)
    yield _Step(at, "AUTORELOAD_UPDATE", {"amount": 2000, "threshold": 500})
    at += rng.randint(60, 120)
    bought: list[Event] = []
    while len(bought) < _BURST:
        country = rng.choice(("AU", "IE", "SE"))  # the company has never rented numbers there
        number: Event = {"country": country, "msisdn": msisdn(country, rng)}
        if number not in bought:
            bought.append(number)
            yield _Step(at, "NUMBER_ASSIGN", number, by_victim=False)
            at += rng.randint(2, 11)


def play_takeover(
    life: Life, account: SandboxAccount, rng: Random, pace: float, now: datetime
) -> tuple[Takeover, list[Row]]:
    """The attack once more, beginning now: its events are listed one after another as their time comes.

    It comes from a country and an address that this account has never seen, also when it is played again. Without
    Premium Support the login goes unseen.

    Args:
        pace: how many times as fast as in the story, where it takes about ten minutes.
    """
    victim, secret = life.estate.staff[1], {"secretId": new_id(rng)}
    seen = {match[1].decode() for row in account.store.rows if (match := _COUNTRY.search(row.body))}
    unseen = [country for country in countries() if country not in seen]
    country = FAR if FAR in unseen or not unseen else rng.choice(unseen)
    ip = takeover_address(rng) if country == FAR else address(country, rng.randrange(200))
    began = at = int(now.timestamp())
    rows: list[Row] = []
    for step in _attack(rng, secret):
        # Deeds of the victim stay in their order by time, however fast.
        at = max(began + round(step.after / pace), at + (1 if rows and rows[-1].event_type != "NUMBER_ASSIGN" else 0))
        if step.event_type == "USER_LOGIN" and not account.premium:
            continue
        user = (victim.email, victim.user_id) if step.by_victim else None
        source = "CD" if step.by_victim else "DEVAPI"
        made = event(new_id(rng), step.event_type, at, life.api_key, source, ip, country, step.context, user)
        rows.append(Row(at, made["id"], step.event_type, render(made), at))
    account.store.expect(rows)
    ids = tuple(row.id for row in rows)
    return Takeover(life.api_key, datetime.fromtimestamp(began, UTC), victim.email, ip, country, ids, ()), rows


def write_rotation(life: Life) -> None:
    """The owner creates a second secret and deletes the old one some days on, when nothing uses it."""
    old, new = new_id(life.rng), new_id(life.rng)
    first = life.working_day(_ROTATION_DAY)
    for day, event_type, secret in (
        (first, "ACCOUNT_SECRET_CREATE", new),
        (life.working_day(first + 4), "ACCOUNT_SECRET_DELETE", old),
    ):
        at = life.at(day, 10, 12)
        _by_dashboard(life, at - 170, life.owner, "USER_LOGIN", None, "rotation")
        _by_dashboard(life, at, life.owner, event_type, {"secretId": secret}, "rotation")


def write_takeover(life: Life) -> Takeover:
    """Somebody signs in at night as a developer, makes a secret, opens the gates and buys numbers by API.

    The returned takeover has no ids yet: they come into being when its day is told.
    """
    rng = life.rng
    # A base line to raise: auto-reload is on from the first morning and stays on.
    life.estate.autoreload = life.estate.autoreload_pinned = True
    usual: Event = {"amount": 20, "threshold": 10}
    _by_dashboard(life, life.at(0, 7, 45), life.owner, "AUTORELOAD_ENABLE", usual)

    victim = life.estate.staff[1]  # protected: still there on the day
    ip = takeover_address(rng)
    secret = {"secretId": new_id(rng)}
    began = life.at(TAKEOVER_DAY, 2, 13, rng.randrange(60))
    bought: list[Event] = []
    for step in _attack(rng, secret):
        who, source = (victim, "CD") if step.by_victim else (None, "DEVAPI")
        fixed = Fixed(step.event_type, step.context, source, ip, FAR, "takeover")
        life.schedule(began + step.after, who, fixed)
        if step.event_type == "NUMBER_ASSIGN" and step.context:
            bought.append(step.context)

    at = life.at(TAKEOVER_DAY, 8, 41, rng.randrange(60))
    undoing: list[tuple[str, Event | None]] = [
        ("USER_LOGIN", None),
        ("ACCOUNT_SECRET_DELETE", secret),
        ("IP_WHITELIST_DELETE", {"ip": "0.0.0.0/0"}),
        ("AUTORELOAD_UPDATE", usual),
        *(("NUMBER_RELEASE", number) for number in bought),
    ]
    for event_type, context in undoing:
        _by_dashboard(life, at, life.owner, event_type, context, "cleanup")
        at += rng.randint(5, 25) if event_type == "NUMBER_RELEASE" else rng.randint(40, 200)
    return Takeover(life.api_key, datetime.fromtimestamp(began, UTC), victim.email, ip, FAR, (), ())


def _by_dashboard(life: Life, at: int, who: Person, event_type: str, context: Event | None, chapter: str = "") -> None:
    life.schedule(at, who, Fixed(event_type, context, "CD", who.office, who.country, chapter))
