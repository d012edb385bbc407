"""The life of one account, told day by day: who works when, and what they change.

Everything is drawn from one random generator in one fixed order, so a seed and a first day fix the whole
story, and telling one more day never alters the days before. A day is *planned* (who works, at which
moments) before it is *told* (what is done at each moment, in order of time), because working days of
people in different zones overlap: a number must be assigned before a colleague abroad can link it.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from events.sandbox.deeds import DEEDS, Estate
from events.sandbox.people import Company, Person, address, hire, journey
from events.sandbox.shape import Event, event, midnight, new_id

# What people of each role do, as weights over the deeds.
_ROLES: dict[str, dict[str, int]] = {
    "owner": {"search": 8, "assign": 6, "cancel": 3, "update_number": 6, "app_create": 3, "app_update": 5,
              "allow_address": 4, "remove_address": 3, "autoreload": 5, "hire": 4, "user_update": 8,
              "user_status": 3, "billing": 4, "api_keys": 2, "settings": 3},
    "developer": {"search": 18, "assign": 5, "cancel": 3, "update_number": 16, "link": 12, "unlink": 7,
                  "app_create": 5, "app_update": 18, "app_disable": 2, "app_enable": 3, "app_delete": 3,
                  "allow_address": 1, "settings": 2},
    "support": {"search": 60, "update_number": 6, "link": 2, "user_update": 3},
    "finance": {"search": 6, "autoreload": 8, "billing": 6, "cancel": 3},
    "machine": {"app_update": 30, "update_number": 26, "link": 14, "unlink": 6, "assign": 8, "cancel": 5,
                "settings_api": 6, "app_create": 2},
}  # fmt: skip
_PLANS = {role: (tuple(deeds), tuple(deeds.values())) for role, deeds in _ROLES.items()}
_STAFF = ("owner", "developer", "support", "developer", "finance", "support", "developer")
_WORKING_WEEK = 5.3  # a weekend day counts 0.15 of a working day
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Fixed:
    """A moment whose event is written beforehand (a rotation, the takeover). `chapter` collects its id."""

    event_type: str
    context: Event | None
    source: str
    ip: str
    country: str
    chapter: str = ""


Moment = tuple[int, int, Person | None, str | Fixed]  # when, sequence number, who (None: the machine), what


class Life:
    """One account's story. `per_day` is the mean number of events a day; `lane` keeps its numbers its own."""

    def __init__(self, api_key: str, company: Company, rng: Random, start: date, per_day: float, lane: int) -> None:
        self.api_key, self.company, self.rng, self.start, self.per_day = api_key, company, rng, start, per_day
        self.chapters: dict[str, list[str]] = {}
        self.days_told = 0
        self.estate = Estate(api_key, company, rng, lane)
        for number in range(company.staff):
            role = _STAFF[number % len(_STAFF)] if number else "owner"
            role = "developer" if number and role == "owner" else role
            self.estate.staff.append(hire(company, rng, role, self.estate.emails, protected=number < 2))
        # The build machine stands in somebody's cloud, not in the office.
        self.machine = address(rng.choice(("US", "IE", company.country)), rng.randrange(200))
        self._machine_share = rng.uniform(0.08, 0.3)
        self._credit = 0.0
        self._days_planned = 0
        self._sequence = 0
        self._moments: list[Moment] = []

    @property
    def owner(self) -> Person:
        return self.estate.staff[0]

    def at(self, day: int, hour: int, minute: int, second: int = 0) -> int:
        """Seconds since 1970 of a local time, in the company's zone, on day number `day` of the story."""
        local = hour * _HOUR + minute * 60 + second
        return midnight(self.start) + day * 86_400 + local - self.owner.offset * _HOUR

    def working_day(self, day: int) -> int:
        """`day`, or the Monday after it when it falls on a weekend."""
        weekday = (self.start + timedelta(days=day)).weekday()
        return day + (7 - weekday if weekday > 4 else 0)

    def schedule(self, at: int, who: Person | None, what: str | Fixed) -> None:
        heapq.heappush(self._moments, (at, self._sequence, who, what))
        self._sequence += 1

    def tell(self) -> list[tuple[int, Event]]:
        """The events of the next UTC day as (seconds since 1970, event), in order of time."""
        while self._days_planned <= self.days_told + 1:  # tomorrow already begins in the east
            self._plan(self._days_planned)
            self._days_planned += 1
        begin = midnight(self.start) + self.days_told * 86_400
        self.days_told += 1
        events: list[tuple[int, Event]] = []
        while self._moments and self._moments[0][0] < begin + 86_400:
            at, _, who, what = heapq.heappop(self._moments)
            if at < begin:
                continue  # the story's first morning in the east lies before the story
            if isinstance(what, str) and who is not None and not who.active:
                self._credit += 1
                continue
            events.append((at, self._happen(at, who, what)))
        return events

    def _happen(self, at: int, who: Person | None, what: str | Fixed) -> Event:
        event_id = new_id(self.rng)
        user = (who.email, who.user_id) if who else None
        if isinstance(what, Fixed):
            if what.chapter:
                self.chapters.setdefault(what.chapter, []).append(event_id)
            return event(event_id, what.event_type, at, self.api_key, what.source, what.ip, what.country,
                         what.context, user)  # fmt: skip
        if who is None:
            event_type, context = DEEDS[what](self.estate, None)
            if event_type == "NUMBER_UPDATED" and context is not None:
                context["accountId"] = self.api_key  # as in the vendor's sample of a DEVAPI event
            ip, source = self.machine, "DEVAPI"
            country = self.estate.country_of(ip)
        else:
            event_type, context = DEEDS[what](self.estate, who)
            day = (at - midnight(self.start)) // 86_400
            if who.away and day <= who.away_until:
                ip, country = address(who.away, who.user_id), who.away
            else:
                at_home = (day * 7 + who.user_id) % 5 < 2 or (at // _HOUR + who.offset) % 24 >= 19
                ip, country = (who.home if at_home else who.office), who.country
            source = "CD"
        return event(event_id, event_type, at, self.api_key, source, ip, country, context, user)

    def _plan(self, day: int) -> None:
        """Decide who works on this day, and at which moments."""
        rng = self.rng
        weekday = (self.start + timedelta(days=day)).weekday()
        weight = (0.15 if weekday > 4 else 1.0) * 7 / _WORKING_WEEK
        self._credit += self.per_day * weight * rng.uniform(0.6, 1.4)
        people = [person for person in self.estate.staff if person.active]
        while self._credit >= 1:
            if rng.random() < self._machine_share / 2:  # a run is about twice as long as a session
                self._plan_run(day)
            else:
                self._plan_session(day, rng.choice(people))

    def _plan_run(self, day: int) -> None:
        """The build machine deploys something: a few changes within a minute or two."""
        rng = self.rng
        hour = 2.0 if rng.random() < 0.2 else rng.triangular(9, 18, 14)
        at = self.at(day, 0, 0) + int(hour * _HOUR) + rng.randrange(1200)
        names, weights = _PLANS["machine"]
        for deed in rng.choices(names, weights, k=rng.randint(2, 7)):
            self.schedule(at, None, deed)
            at += rng.randint(1, 35)
            self._credit -= 1

    def _plan_session(self, day: int, person: Person) -> None:
        """A person signs in, does something or merely looks, and perhaps signs out."""
        rng = self.rng
        if rng.random() < 0.004:
            person.away, person.away_until = journey(person, rng), day + rng.randint(2, 9)
        hour = rng.triangular(8, 18.5, 10.5) if rng.random() > 0.015 else rng.uniform(19, 23)
        at = midnight(self.start) + day * 86_400 + int((hour - person.offset) * _HOUR) + rng.randrange(60)
        names, weights = _PLANS[person.role]
        count = rng.choice((0, 1, 1, 2, 3)) if self.company.premium else rng.choice((1, 1, 2, 4))
        deeds = rng.choices(names, weights, k=count)
        if self.company.premium:
            deeds.insert(0, "login")
            if rng.random() < 0.6:
                deeds.append("logout")
        for deed in deeds:
            self.schedule(at, person, deed)
            at += rng.randint(20, 180) if deed == "login" else rng.randint(25, 800)
            self._credit -= 1
