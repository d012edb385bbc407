"""Sending what is due, one mail after another.

Each period goes to each receiver once, as far as mail can: that a mail is being handed over is noted before, and that
it was taken after. Whoever dies in between is followed by one more attempt with the same Message-ID, and by no third.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.utils import timezone

from events.operations.jobs import JobInterrupted
from events.outbound.mail import MailServer, hand_over
from events.outbound.results import Outcome
from events.reports import outcome
from events.reports.due import Period
from events.reports.figures import Unreadable, figures
from events.reports.message import message
from events.reports.receivers import receiver_among
from events.wording import delivery_problems as problems

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from events.models import ReportMail
    from events.reports.receivers import Receiver

logger = logging.getLogger(__name__)


class NotNeeded(Exception):
    """There is nothing to send, or nobody to send it to. Its text is a code of `events.wording.delivery_problems`."""


def send_due(renew: Callable[[], object]) -> int:
    """Send mails until none is due or the server fails. Returns how many went.

    Args:
        renew: called often; what it raises ends the work.
    """
    count = 0
    while mail := outcome.claim(timezone.now()):
        renew()
        result = send(mail, renew)
        count += result.sent
        if result.of_server:
            break
    return count


def send(mail: ReportMail, renew: Callable[[], object]) -> Outcome:
    """Send a mail that this process has claimed, and note how that went."""
    if not settings.ALERT_MAIL_SERVER:
        result = Outcome(sent=False, problem=problems.MAIL, of_server=True)
        outcome.failed(mail, result, answered=False)
        return result
    try:
        made, receiver = compose(mail, renew)
    except JobInterrupted:
        raise
    except NotNeeded as error:
        outcome.drop(mail, str(error))
        return Outcome(sent=False, problem=str(error))
    except Exception:  # of one view's or event's text: noted and tried again, while other mails go on
        logger.exception("Report mail %s could not be written", mail.key)
        result = Outcome(sent=False, problem=problems.CRASHED)
        outcome.failed(mail, result, answered=False)
        return result
    if not outcome.begin(mail, timezone.now()):
        return Outcome(sent=False)
    result = _hand_over(mail, made, receiver)
    if result.sent:
        outcome.sent(mail)
    else:
        logger.warning("Report mail %s failed: %s", mail.key, result.problem)
        outcome.failed(mail, result, answered=result.problem not in (problems.UNCLEAR, problems.CRASHED))
    return result


def _hand_over(mail: ReportMail, made: EmailMessage, receiver: Receiver) -> Outcome:
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()  # not kept from others while the server takes its time
    server = MailServer.read(settings.ALERT_MAIL_SERVER)
    own_name = urlsplit(settings.SITE_URL).hostname or "localhost"
    try:
        return hand_over(made, server, settings.ALERT_MAIL_FROM, receiver.address, own_name)
    except Exception:  # of whatever the library makes of an answer: noted and tried again
        logger.exception("Report mail %s could not be handed over", mail.key)
        return Outcome(sent=False, problem=problems.CRASHED)


def compose(mail: ReportMail, renew: Callable[[], object]) -> tuple[EmailMessage, Receiver]:
    """The mail, of what its receiver may see at this moment.

    Raises:
        NotNeeded: the report does not go there any more, or cannot.
    """
    report = mail.report
    receiver = receiver_among(report, mail.receiver_id, is_preview=mail.is_preview)
    if receiver is None or not (report.is_active or mail.is_preview):
        raise NotNeeded(problems.OFF)
    if not receiver.address:
        raise NotNeeded(problems.NO_ADDRESS)
    with receiver.reading():
        period = Period.of_days(mail.first_day, mail.last_day, receiver.zone)
        try:
            told = figures(report.view, receiver.user, mail.frequency, period, renew, attach_csv=report.attach_csv)
        except Unreadable:
            raise NotNeeded(problems.UNREADABLE) from None
        return message(mail, receiver, told), receiver
