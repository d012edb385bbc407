"""What a reverse proxy leaves out or garbles of a request, put right before anything relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from allauth.core.internal.httpkit import clean_client_ip, get_client_ip

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


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
