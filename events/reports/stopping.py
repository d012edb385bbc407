"""Stopping a report without logging in: a signed link that stands in each mail, for its receiver alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from events.models import Report, ReportStop

if TYPE_CHECKING:
    from accounts.models import AnyUser

SALT = "events.reports.stopping"


class Unreadable(ValueError):
    """A link that this site did not make."""


def link(report: int, receiver: int) -> str:
    """Where a receiver stops a report. The link works for as long as the site's key is known."""
    token = signing.Signer(salt=SALT).sign(f"{report}-{receiver}")
    return f"{settings.SITE_URL}{reverse('events:report_stop', args=[token])}"


def read(token: str) -> tuple[int, int]:
    """The keys of the report and the receiver that a link names.

    Raises:
        Unreadable: it was made by nobody here.
    """
    try:
        report, _, receiver = signing.Signer(salt=SALT).unsign(token).partition("-")
        return int(report), int(receiver)
    except (signing.BadSignature, ValueError):
        raise Unreadable from None


def stop(report: int, receiver: int) -> None:
    """Send a report no more to somebody. What is gone already, or stopped, stays so."""
    from django.contrib.auth.models import User

    if Report.objects.filter(pk=report).exists() and User.objects.filter(pk=receiver).exists():
        row = ReportStop(report_id=report, receiver_id=receiver, at=timezone.now())
        ReportStop.objects.bulk_create([row], ignore_conflicts=True)


def resume(report: Report, user: AnyUser) -> None:
    """Send it again to somebody who had stopped it: what was last due within the hour, unless that went out before."""
    ReportStop.objects.filter(report=report, receiver=user.pk).delete()
