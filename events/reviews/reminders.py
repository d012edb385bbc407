"""Mails that say that a review is due, and that it is overdue: a day at a time at first, then a week.

Each reminder is written down with the jobs that send it, one for each person, in one transaction; so it goes out once,
as far as mail can: where it is not known whether the server took it, it is sent once more with the same Message-ID.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import profile_of
from events.models import DueReview
from events.operations import jobs
from events.outbound.mail import MailServer, deliverable, hand_over
from events.reviews import schedules
from events.wording.delivery_problems import UNCLEAR
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

PLAN_EVERY = timedelta(minutes=10)
DAILY = 3  # reminders of an overdue review that come a day apart
DAY, WEEK = timedelta(days=1), timedelta(days=7)
SEND = "send_review_reminder"
MOST_BEGUN = 2  # attempts of which nobody knows whether the server took the mail; noted as what the job has `done`


@jobs.handler("plan_reviews", every=PLAN_EVERY)
def plan_reviews(job: jobs.Claim | None = None) -> None:
    """Make due what has ended, and have reminders sent."""
    now = timezone.now()
    schedules.plan(now)
    due = DueReview.objects.waiting().filter(remind_at__lte=now)
    due = due.select_related("schedule__owner__profile", "schedule__team", "schedule__view")
    for row in due.order_by("pk"):
        if job:
            job.renew()
        _remind(row, now)


@transaction.atomic
def _remind(due: DueReview, now: datetime) -> None:
    """Have one reminder sent to everybody who can sign it off, unless another worker did. Where nobody can, this is
    looked at again a day later."""
    able = [person for person in people(due) if _can_sign(due, person)]
    reminders, at = (due.reminders + 1, _next(due, due.reminders + 1, now)) if able else (due.reminders, now + DAY)
    # What two workers compare stands beside the key: PostgreSQL looks at that again after it has waited for the other
    # one, and not at what a subquery found before.
    mine = DueReview.objects.filter(pk=due.pk, review=None, missed_at=None, reminders=due.reminders)
    if not mine.filter(pk__in=DueReview.objects.waiting().values("pk")).update(reminders=reminders, remind_at=at):
        return
    for person in able:
        jobs.enqueue(SEND, f"{due.pk}:{reminders}:{person.pk}")


def _can_sign(due: DueReview, person: User) -> bool:
    try:
        return bool(schedules.matter_of(due, person).accounts)
    except schedules.NotReviewable:
        return False


def _next(due: DueReview, number: int, now: datetime) -> datetime:
    """When the reminder after this one comes: when it becomes overdue, then thrice a day apart, then weekly."""
    if now < due.due_at:
        return due.due_at
    return now + (DAY if number <= DAILY else WEEK)


def people(due: DueReview) -> Iterable[User]:
    """Who may fulfil it."""
    schedule = due.schedule
    if schedule.owner_id:
        return User.objects.filter(pk=schedule.owner_id, is_active=True)
    return User.objects.filter(groups=schedule.team_id, is_active=True).order_by("pk")


@jobs.handler(SEND, attempts=8)
def send(job: jobs.Claim) -> None:
    """Send one reminder to one person, if it still holds."""
    pk, number, person_pk = map(int, job.subject.split(":"))
    waiting = DueReview.objects.waiting().filter(pk=pk, reminders=number)
    due = waiting.select_related("schedule__owner__profile", "schedule__team", "schedule__view").first()
    person = people(due).filter(pk=person_pk).select_related("profile").first() if due else None  # type: ignore[attr-defined]
    if due is None or person is None or not (address := address_of(person)) or not settings.ALERT_MAIL_SERVER:
        return
    begun = job.mine().values_list("done", flat=True).first() or 0
    if begun >= MOST_BEGUN:
        raise jobs.JobFailed("it is not known whether the mail server took it")
    job.renew(done=begun + 1)
    server = MailServer.read(settings.ALERT_MAIL_SERVER)
    own_name = urlsplit(settings.SITE_URL).hostname or "localhost"
    outcome = hand_over(compose(due, person), server, settings.ALERT_MAIL_FROM, address, own_name)
    if not outcome.sent:
        if outcome.problem != UNCLEAR:
            job.renew(done=begun)
        raise jobs.JobFailed(f"the mail server: {outcome.problem}", retry=not outcome.is_final)
    logger.info("Reminder %d of review %d was sent to %s", number, due.pk, person.get_username())


def address_of(person: User) -> str:
    """Where mail goes; "" where there is no address that mail could go to."""
    return deliverable(person.email)


def compose(due: DueReview, person: User) -> EmailMessage:
    """A reminder in the person's language and times."""
    profile, now = profile_of(person), timezone.now()
    known = profile.language in dict(settings.LANGUAGES)
    language = profile.language if known else settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(profile.zone):
        period = schedules.Period(due, schedules.state_of(due, now))
        values = {
            "name": due.schedule.name,
            "first": period.first,
            "last": period.last,
            "due": show(due.due_at),
            "url": f"{settings.SITE_URL}{reverse('events:review_new')}?due={due.pk}",
            "team": due.schedule.team.name if due.schedule.team else "",
        }
        if period.state == "overdue":
            subject = _("Overdue: review of %(name)s, %(first)s to %(last)s")
            text = _("The review of “%(name)s” for %(first)s to %(last)s was due on %(due)s and is not signed off.")
        else:
            subject = _("Review due: %(name)s, %(first)s to %(last)s")
            text = _("The events of “%(name)s” from %(first)s to %(last)s are to be reviewed by %(due)s.")
        lines = [text % values, "", _("Look through them and sign off:"), values["url"]]
        if due.schedule.team:
            lines += ["", _("Any one member of %(team)s can sign it off.") % values]
        message = EmailMessage(policy=SMTP)
        message["Subject"] = " ".join((subject % values).split())
        message["From"] = f"Auditsite <{settings.ALERT_MAIL_FROM}>"
        message["To"] = address_of(person)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = _message_id(due, person)
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = language
        message.set_content("\n".join(lines) + "\n")
    return message


def _message_id(due: DueReview, person: User) -> str:
    """The same for each attempt at one reminder, and no other's, on another site or in an archive begun anew either."""
    begun = f"{due.schedule.created_at:%Y%m%d%H%M%S%f}"
    domain = settings.ALERT_MAIL_FROM.rpartition("@")[2]
    return f"<review-{begun}-{due.pk}-{due.reminders}-{person.pk}@{domain}>"
