"""The few pages that belong to no app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from accounts.models import NexmoAccount
from auditsite.monitoring import metrics, ready

if TYPE_CHECKING:
    from django.http import HttpRequest

PLAIN = "text/plain; charset=utf-8"
WHO_MAY_READ_METRICS = _(
    "These figures are for monitoring. Send METRICS_TOKEN as `Authorization: Bearer ...`, "
    "or log in as a user who sees all accounts."
)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: answers as long as the process does, and asks nobody else."""
    return HttpResponse("ok\n", content_type=PLAIN)


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Of use: the database answers, is up to date, and a worker was seen lately. A line for each, and what to do."""
    lines = ready.check()
    status = 200 if all(line.good for line in lines) else 503
    return HttpResponse("".join(f"{line}\n" for line in lines), status=status, content_type=PLAIN)


@login_not_required
@never_cache
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """What Prometheus reads."""
    if not _may_read_metrics(request):
        return HttpResponse(
            f"{WHO_MAY_READ_METRICS}\n", status=401, content_type=PLAIN, headers={"WWW-Authenticate": "Bearer"}
        )
    from events.detection.metrics import DetectionCollector
    from events.operations.metrics import ArchiveCollector
    from events.reports.metrics import ReportCollector
    from events.reviews.metrics import ReviewCollector
    from events.streams.metrics import StreamCollector

    collectors = (ArchiveCollector(), DetectionCollector(), StreamCollector(), ReportCollector(), ReviewCollector())
    return HttpResponse(metrics.text(*collectors), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read_metrics(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and settings.METRICS_TOKEN:
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    return NexmoAccount.objects.sees_all(request.user)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page of ours for what Django refuses to read: too many fields, too long a redirect, an unknown host."""
    return render(request, "400.html", status=400)


def not_found(request: HttpRequest, **_: str) -> HttpResponse:
    """Nothing is here, on purpose."""
    raise Http404
