"""No statement of a page runs for ever: after STATEMENT_SECONDS the database gives up, and the page says so.

PostgreSQL does that itself (`statement_timeout`). SQLite calls us now and then while it works, and is told to stop. The
worker and commands have no limit: they are asked for long work.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from django.db import OperationalError
from django.shortcuts import render

from auditsite.configuration import env

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

logger = logging.getLogger("auditsite.time_limits")

STATEMENT_SECONDS = 20
STEPS = 100_000  # of SQLite's machine between two looks at the clock: some milliseconds


def postgresql_options(options: str) -> str:
    """libpq's `options` with the limit of this process added, unless they have one already."""
    if not env.is_web_process() or "statement_timeout" in options:
        return options
    return f"{options} -c statement_timeout={STATEMENT_SECONDS * 1000}".strip()


def prepare_sqlite(connection: Any, **_: Any) -> None:
    """Receives `connection_created`."""
    if connection.vendor != "sqlite":
        return
    # Django teaches SQLite regular expressions, which Python evaluates: one of a stranger's choice stops the process,
    # and no limit reaches it there. Nothing here uses them.
    connection.connection.create_function("REGEXP", 2, _no_regular_expressions)
    if env.is_web_process():
        limit_statements(connection)


def _no_regular_expressions(pattern: object, text: object) -> None:
    raise ValueError("Regular expressions are switched off.")


def limit_statements(connection: Any, seconds: float = STATEMENT_SECONDS) -> None:
    """Stop what takes longer on this connection to SQLite."""
    limit = next((wrapper for wrapper in connection.execute_wrappers if isinstance(wrapper, _Limit)), None)
    if limit is None:
        limit = _Limit(seconds)
        connection.execute_wrappers.append(limit)
    connection.connection.set_progress_handler(limit.is_over, STEPS)


class _Limit:
    """The time that a connection's statement may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.deadline = float("inf")

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.deadline = time.monotonic() + self.seconds
        return execute(sql, params, many, context)

    def is_over(self) -> bool:
        return time.monotonic() > self.deadline


class TimeLimitMiddleware:
    """Says what to do where a statement was stopped."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not was_stopped(exception):
            return None
        logger.warning("A statement of %s was stopped after %s seconds", request.path[:200], STATEMENT_SECONDS)
        return render(request, "too_long.html", {"seconds": STATEMENT_SECONDS}, status=503)


def was_stopped(exception: BaseException) -> bool:
    """Whether this is the database's way of saying that a statement took too long."""
    if not isinstance(exception, OperationalError):
        return False
    return str(exception) == "interrupted" or getattr(exception.__cause__, "sqlstate", None) == "57014"
