"""What is noted of every request: an id, a line in the log, and how long its page took."""

from __future__ import annotations

import logging
import os
import re
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import FileResponse
from django.utils.encoding import escape_uri_path

from auditsite.monitoring import metrics
from auditsite.monitoring.logs import request_id
from auditsite.server.frames import roomy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

logger = logging.getLogger("auditsite.access")

HEADER = "X-Request-ID"
# What a proxy in front may choose; anything else might be meant for whoever reads the log.
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestMiddleware:
    """Gives each request an id and says afterwards, in one line without the query, what came of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    @roomy  # here for all that follows up to an answer, as it is first
    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        sent = request.headers.get(HEADER, "")
        name = sent if _SANE.fullmatch(sent) else os.urandom(16).hex()
        request_id.set(name)
        response = self.get_response(request)
        response[HEADER] = name
        if response.streaming and not isinstance(response, FileResponse):
            # An export has only begun by now: what it writes to the log belongs to this request, and so does its time.
            response.streaming_content = _Watched(  # type: ignore[attr-defined]
                iter(response.streaming_content),  # type: ignore[attr-defined]
                lambda status: _finish(request, response, began, status),
            )
        else:
            _finish(request, response, began)
        return response


class _Watched:
    """The parts of a streamed answer; says once when they are over, whether all were wanted or not. By then the status
    has been sent: log and metrics get another, where it was not to be."""

    def __init__(self, parts: Iterator[bytes], when_over: Callable[[int | None], None]) -> None:
        self.parts, self.when_over = parts, when_over
        self.status: int | None = None

    def __iter__(self) -> _Watched:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self.parts)
        except StopIteration:
            raise
        except ConnectionAbortedError:
            self.status = 403  # its reader may no longer have it: see events/export/watch.py
            raise
        except Exception:
            self.status = 500
            raise

    def close(self) -> None:
        # The server always calls it, even when the client is gone.
        close = getattr(self.parts, "close", None)
        try:
            if close:
                close()
        finally:
            when_over, self.when_over = self.when_over, lambda status: None
            when_over(self.status)


def _finish(
    request: HttpRequest, response: HttpResponse | HttpResponseBase, began: float, status: int | None = None
) -> None:
    seconds = time.perf_counter() - began
    status = status or response.status_code
    metrics.note_page(_view(request), request.method or "", status, seconds)
    if not logger.isEnabledFor(logging.INFO):
        return
    fields = {
        "method": request.method if request.method in metrics.METHODS else "other",
        "path": escape_uri_path(request.path)[:500],
        "status": status,
        "ms": round(seconds * 1000, 1),
        "user": _user(request),
    }
    logger.info("{method} {path} {status} {ms} ms {user}".format(**fields), extra=fields)


@receiver(request_finished)
def _forget_request(**_: object) -> None:
    """Not before: Django itself logs what it answered after all middleware is done."""
    request_id.set("")


def _view(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is not None:
        return match.view_name or "unnamed"
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"


def _user(request: HttpRequest) -> str:
    if access := getattr(request, "api_access", None):
        return f"{access.person.get_username()}/{access.token.identifier}"
    # Only who was looked up anyway: request.user would ask the database for the sake of a health check.
    user = getattr(request, "_cached_user", None)
    return user.get_username() if user is not None and user.is_authenticated else "-"
