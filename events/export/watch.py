"""Whether whoever fetches a file may still have it: asked while it is made and sent, at most once a second.

A person who is switched off, taken out of a team, or no longer allowed to see what is sensitive in the file keeps what
has arrived and gets no more. What a slow reader has not taken yet is thrown away by the web server
(`auditsite.server.web_worker`), which resets the connection: whoever waits for the rest learns that there is none.
"""

from __future__ import annotations

import errno
import logging
import time
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import DatabaseError, close_old_connections

from accounts.models import NexmoAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds
AGAIN_AFTER = (0.2, 1.0)  # seconds: a database that is away for a moment ends no file


class SightLost(ConnectionAbortedError):
    """The reader may no longer have what is being sent. To a web server it is a connection that has ended."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "the reader may no longer have this")


def active_user(user_pk: Any) -> Any:
    """The person as the database has them now, with permissions not yet asked for; None where they cannot log in."""
    return get_user_model().objects.filter(pk=user_pk, is_active=True).first()


def sees_still(user_pk: Any, accounts: Collection[int], *, whole: bool = False) -> bool:
    """Whether a person may log in and sees all of these accounts, by their keys. Those that were deleted meanwhile had
    no events.

    Args:
        whole: whether what is sensitive in events is sent too, which takes a permission of its own.
    """
    user = active_user(user_pk)
    if user is None or whole and not NexmoAccount.objects.sees_sensitive(user):
        return False
    missing = set(accounts) - NexmoAccount.objects.keys_visible_to(user).keys()
    return not missing or not NexmoAccount.objects.filter(pk__in=missing).exists()


class Watch:
    """Asks the question again while a file is on its way."""

    def __init__(self, allowed: Callable[[], bool]) -> None:
        self.allowed, self.next = allowed, time.monotonic() + EVERY

    def look(self) -> None:
        """Called at each part. Raises SightLost, and DatabaseError where nobody can say for a while."""
        if time.monotonic() < self.next:
            return
        allowed = self._ask()
        self.next = time.monotonic() + EVERY
        if not allowed:
            logger.info("What is being sent is cut off: who gets it may no longer see all of it")
            raise SightLost

    def _ask(self) -> bool:
        for pause in AGAIN_AFTER:
            try:
                return self.allowed()
            except DatabaseError:
                logger.warning("Whether a reader may still have a file cannot be asked; trying again", exc_info=True)
                close_old_connections()
                time.sleep(pause)
        return self.allowed()
