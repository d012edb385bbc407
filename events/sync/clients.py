"""A client of the Audit API for one account, made from its credentials and the settings."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings

from events.nexmo.client import AuditClient, Pacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import NexmoAccount

_pacers: dict[tuple[str, float], Pacer] = {}
_pacers_lock = threading.Lock()


def pacer_for(api_key: str) -> Pacer:
    """The account's pacer, shared by everything in this process that talks to Nexmo in its name."""
    key = (api_key, settings.NEXMO_REQUESTS_PER_SECOND)
    with _pacers_lock:
        return _pacers.setdefault(key, Pacer(settings.NEXMO_REQUESTS_PER_SECOND))


def client_for(
    account: NexmoAccount,
    *,
    stop: threading.Event | None = None,
    on_wait: Callable[[float, str], None] | None = None,
    attempts: int = 5,
) -> AuditClient:
    """A client in the account's name. Raises SecretUnreadable when its stored secret cannot be read."""
    return AuditClient(
        api_key=account.api_key,
        secrets=account.secrets(),
        base_url=settings.NEXMO_AUDIT_URL,
        zone=ZoneInfo(settings.EVENT_TIME_ZONE),
        timeout=settings.NEXMO_TIMEOUT,
        date_style=settings.NEXMO_DATE_STYLE,
        attempts=attempts,
        pacer=pacer_for(account.api_key),
        stop=stop or threading.Event(),
        on_wait=on_wait,
    )
