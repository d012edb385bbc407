"""The two set pieces of the sandbox: a proper secret rotation, and an account takeover with its clean-up.

Both are written into a `Life` before it is told. Their contexts are synthetic, like most (see deeds.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from events.sandbox.people import TAKEOVER_COUNTRY as FAR
from events.sandbox.people import Person, msisdn, takeover_address
from events.sandbox.shape import Event, new_id
from events.sandbox.story import Fixed, Life

TAKEOVER_DAY = 718  # twelve days ago, when the history is the usual 730 days long
_ROTATION_DAY = 400
_BURST = 40
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
    began = at = life.at(TAKEOVER_DAY, 2, 13, rng.randrange(60))

    def attack(event_type: str, context: Event | None, who: Person | None = victim) -> None:
        source = "CD" if who else "DEVAPI"
        life.schedule(at, who, Fixed(event_type, context, source, ip, FAR, "takeover"))

    attack("USER_LOGIN", None)
    at += rng.randint(80, 200)
    attack("ACCOUNT_SECRET_CREATE", secret)
    at += rng.randint(30, 90)
    attack("IP_WHITELIST_CREATE", {"ip": "0.0.0.0/0"})
    at += rng.randint(30, 90)
    attack("AUTORELOAD_UPDATE", {"amount": 2000, "threshold": 500})
    at += rng.randint(60, 120)
    bought: list[Event] = []
    while len(bought) < _BURST:
        country = rng.choice(("AU", "IE", "SE"))  # the company has never rented numbers there
        number: Event = {"country": country, "msisdn": msisdn(country, rng)}
        if number not in bought:
            bought.append(number)
            attack("NUMBER_ASSIGN", number, None)  # by the new secret, so without a user
            at += rng.randint(2, 11)

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
