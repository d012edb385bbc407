"""How often a login may fail, so that nobody guesses passwords and nobody locks another person out.

Failures count for a name and an address together, and for the address. Over all addresses a name has a limit of its
own, which is far higher, because whoever has many addresses could otherwise keep its owner out. Browsers in which the
person has logged in before are left out of all this and count by themselves: they hold a signed cookie that says so. It
opens nothing, and whoever steals it has a few more guesses.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from allauth.core.internal.ratelimit import RateLimitUsage, consume, get_ip
from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SALT = "auditsite.known_browser"
KNOWN_FOR = 180 * 86_400  # seconds since the last login
MOST_PEOPLE = 10  # of one browser


def take(request: HttpRequest, name: str) -> RateLimitUsage | None:
    """Count a login that has not succeeded yet; `rollback()` once it has. None where there were too many failures."""
    name = name.lower()
    browser, people = _known(request)
    if _digest(name) in people:
        return _consume(request, "login_failed_known_browser", f"{browser}:{name}")
    if request.user.is_authenticated and request.user.get_username().lower() == name:
        return _consume(request, "login_failed_known_browser", f"{request.session.session_key}:{name}")
    by_address = _consume(request, "login_failed", f"{get_ip(request)}:{name}")
    if by_address is None:
        return None
    over_all = _consume(request, "login_failed_name", name)
    return over_all and RateLimitUsage([*by_address.usage, *over_all.usage])


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Have the browser say from now on that this person has logged in with it."""
    browser, people = _known(request)
    digest = _digest(name.lower())
    people = [digest, *(other for other in people if other != digest)][:MOST_PEOPLE]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps([browser or secrets.token_urlsafe(12), people], salt=SALT),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _consume(request: HttpRequest, action: str, key: str) -> RateLimitUsage | None:
    usage: RateLimitUsage | None = consume(request, app="allauth.account", action=action, key=key)
    return usage


def _known(request: HttpRequest) -> tuple[str, list[str]]:
    """The browser's own name and whose logins it has seen; nothing of a cookie that we did not write."""
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    try:
        known: Any = signing.loads(cookie, salt=SALT, max_age=KNOWN_FOR)
    except signing.BadSignature:
        return "", []
    return known[0], known[1]


def _digest(name: str) -> str:
    return salted_hmac(SALT, name).hexdigest()[:20]
