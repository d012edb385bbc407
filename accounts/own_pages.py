"""Addresses that a request asks to be sent to: only pages of this site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django.http import HttpRequest


def own_page(request: HttpRequest, address: str, otherwise: str) -> str:
    """The address if it is a path of this site, else `otherwise`. A word without a slash is no path, and Django's
    `redirect` would take it for the name of a view."""
    own = address.startswith("/") and url_has_allowed_host_and_scheme(
        address, {request.get_host()}, require_https=request.is_secure()
    )
    return address if own else otherwise
