"""The one writer of what became of a mail, and of a report's counters."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from events.models import Report, ReportMail
from events.wording import delivery_problems as problems

if TYPE_CHECKING:
    from datetime import datetime

    from events.outbound.results import Outcome

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=2)
JITTER = 0.25  # of a pause, either way
MOST_INTERRUPTIONS = 1  # attempts whose end is not known, after which it is sent once more
KEPT_TRYING = timedelta(days=3)
FARTHEST_DUE = 2 * LONGEST_PAUSE  # what is due later was written under a wrong clock
LOG_KEPT = timedelta(days=400)

STATE = ReportMail.State


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(max(attempts, 1) - 1, 10), LONGEST_PAUSE)
    return pause * (1 + random.uniform(-JITTER, JITTER))  # noqa: S311 - no secret


def claim(now: datetime) -> ReportMail | None:
    """The mail that is due longest, for one attempt; its next one is due later, however this one ends. None where
    nothing is due."""
    waiting = ReportMail.objects.filter(Q(due_at__lte=now) | Q(due_at__gt=now + FARTHEST_DUE), state=STATE.WAITING)
    for pk, attempts in list(waiting.order_by("due_at", "id").values_list("pk", "attempts")[:10]):
        mine = waiting.filter(pk=pk, attempts=attempts).order_by()
        if mine.update(attempts=attempts + 1, due_at=now + pause_after(attempts + 1)):
            whole = ReportMail.objects.select_related(
                "report__view", "report__owner", "report__team", "receiver__profile"
            )
            mail: ReportMail | None = whole.filter(pk=pk).first()
            if mail:  # its report may have been deleted just now
                return mail
    return None


def begin(mail: ReportMail, now: datetime) -> bool:
    """Note that the mail is about to be handed over. False, where it must not be: somebody else has it, or too many
    attempts have ended nobody knows how."""
    if mail.begun_at:
        mail.interruptions += 1
        if mail.interruptions > MOST_INTERRUPTIONS:
            _finish(mail, STATE.FAILED, problems.INTERRUPTED, lost=True)
            return False
    return bool(_mine(mail).update(begun_at=now, interruptions=mail.interruptions))


def sent(mail: ReportMail) -> None:
    """Note that the server took it."""
    now = timezone.now()
    with transaction.atomic():
        done = _mine(mail).update(state=STATE.SENT, finished_at=now, begun_at=None, problem="")
        if done and not mail.is_preview:
            Report.objects.filter(pk=mail.report_id).update(last_sent_at=now, sent_count=F("sent_count") + 1)


def failed(mail: ReportMail, outcome: Outcome, *, answered: bool) -> None:
    """Note that an attempt failed. It is tried again, for days; not where that would change nothing, nor a preview, for
    which somebody waits.

    Args:
        answered: the server said no, or never saw the mail that was begun; else what was begun stays so.
    """
    now = timezone.now()
    if outcome.is_final or mail.is_preview or mail.created_at < now - KEPT_TRYING:
        _finish(mail, STATE.FAILED, outcome.problem, lost=True)
        return
    values: dict[str, Any] = {"problem": outcome.problem[:300]}
    if answered:
        values["begun_at"] = None
    with transaction.atomic():
        if _mine(mail).update(**values):
            Report.objects.filter(pk=mail.report_id).update(failed_count=F("failed_count") + 1)


def drop(mail: ReportMail, why: str) -> None:
    """Note that there is nothing to send any more, or nobody to send it to."""
    _finish(mail, STATE.DROPPED, why, lost=False)


def _finish(mail: ReportMail, state: str, problem: str, *, lost: bool) -> None:
    with transaction.atomic():
        done = _mine(mail).update(state=state, problem=problem[:300], finished_at=timezone.now(), begun_at=None)
        if done and lost:
            counts = {"failed_count": F("failed_count") + 1}
            if not mail.is_preview:
                counts["lost_count"] = F("lost_count") + 1
            Report.objects.filter(pk=mail.report_id).update(**counts)


def _mine(mail: ReportMail) -> Any:
    """The mail's row, as long as nobody has begun another attempt."""
    return ReportMail.objects.filter(pk=mail.pk, attempts=mail.attempts, state=STATE.WAITING)


def tidy(now: datetime) -> None:
    """Give up what never came to an end, and forget mails of long ago."""
    waiting = ReportMail.objects.filter(state=STATE.WAITING, created_at__lt=now - KEPT_TRYING - LONGEST_PAUSE)
    for mail in waiting:
        _finish(mail, STATE.FAILED, mail.problem or problems.CRASHED, lost=True)
    ReportMail.objects.exclude(state=STATE.WAITING).filter(created_at__lt=now - LOG_KEPT).delete()
