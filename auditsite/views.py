"""The few pages that belong to no app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: answers as long as the process does, and asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, **_: str) -> HttpResponse:
    """Nothing is here, on purpose."""
    raise Http404
