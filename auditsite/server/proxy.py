"""What a reverse proxy leaves out or garbles of a request, put right before anything relies on it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allauth.core.internal.httpkit import clean_client_ip, get_client_ip
from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

MOST_KEPT = 200  # letters of a header whose address is remembered


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
    forwarded, connected = request.META.get("HTTP_X_FORWARDED_FOR", ""), request.META.get("REMOTE_ADDR", "")
    find = _address if len(forwarded) <= MOST_KEPT else _address.__wrapped__
    return find(forwarded, connected, getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0))


@lru_cache(maxsize=1_024)  # of each request: allauth reads its settings and the address anew
def _address(forwarded: str, connected: str, _proxies: int) -> str:
    request = HttpRequest()
    request.META.update({"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": connected})
    return get_client_ip(request) or clean_client_ip(connected) or "unknown"
