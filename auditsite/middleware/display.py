"""Each request in its reader's time zone and language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.signals import request_finished
from django.dispatch import receiver
from django.utils import timezone, translation

from accounts.models import profile_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class DisplayMiddleware:
    """Activates what the profile says. After the login middleware: pages that ask for no login look nobody up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if not getattr(view, "login_required", True):
            return
        profile = profile_of(request.user)
        timezone.activate(profile.zone)
        if profile.language:
            translation.activate(profile.language)
            request.LANGUAGE_CODE = translation.get_language()


@receiver(request_finished)
def _forget(**_: object) -> None:
    """Not before: an export is written, in its reader's zone, after all middleware is done."""
    timezone.deactivate()
    translation.deactivate()
