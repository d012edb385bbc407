"""What stays between the site and one browser: pages are not kept, and cookies are not another site's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class NoStoreMiddleware:
    """Nothing is kept by a browser or a proxy: after logging out, Back shows no events, and a shared machine holds no
    files, seals or recovery codes. What is public says so itself (``Cache-Control: public``); static files are
    answered before this middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        directives = {part.strip().lower() for part in response.get("Cache-Control", "").split(",")}
        if not directives & {"public", "no-store"}:
            response["Cache-Control"] = "no-store"
        return response


class _CookieStorage(CookieStorage):
    cookie_name = settings.MESSAGES_COOKIE_NAME


class MessageStorage(FallbackStorage):
    """Django's, with a cookie of this site's own."""

    storage_classes = (_CookieStorage, SessionStorage)
