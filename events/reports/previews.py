"""A report sent to whoever asks, to see what it looks like."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from events.models import Report, ReportMail
from events.operations import jobs
from events.reports.due import Period
from events.reports.jobs import SEND
from events.reports.receivers import Receiver

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST, WITHIN = 5, timedelta(hours=1)  # of one person


class Refused(Exception):
    """Why none is sent, in a sentence for a person."""


def ask(report: Report, user: User) -> None:
    """Have the last whole period sent to somebody now. The regular mail of that period stays as it is.

    Raises:
        Refused: there is no address, or the person has asked for too many.
    """
    now, receiver = timezone.now(), Receiver.of(user)
    if not receiver.address:
        raise Refused(_("You have no e-mail address. Ask an administrator to enter one."))
    recent = ReportMail.objects.filter(receiver=user, is_preview=True, created_at__gt=now - WITHIN)
    if recent.count() >= MOST:
        raise Refused(_("You have asked for %(count)s reports within an hour. Try again later.") % {"count": MOST})
    period = Period.before(report.frequency, now, receiver.zone)
    ReportMail.objects.create(
        report=report,
        receiver=user,
        is_preview=True,
        frequency=report.frequency,
        first_day=period.first_day,
        last_day=period.last_day,
        created_at=now,
        due_at=now,
    )
    jobs.enqueue(SEND)
