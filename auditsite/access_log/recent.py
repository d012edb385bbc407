"""Which pages this process has written down of late, so that what a browser fetches again and again is told once.

Kept in memory, not in the shared cache or the session: polling would write there each time. Another process of the site
tells of the same page once more, which is too much rather than too little.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from events.reading.filterable import DIMENSIONS, NARROWING

if TYPE_CHECKING:
    from django.http import HttpRequest

RECENT = 15 * 60  # seconds
MOST = 4_096  # pages
_FILTERS = frozenset((*NARROWING, *DIMENSIONS))
_lock = threading.Lock()
_told: OrderedDict[tuple[str, ...], float] = OrderedDict()


def of_page(request: HttpRequest, session: str) -> tuple[str, ...]:
    """What a session's page is remembered by: its address, and its query but for the order."""
    return (session, request.path, *_values(request))


def of_list(request: HttpRequest, session: str, account: str) -> tuple[str, ...]:
    """What a session's list of events is remembered by, and what its parts ask for: the account and the filter."""
    return (session, "events", account, *_values(request, filters_only=True))


def of_any_list(session: str, account: str) -> tuple[str, ...]:
    """What a session's lists are remembered by, whatever the filter."""
    return (session, "any events", account)


def has_filter(request: HttpRequest) -> bool:
    """Whether an address narrows a list of events."""
    return bool(_values(request, filters_only=True))


def remember(key: tuple[str, ...]) -> None:
    """Say that there is an entry now."""
    with _lock:
        _told[key] = time.monotonic()
        _told.move_to_end(key)
        while len(_told) > MOST:
            _told.popitem(last=False)


def is_told(key: tuple[str, ...], *, ever: bool = False) -> bool:
    """Whether there has been an entry within RECENT; `ever`: or before."""
    at = _told.get(key)
    return at is not None and (ever or time.monotonic() - at < RECENT)


def forget() -> None:
    """Remember nothing, as a process that has just begun."""
    with _lock:
        _told.clear()


def _values(request: HttpRequest, *, filters_only: bool = False) -> list[str]:
    return sorted(
        f"{name}={value}"
        for name, values in request.GET.lists()
        if not filters_only or name in _FILTERS
        for value in values
        if value
    )
