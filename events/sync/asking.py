"""Asking Nexmo while a person waits for the page: nothing sleeps, and nobody can take all of the site's threads.

A web request never waits for an account's pace. When it is somebody else's turn, the next free moment is kept for this
person, who is told in how many seconds that is. Each person asks one thing at a time and so many a minute, and of a
process's threads at most half are ever waiting for Nexmo.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import caches
from django.utils.translation import gettext, ngettext

from events.sync import state
from events.sync.clients import SharedPacer, client_for
from events.sync.engine import are_refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import AnyUser, NexmoAccount
    from events.nexmo.client import AuditClient

PER_MINUTE = 10  # for one person
TIMEOUT = 8.0  # seconds; NEXMO_TIMEOUT where that is shorter
LONGEST_TURN = 120  # seconds after which a turn that was never given back is over
KEPT = 60  # seconds for which a moment is kept for who was told to wait for it


class NotAsked(Exception):
    """Nexmo was not asked. Its text says why, and when to try again."""


@contextlib.contextmanager
def turn(user: AnyUser) -> Iterator[None]:
    """One turn of a person at asking Nexmo. Raises NotAsked."""
    store, name = caches["default"], f"asking:{user.pk}"
    if not store.add(name, True, LONGEST_TURN):
        raise NotAsked(gettext("Your previous request to Nexmo is still running. Try again when it has finished."))
    try:
        _count(user)
        if not _threads().acquire(blocking=False):
            raise NotAsked(gettext("Too many requests to Nexmo are running. Try again in a few seconds."))
        try:
            yield
        finally:
            _threads().release()
    finally:
        store.delete(name)


@contextlib.contextmanager
def client_now(account: NexmoAccount, user: AnyUser, *, even_if_refused: bool = False) -> Iterator[AuditClient]:
    """A client for one question within a turn. Raises NotAsked, and SecretUnreadable.

    Args:
        even_if_refused: ask also with credentials that Nexmo refused before, because a person wants to know.
    """
    if not even_if_refused and are_refused(account):
        raise NotAsked(gettext("No request was sent: Nexmo refused these credentials, and they have not changed."))
    rate = settings.NEXMO_REQUESTS_PER_SECOND
    pacer = _PaceOfOneQuestion(account, user, rate) if rate else None
    with client_for(account, attempts=1, timeout=timeout(), pacer=pacer) as client:
        yield client


def timeout() -> float:
    """How many seconds one question may take."""
    return min(TIMEOUT, settings.NEXMO_TIMEOUT)


class _PaceOfOneQuestion(SharedPacer):
    """Lets a question begin when it is its turn. What else it takes (a second secret, a list beside an event) goes out
    at once; whoever asks next waits that much longer."""

    def __init__(self, account: NexmoAccount, user: AnyUser, per_second: float) -> None:
        super().__init__(account, per_second)
        self.kept = f"asking:{user.pk}:{account.pk}"
        self.begun = False

    def delay(self) -> float:
        if self.begun:
            state.next_moment(self.account, self.interval)
            return 0.0
        wait = self._wait()
        if wait > 0:
            seconds = math.ceil(wait)
            raise NotAsked(
                ngettext(
                    "Other requests for this account are waiting for Nexmo. Try again in %(count)s second.",
                    "Other requests for this account are waiting for Nexmo. Try again in %(count)s seconds.",
                    seconds,
                )
                % {"count": seconds}
            )
        self.begun = True
        return 0.0

    def _wait(self) -> float:
        store = caches["default"]
        moment = store.get(self.kept)
        if moment is None:
            wait = state.next_moment(self.account, self.interval)
            if wait > 0:
                store.set(self.kept, time.time() + wait, wait + KEPT)
            return wait
        wait = float(moment) - time.time()
        if wait <= 0:
            store.delete(self.kept)
        return wait


def _count(user: AnyUser) -> None:
    """Count a person's questions of this minute. Only one of them is here at a time."""
    now = time.time()
    name = f"asked:{user.pk}:{int(now // 60)}"
    count = caches["default"].get(name, 0)
    if count >= PER_MINUTE:
        seconds = 60 - int(now % 60)
        raise NotAsked(
            ngettext(
                "You have sent Nexmo %(limit)s requests within a minute. Try again in %(count)s second.",
                "You have sent Nexmo %(limit)s requests within a minute. Try again in %(count)s seconds.",
                seconds,
            )
            % {"limit": PER_MINUTE, "count": seconds}
        )
    caches["default"].set(name, count + 1, 120)


@cache
def _threads() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
