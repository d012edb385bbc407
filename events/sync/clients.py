"""A client of the Audit API for one account, made from its credentials and the settings."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings

from events.nexmo.client import AuditClient, Pacer
from events.sync import state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from accounts.models import NexmoAccount

logger = logging.getLogger(__name__)

SAVE_EVERY = 100  # requests; a process that is killed forgets to count at most so many


class SharedPacer:
    """Spaces out the requests of one account, by whichever process and machine they are made."""

    def __init__(self, account: NexmoAccount, per_second: float) -> None:
        state.ensure([account])
        self.account, self.interval = account, 1 / per_second

    def delay(self) -> float:
        return state.next_moment(self.account, self.interval)


class Tally:
    """Counts answers by status, and writes the counts down now and then: an UPDATE each time would be a request's
    own weight again, and figures for monitoring need not be exact to the second."""

    def __init__(self, account: NexmoAccount) -> None:
        self.account = account
        self.counts: Counter[str] = Counter()

    def add(self, status: int) -> None:
        self.counts[str(status) if status else "none"] += 1
        if self.counts.total() >= SAVE_EVERY:
            self.save()

    def save(self) -> None:
        counts, self.counts = dict(self.counts), Counter()
        try:
            state.add_requests(self.account, counts)
        except Exception as error:  # a figure for monitoring must not end a sync
            logger.warning("The requests of %s could not be counted: %s", self.account.api_key, type(error).__name__)


def new_client(api_key: str, secrets: Sequence[str], **options: Any) -> AuditClient:
    """A client with these credentials, for the API that the settings name.

    Args:
        options: what else `AuditClient` takes.
    """
    return AuditClient(
        api_key=api_key,
        secrets=secrets,
        base_url=settings.NEXMO_AUDIT_URL,
        zone=ZoneInfo(settings.EVENT_TIME_ZONE),
        date_style=settings.NEXMO_DATE_STYLE,
        **options,
    )


@contextlib.contextmanager
def client_for(
    account: NexmoAccount,
    *,
    stop: threading.Event | None = None,
    on_wait: Callable[[float, str], None] | None = None,
    attempts: int = 5,
    timeout: float | None = None,
    pacer: SharedPacer | None = None,
) -> Iterator[AuditClient]:
    """A client in the account's name. Raises SecretUnreadable when its stored secret cannot be read.

    Args:
        timeout: instead of NEXMO_TIMEOUT.
        pacer: instead of one that waits for the account's pace.
    """
    rate = settings.NEXMO_REQUESTS_PER_SECOND
    tally = Tally(account)
    try:
        with new_client(
            account.api_key,
            account.secrets(),
            timeout=timeout or settings.NEXMO_TIMEOUT,
            attempts=attempts,
            pacer=pacer
            or (SharedPacer(account, rate) if rate else Pacer(0)),  # without a limit the database is not asked
            stop=stop or threading.Event(),
            on_wait=on_wait,
            on_answer=tally.add,
        ) as client:
            yield client
    finally:
        tally.save()
