"""A database that is locked or away: 503 and when to try again, instead of an error or a false reason."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, connection, transaction
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views import defaults

from events.storage.transactions import impatient

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

logger = logging.getLogger("auditsite.busy")

PATIENCE_MS = 5_000
RETRY_AFTER = 10  # seconds


class BusyMiddleware:
    """Tells people to try again while the database cannot be used.

    A form is answered only once SQLite can be written to. Counting attempts would fail silently otherwise, and a
    login that cannot count refuses ("too many requests").
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and connection.vendor == "sqlite" and not connection.in_atomic_block:
            try:
                with impatient(PATIENCE_MS), transaction.atomic():
                    pass  # BEGIN IMMEDIATE takes the lock, or says that somebody else holds it
            except OperationalError as error:
                return _busy(request, error)
        return self.get_response(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of what a page did not catch, wherever it was raised: in views, sessions or the login."""
    error = sys.exc_info()[1]
    return _busy(request, error) if error is not None and _is_passing(error) else defaults.server_error(request)


def _is_passing(error: BaseException) -> bool:
    """Whether the database is only busy or away: waiting may help."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    return connection.vendor != "sqlite" or "locked" in str(error) or "busy" in str(error)


def _busy(request: HttpRequest, error: BaseException) -> HttpResponse:
    logger.error("The database cannot be used: %s: %s", type(error).__name__, error)
    # The page's frame would ask the database who is logged in.
    response = render(request, "503.html", {"seconds": RETRY_AFTER}, status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    add_never_cache_headers(response)
    return response
