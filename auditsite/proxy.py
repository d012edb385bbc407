"""What a reverse proxy leaves out or garbles of a request, put right before anything relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allauth.core.internal.httpkit import clean_client_ip, get_client_ip
from django.conf import settings
from django.http.request import split_domain_port

from auditsite.checks import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

# What proxies add to the requests they pass on, beside X-Forwarded-*.
_FORWARDING = frozenset(
    f"HTTP_{name}" for name in ("FORWARDED", "VIA", "X_REAL_IP", "X_CLIENT_IP", "CLIENT_IP", "TRUE_CLIENT_IP")
)


class HostPortMiddleware:
    """Restores the port that a proxy left out of Host (`proxy_set_header Host $host`), from the browser's own Origin.

    Otherwise every form of a site on another port than 443 or 80 is refused as a foreign one. The host itself must
    be the same, so this trusts another port of one host, with which browsers share all cookies anyway.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            origin = urlsplit(request.META.get("HTTP_ORIGIN", ""))
            port = origin.port
        except ValueError:
            port = None
        if port and origin.netloc.removesuffix(f":{port}").lower() == request.META.get("HTTP_HOST", "").lower():
            request.META["HTTP_HOST"] = origin.netloc
        return self.get_response(request)


def client_address(request: HttpRequest) -> str:
    """The address by which people are told apart: the proxy's word, else the connection's. Never empty: a proxy that
    says `unknown` (RFC 7239) or speaks through a socket must not keep everybody out."""
    return get_client_ip(request) or clean_client_ip(request.META.get("REMOTE_ADDR", "")) or "unknown"


def is_on_this_machine(request: HttpRequest) -> bool:
    """Whether a browser on this machine asks, with nothing in between.

    A reverse proxy beside the site connects from loopback too, in everybody's name. So loopback counts only where the
    site is for this machine alone, and nothing in the request tells of a proxy: no header that proxies add, and not
    HTTP/1.0, which proxies that add none speak by default and no browser does.
    """
    meta = request.META
    if settings.HTTPS or getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        return False
    if meta.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return False
    if any(name.startswith("HTTP_X_FORWARDED") or name in _FORWARDING for name in meta):
        return False
    host = split_domain_port(request.get_host())[0]
    return is_loopback(meta.get("REMOTE_ADDR", "")) and is_loopback(host)
