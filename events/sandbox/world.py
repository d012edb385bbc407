"""The world of the sandbox: its accounts and all their events, fixed by a seed and a first day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from threading import RLock

from events.sandbox.chapters import (
    TAKEOVER_DAY,
    TAKEOVER_EVENTS,
    Takeover,
    play_takeover,
    write_rotation,
    write_takeover,
)
from events.sandbox.people import company
from events.sandbox.shape import event, new_id, render
from events.sandbox.store import Row, SandboxAccount
from events.sandbox.story import Life

HISTORY_DAYS = 730
_SHARES = (42.0, 27.0, 17.0, 11.0, 3.0)
_ROTATION_ACCOUNT, _TAKEOVER_ACCOUNT = 1, 3


class World:
    """`accounts` accounts named demo0001, ... with about `events` events in all over 730 days from `start`.

    Only events whose time has come are visible; `advance` brings the world up to a moment. With the same
    seed, start, accounts and events the same world comes into being, and a later moment only adds to it.
    Accounts whose keys are in `empty` never have events.
    """

    def __init__(self, *, accounts: int, events: int, seed: int, start: date, empty: Collection[str] = ()) -> None:
        if accounts < 1 or events < 0:
            raise ValueError("the sandbox needs at least one account and no negative number of events")
        self.start = start
        self.lock = RLock()
        self.accounts: dict[str, SandboxAccount] = {}
        self._seed = seed
        self._lives: dict[str, Life] = {}
        self._takeover: Takeover | None = None
        self._days_told = 0
        # For `invent`. Not seeded: after a restart it must not give an old id to a new event.
        self._extra = Random()  # noqa: S311 - test data, not a secret
        shares = [_share(index) for index in range(accounts)]
        for index, share in enumerate(shares, start=1):
            key = f"demo{index:04d}"
            firm = company(index)
            self.accounts[key] = SandboxAccount(
                key, firm.name, [f"sandbox-secret-{index:04d}"], firm.premium, lock=self.lock
            )
            if events and key not in empty:
                self._begin(key, index, events * share / sum(shares))

    def _begin(self, key: str, index: int, total: float) -> None:
        if index == _TAKEOVER_ACCOUNT:
            total = max(total - TAKEOVER_EVENTS, total / 2)
        rng = Random(f"{self._seed}:{key}")  # noqa: S311 - reproducible test data, not a secret
        life = self._lives[key] = Life(key, company(index), rng, self.start, total / HISTORY_DAYS, index)
        if index == _ROTATION_ACCOUNT:
            write_rotation(life)
        if index == _TAKEOVER_ACCOUNT:
            self._takeover = write_takeover(life)

    @property
    def takeover(self) -> Takeover | None:
        """The account takeover, once its day has been told; None in a world too young or without demo0003."""
        if self._takeover is None or self._days_told <= TAKEOVER_DAY:
            return None
        chapters = self._lives[self._takeover.api_key].chapters
        return replace(self._takeover, event_ids=tuple(chapters["takeover"]), cleanup_ids=tuple(chapters["cleanup"]))

    def advance(self, now: datetime) -> None:
        """Tell every day up to that of `now`, and let the events appear whose time has come."""
        moment = now.timestamp()
        with self.lock:
            while self.start + timedelta(days=self._days_told) <= now.date():
                self._days_told += 1
                for key, life in self._lives.items():
                    day = life.tell()
                    if day:
                        self.accounts[key].store.expect(
                            [Row(at, event["id"], event["event_type"], render(event), at) for at, event in day]
                        )
            for account in self.accounts.values():
                account.store.arrive(moment)

    def invent(self, key: str, count: int, now: datetime) -> list[dict[str, object]]:
        """`count` plausible events dated `now`, without any effect on the story.

        Raises:
            KeyError: no such account.
        """
        account, rng = self.accounts[key], self._extra
        life = self._lives.get(key)
        made: list[dict[str, object]] = []
        for _ in range(count):
            at = int(now.timestamp())
            if life is None or rng.random() < 0.4:
                ip = life.machine if life else "192.0.2.1"
                country = life.estate.country_of(ip) if life else "GB"
                context = {
                    "moCallBackUrl": f"https://hooks.example.com/{rng.randrange(1000)}",
                    "drCallBackUrl": "",
                }
                event_type, source, user = "ACCOUNT_UPDATE_SETTINGS_API", "DEVAPI", None
            else:
                who = rng.choice([person for person in life.estate.staff if person.active])
                ip, country, source = who.office, who.country, "CD"
                event_type, user = "USER_PRODUCT_SEARCH", (who.email, who.user_id)
                context = {"product": "SMS", "query": f"447700900{rng.randrange(1000):03d}"}
            made.append(event(new_id(rng), event_type, at, account.api_key, source, ip, country, context, user))
        return made

    def attack(self, key: str, pace: float, now: datetime) -> tuple[Takeover, list[Row]]:
        """Let the takeover happen from now on, without any effect on the story (`play_takeover`).

        Raises:
            KeyError: no such account.
            ValueError: nobody works at that account.
        """
        account, life = self.accounts[key], self._lives.get(key)
        if life is None:
            raise ValueError("nobody works at an account without events")
        return play_takeover(life, account, self._extra, pace, now)

    def __repr__(self) -> str:
        return f"<World of {len(self.accounts)} accounts from {self.start}>"


def _share(index: int) -> float:
    """The weight of account number `index` (from 0): five big ones, then a long tail."""
    return _SHARES[index] if index < len(_SHARES) else max(_SHARES[-1] * 0.9 ** (index - 4), 0.3)
