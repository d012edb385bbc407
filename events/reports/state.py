"""How reports are doing, as pages tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from events.filters.saved import Openable
from events.models import Report, ReportMail, SavedView
from events.reports import due
from events.reports.receivers import Receiver, meant_for
from events.wording import delivery_problems as problems

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import AnyUser

TOLD_FOR = timedelta(days=100)  # problems of mails, unless there is a later one
STATE = ReportMail.State


@dataclass(frozen=True)
class ReportState:
    """How a report is doing.

    Attributes:
        level: "paused", "stopped" (its view may not be sent), "failing" or "ok".
        view_name: "" where the view is not the reader's to know.
        problem: a code of `events.wording.delivery_problems`.
        failing: to how many receivers the last mail did not go.
        next_due: by the reader's own clock; None while it is not sent.
    """

    report: Report
    level: str
    view_name: str
    problem: str = ""
    failing: int = 0
    next_due: datetime | None = None


@dataclass(frozen=True)
class ReceiverState:
    """One receiver of a report.

    Attributes:
        mail: the last one that was due; None where none was yet.
    """

    receiver: Receiver
    stopped: bool
    next_due: datetime
    mail: ReportMail | None


def states_visible_to(user: AnyUser) -> list[ReportState]:
    """All reports that the user may see."""
    reports = list(Report.objects.visible_to(user).select_related("view", "owner", "team"))
    return _states(reports, user)


def state_of(report: Report, user: AnyUser) -> ReportState:
    """One report, for a reader."""
    return _states([report], user)[0]


def _states(reports: list[Report], user: AnyUser) -> list[ReportState]:
    failing = _failing(reports)
    views = SavedView.objects.visible_to(user).filter(pk__in=[report.view_id for report in reports])
    known = set(views.order_by().values_list("pk", flat=True))
    zone, now, is_openable = timezone.get_current_timezone(), timezone.now(), Openable(user)
    states = []
    for report in reports:
        codes, view = failing.get(report.pk, []), report.view
        opens = is_openable(view.owner_id, view.query)
        shown = opens and view.pk in known
        # As `may_be_sent`: who sees a report without a team is its owner.
        allowed = view.team_id == report.team_id if report.team_id else shown
        name = view.name if shown or (opens and allowed) else ""
        if not report.is_active:
            states.append(ReportState(report, "paused", name))
        elif not allowed:
            states.append(ReportState(report, "stopped", name, problems.HIDDEN))
        else:
            level, problem = ("failing", codes[0]) if codes else ("ok", "")
            next_due = due.next_after(report, zone, now)
            states.append(ReportState(report, level, name, problem, len(codes), next_due))
    return states


def _latest(reports: Iterable[Report]) -> Any:
    """The last mail that fell due to each receiver of each report."""
    later = ReportMail.objects.filter(
        report=OuterRef("report"),
        receiver=OuterRef("receiver"),
        is_preview=False,
        created_at__gt=OuterRef("created_at"),
    )
    return ReportMail.objects.filter(
        ~Exists(later), report__in=[report.pk for report in reports], is_preview=False
    ).order_by("-created_at", "-id")


def _failing(reports: Iterable[Report]) -> dict[int, list[str]]:
    """The problems of receivers to whom the last mail did not go, by report, the latest first."""
    mails = _latest(reports).filter(
        state__in=(STATE.WAITING, STATE.FAILED, STATE.DROPPED), created_at__gte=timezone.now() - TOLD_FOR
    )
    codes: dict[int, list[str]] = {}
    for report, problem in mails.exclude(problem__in=("", problems.OFF)).values_list("report", "problem"):
        codes.setdefault(report, []).append(problem)
    return codes


def receivers(report: Report) -> list[ReceiverState]:
    """Everybody whom a report is for, with what was last sent."""
    now = timezone.now()
    last: dict[int, ReportMail] = {mail.receiver_id: mail for mail in _latest([report])}
    stopped = set(report.stops.values_list("receiver", flat=True))
    return [
        ReceiverState(
            receiver,
            receiver.user.pk in stopped,
            due.next_after(report, receiver.zone, now),
            last.get(receiver.user.pk),
        )
        for receiver in meant_for(report)
    ]


def last_preview(report: Report, user: AnyUser) -> ReportMail | None:
    """What became of the preview that somebody asked for last."""
    mails = ReportMail.objects.filter(report=report, receiver=user.pk, is_preview=True)
    mail: ReportMail | None = mails.order_by("-created_at", "-id").first()
    return mail
