"""How far an export is: noted about once a second where the page that waits for it can ask, and never in its way."""

from __future__ import annotations

import logging
import re
import secrets
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.core import signing
from django.core.cache import caches

from events.storage.transactions import impatient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)
Part = TypeVar("Part")

EVERY = 1.0  # seconds between two notes
AFTER_FAILURE = 30.0  # a cache that is gone may take long to say so
KEPT = 3_600  # seconds
# SQLite has one writer at a time: a note does not wait for a sync, only the last one does a little.
PATIENCE_MS, LAST_PATIENCE_MS = 50, 2_000

WRITING, PACKING, SENDING, DONE, BROKEN = "writing", "packing", "sending", "done", "broken"
OVER = (DONE, BROKEN)


@dataclass(frozen=True)
class Progress:
    """What is noted of an export.

    Attributes:
        announced: how many rows were announced, where that was exact.
        at: when this was noted, in seconds since 1970.
    """

    name: str
    announced: int | None
    state: str = WRITING
    rows: int = 0
    at: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.state in OVER


def new_token(user_pk: Any) -> str:
    """A name for an export to come, 128 random bits, which only this user can use."""
    return _signer(user_pk).sign(secrets.token_hex(16))


def owns(user_pk: Any, token: str) -> bool:
    """Whether the token was given to this user."""
    try:
        return bool(re.fullmatch(r"[0-9a-f]{32}", _signer(user_pk).unsign(token)))
    except signing.BadSignature:
        return False


def read(user_pk: Any, token: str) -> Progress | None:
    """The last that is known of an export; None where nothing was noted yet, or cannot be read."""
    try:
        noted = caches["default"].get(_key(user_pk, token))
        return Progress(**noted) if noted else None
    except Exception:  # whatever kind of cache it is: its trouble must not become the export's
        logger.warning("The progress of an export cannot be read", exc_info=True)
        return None


class ProgressReporter:
    """Notes the progress of one export. A token is the first export's that comes with it."""

    def __init__(self, user_pk: Any, token: str, progress: Progress) -> None:
        self.key, self.progress, self.rows = _key(user_pk, token), progress, 0
        self.works = read(user_pk, token) is None
        self.next = 0.0
        self.note(WRITING)

    def wrote(self, rows: int) -> None:
        """So many more rows are written."""
        self.rows += rows
        if time.monotonic() >= self.next:
            self.note(self.progress.state)

    def note(self, state: str) -> None:
        """What is done now. What is over stays so."""
        if not self.works or self.progress.is_over:
            return
        self.progress = replace(self.progress, state=state, rows=self.rows, at=time.time())
        self.next = time.monotonic() + EVERY
        try:
            with impatient(LAST_PATIENCE_MS if self.progress.is_over else PATIENCE_MS):
                caches["default"].set(self.key, asdict(self.progress), KEPT)
        except Exception:  # whatever a cache may raise: the export is what matters
            logger.warning("The progress of an export cannot be noted", exc_info=True)
            self.next = time.monotonic() + AFTER_FAILURE


class TrackedStream(Generic[Part]):
    """The parts of a file that is being sent; its job learns how it ended."""

    def __init__(self, parts: Iterator[Part], job: ProgressReporter, close: Callable[[], None]) -> None:
        self.parts, self.job, self.close_parts, self.complete = parts, job, close, False

    def __iter__(self) -> TrackedStream[Part]:
        return self

    def __next__(self) -> Part:
        try:
            part = next(self.parts)
        except StopIteration:
            self.complete = True
            raise
        self.job.wrote(0)
        return part

    def close(self) -> None:
        # The server always calls it, after the last byte or when whoever asked is gone.
        try:
            self.close_parts()
        finally:
            self.job.note(DONE if self.complete else BROKEN)


def _signer(user_pk: Any) -> signing.Signer:
    return signing.Signer(salt=f"events.export_job.{user_pk}")


def _key(user_pk: Any, token: str) -> str:
    return f"export:{user_pk}:{token.partition(':')[0]}"
