"""Requests of programs take the short way: sessions, forms, messages and logins are for people's browsers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, resolve

from auditsite.access_log.write import write_entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

PATHS = ("/api/v1/", "/beta/")
MOST_KEPT = 200  # letters of an address whose operation is remembered


class ProgramMiddleware:
    """Calls an operation of the API at once, without the middleware below. An operation admits by token alone and
    answers every exception itself, so nothing below has a say; running it would be a sixth of a page's cost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PATHS):
            return self.get_response(request)
        find = _operation if len(request.path_info) <= MOST_KEPT else _operation.__wrapped__
        match = find(request.path_info, settings.ROOT_URLCONF)
        if match is None:
            return self.get_response(request)
        request.resolver_match = match
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        write_entry(request, response)
        return response


@lru_cache(maxsize=256)  # programs ask for few addresses, again and again
def _operation(path: str, urlconf: str) -> ResolverMatch | None:
    try:
        match = resolve(path, urlconf)
    except Resolver404:
        return None
    return match if getattr(match.func, "is_operation", False) else None
