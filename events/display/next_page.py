"""Where a form leads once it is done: the page that it was sent from, as the form itself says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django.http import HttpRequest


def next_page(request: HttpRequest, address: str, otherwise: str) -> str:
    """The address, if it is a page of this site, beginning with a slash: Django would take anything else for the name
    of a view, or for part of the current address."""
    own = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if own and address.startswith("/") else otherwise
