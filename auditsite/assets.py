"""The site's one stylesheet and one script, each joined from its parts: a page's first paint waits for one file."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from django.http import HttpRequest

# In their order: what comes later wins.
STYLES = (
    "tokens",
    "css/base",
    "css/frame",
    "css/controls",
    "css/filter",
    "css/tables",
    "css/event",
    "css/overview",
    "css/accounts",
    "css/pills",
    "css/views",
    "css/alerts",
    "css/api-tokens",
    "css/findings",
    "css/access-log",
    "css/export",
    "css/reviews",
    "css/api",
    "css/rules",
    "css/event-panel",
    "css/keys",
    "css/narrow",
    "css/entity",
    "css/demo",
    "css/forced-colours",
    "css/print",
)
SCRIPTS = (
    "js/menus",
    "js/boxes",
    "js/filter",
    "js/complete",
    "js/value-actions",
    "js/keys",
    "js/chart",
    "js/event-panel",
    "js/findings",
    "js/news",
    "js/column-widths",
    "js/own-zone",
    "js/search-further",
    "js/remember-open",
    "js/highlight",
    "js/restored",
    "js/line-numbers",
)
# What the script says to people comes with the page, in its language. Parts are blocks: what one names is its own.
SCRIPT = '"use strict";\n{{\nconst words = document.body.dataset;\n{}}}\n'
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


def address(kind: str) -> str:
    """Where a page finds the stylesheet ("css") or the script ("js"): another address whenever a part changes."""
    return _address(kind, _joined(kind)[1])


@lru_cache
def _address(kind: str, digest: str) -> str:
    return reverse("asset", args=[digest, kind])


@login_not_required
@require_safe
@gzip_page
def asset(request: HttpRequest, digest: str, kind: str) -> HttpResponse:
    """The stylesheet or the script, to be kept forever under its address."""
    if kind not in TYPES:
        raise Http404
    body, current = _joined(kind)
    response = HttpResponse(body, content_type=TYPES[kind])
    # A page of the release before may still ask for what it knew: it gets the new one, but not for long.
    kept = "public, max-age=31536000, immutable" if digest == current else "public, max-age=60"
    response["Cache-Control"] = kept
    return response


def stylesheet() -> bytes:
    """The stylesheet itself, for pages that are not the site's own."""
    return _joined("css")[0]


def _joined(kind: str) -> tuple[bytes, str]:
    return _read(kind) if settings.DEBUG else _kept(kind)


@lru_cache
def _kept(kind: str) -> tuple[bytes, str]:
    return _read(kind)


def _read(kind: str) -> tuple[bytes, str]:
    parts = [_part(f"auditsite/{name}.{kind}") for name in (STYLES if kind == "css" else SCRIPTS)]
    text = "\n".join(parts) if kind == "css" else SCRIPT.format("".join(f"{{\n{part}}}\n" for part in parts))
    body = text.encode()
    return body, hashlib.sha256(body).hexdigest()[:12]


def _part(name: str) -> str:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(f"The static file {name} is missing: install Auditsite again.")
    return Path(path).read_text()
