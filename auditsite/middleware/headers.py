"""What every answer tells browsers not to do, and where they report what a page tried all the same."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from auditsite.monitoring import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

logger = logging.getLogger("auditsite.headers")

MOST_BYTES = 16_384  # of what a browser reports at once
MOST_A_MINUTE = 60  # reports that a process reads; the rest is only counted
# Directives that a browser may name: labels of a metric are of a closed set.
DIRECTIVES = frozenset(
    {
        *("base-uri", "connect-src", "default-src", "font-src", "form-action", "frame-ancestors", "frame-src"),
        *("img-src", "manifest-src", "media-src", "object-src", "script-src", "script-src-attr", "script-src-elem"),
        *("style-src", "style-src-attr", "style-src-elem", "worker-src"),
    }
)
_KEYWORD = re.compile(r"[a-z-]{1,20}")


class HeadersMiddleware:
    """Adds what neither Django nor django-csp sends, to static files too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in settings.ANSWER_HEADERS.items():
            response.headers[name] = value
        return response


class PolicyMiddleware(CSPMiddleware):
    """django-csp's own, that writes the policy of all answers which ask for no other only once: to put it together
    takes as long as a query."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if settings.DEBUG or hasattr(request, "_csp_nonce") or any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _usual_policy())
        return response


@cache
def _usual_policy() -> str:
    return build_policy()


class _Allowance:
    """How many reports this process still reads within the minute."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.began, self.taken = 0.0, 0

    def take(self) -> bool:
        now = time.monotonic()
        with self.lock:
            if now - self.began >= 60:
                self.began, self.taken = now, 0
            self.taken += 1
            return self.taken <= MOST_A_MINUTE


allowance = _Allowance()


@csrf_exempt  # browsers send no token with a report
@login_not_required
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Counts what a page tried against its policy, and logs it without anything secret. Always answers alike."""
    if not allowance.take() or len(request.body) > MOST_BYTES:
        metrics.CSP_REPORTS.labels("unread").inc()
        return HttpResponse(status=204)
    for report in _reports(request.body):
        directive = _word(report, "effectiveDirective", "effective-directive", "violated-directive")
        directive = directive if directive in DIRECTIVES else "other"
        metrics.CSP_REPORTS.labels(directive).inc()
        logger.warning(
            "Browser blocked %s: %s on %s",
            directive,
            _origin(_text(report, "blockedURL", "blocked-uri")),
            _path(_text(report, "documentURL", "document-uri")),
        )
    return HttpResponse(status=204)


def _reports(body: bytes) -> list[dict[str, Any]]:
    """The reports of either format: one (report-uri), or a list of several kinds (the Reporting API)."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return [{}]
    found: list[Any] = [read.get("csp-report")] if isinstance(read, dict) else [None]
    if isinstance(read, list):
        items = [item for item in read[:10] if isinstance(item, dict)]
        found = [item.get("body") for item in items if item.get("type") == "csp-violation"]
    return [report if isinstance(report, dict) else {} for report in found]


def _text(report: dict[str, Any], *names: str) -> str:
    value = next((report[name] for name in names if name in report), "")
    return value[:2_000] if isinstance(value, str) else ""


def _word(report: dict[str, Any], *names: str) -> str:
    return _text(report, *names).partition(" ")[0].lower()


def _origin(address: str) -> str:
    """Of what was blocked only whose it is: paths and queries may hold tokens."""
    if _KEYWORD.fullmatch(address):
        return address  # inline, eval, data
    try:
        parts = urlsplit(address)
        return f"{parts.scheme[:20]}://{(parts.hostname or '')[:100]}"
    except ValueError:
        return "?"


def _path(address: str) -> str:
    """Of the page only its path, as in every line of the log."""
    try:
        return urlsplit(address).path[:200] or "?"
    except ValueError:
        return "?"
