"""Whether whoever fetches a file may still have it: asked while it is made and sent, at most once a second.

A person who is switched off, or taken out of a team, keeps what has arrived and gets no more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model

from accounts.models import NexmoAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

EVERY = 1.0  # seconds


class SightLost(Exception):
    """The reader may no longer have what is being sent."""


def active_user(user_pk: Any) -> Any:
    """The person as the database has them now, with permissions not yet asked for; None where they cannot log in."""
    return get_user_model().objects.filter(pk=user_pk, is_active=True).first()


def sees_still(user_pk: Any, accounts: Collection[int]) -> bool:
    """Whether a person may log in and sees all of these accounts, by their keys."""
    user = active_user(user_pk)
    return user is not None and NexmoAccount.objects.keys_visible_to(user).keys() >= set(accounts)


class Watch:
    """Asks the question again while a file is on its way."""

    def __init__(self, allowed: Callable[[], bool]) -> None:
        self.allowed, self.next = allowed, time.monotonic() + EVERY

    def look(self) -> None:
        """Called at each part. Raises SightLost."""
        if (now := time.monotonic()) < self.next:
            return
        self.next = now + EVERY
        if not self.allowed():
            raise SightLost("the reader may no longer have this file")
