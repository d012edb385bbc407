"""Which reviews are due: the periods of schedules as they end, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import NexmoAccount, profile_of
from events.filters.form import EventFilter
from events.filters.saved import Openable
from events.models import DueReview, Review, ReviewSchedule, SavedView
from events.reviews.matter import Matter, between
from events.wording.schedule import period_before

if TYPE_CHECKING:
    from accounts.models import AnyUser

MOST_PERIODS = 60  # made due at once, after a long silence
MOST_SHOWN = 24  # of a schedule, in its history
INSTANT = timedelta(microseconds=1)


class NotReviewable(Exception):
    """Why a period cannot be signed off, in a sentence for a person."""


# --- periods --------------------------------------------------------------------------------------------------------


def zone_of(schedule: ReviewSchedule) -> tzinfo:
    """Whose calendar its periods are of: the person's, or for a team the site's."""
    return profile_of(schedule.owner).own_zone if schedule.owner else timezone.get_default_timezone()


def begin(schedule: ReviewSchedule, now: datetime) -> None:
    """Have the period that goes on now be the first; the caller saves it."""
    schedule.last_end = period_before(schedule.frequency, now, zone_of(schedule))[1]


def plan(now: datetime) -> int:
    """Make the periods due that have ended. Returns how many."""
    made = 0
    schedules = ReviewSchedule.objects.filter(is_active=True, view__isnull=False).select_related("owner__profile")
    for schedule in schedules.order_by("pk"):
        ended = _ended(schedule, now)
        if ended:
            made += _make_due(schedule, ended, now)
    return made


def _ended(schedule: ReviewSchedule, now: datetime) -> list[tuple[datetime, datetime]]:
    """The periods that have ended since the last one that was made due, in order of time."""
    zone = zone_of(schedule)
    ended: list[tuple[datetime, datetime]] = []
    start, end = period_before(schedule.frequency, now, zone)
    # A day and more of leeway: in another zone than before, the same period ends some hours sooner or later.
    while end > schedule.last_end + timedelta(days=2) and len(ended) < MOST_PERIODS:
        ended.append((start, end))
        start, end = period_before(schedule.frequency, start, zone)
    return ended[::-1]


@transaction.atomic
def _make_due(schedule: ReviewSchedule, ended: list[tuple[datetime, datetime]], now: datetime) -> int:
    """Write them down, unless another worker did. Of several only the newest is still waited for."""
    taken = ReviewSchedule.objects.filter(pk=schedule.pk, last_end=schedule.last_end).update(last_end=ended[-1][1])
    if not taken:
        return 0
    earlier = DueReview.objects.filter(schedule=schedule, review=None, missed_at=None)
    earlier.update(missed_at=now, remind_at=None)
    for start, end in ended:
        is_newest = end == ended[-1][1]
        DueReview.objects.get_or_create(
            schedule=schedule,
            start=start,
            defaults={
                "end": end,
                "due_at": end + timedelta(days=schedule.days),
                "missed_at": None if is_newest else now,
                "remind_at": now if is_newest else None,
            },
        )
    return len(ended)


# --- what a period is about -----------------------------------------------------------------------------------------


def matter_of(due: DueReview, user: AnyUser) -> Matter:
    """What somebody signs off for a period: the view's events of that time, of the accounts that it is about.

    Raises:
        NotReviewable: the view is gone, no longer shared or not the person's to open, or its filter is not valid.
    """
    schedule = due.schedule
    view = schedule.view
    if view is None:
        raise NotReviewable(_("The view of this schedule was deleted."))
    if schedule.team_id:
        is_shared = view.team_id == schedule.team_id
    else:
        is_shared = (
            schedule.owner is not None and SavedView.objects.visible_to(schedule.owner).filter(pk=view.pk).exists()
        )
    if not is_shared:
        raise NotReviewable(_("The view of this schedule is no longer shared with those who review it."))
    if not Openable(user)(view.owner_id, view.query):
        raise NotReviewable(_("You cannot open the view of this schedule. Ask whoever made it."))
    own = {account.pk for account in schedule.accounts_in_sight()}
    accounts = [account for account in NexmoAccount.objects.list_visible_to(user) if account.pk in own]
    query = between(QueryDict(view.query), due.start, due.end - INSTANT)
    event_filter = EventFilter(QueryDict(query), accounts=accounts)
    if not event_filter.form.is_valid():
        errors = event_filter.form.errors
        if "account" in errors:  # which one is for those who see it
            raise NotReviewable(_("The view’s filter names accounts that this schedule is not about."))
        problems = " ".join(str(text) for texts in errors.values() for text in texts)
        raise NotReviewable(_("The view’s filter is no longer valid: %(problems)s") % {"problems": problems})
    return Matter(event_filter)


# --- for pages ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Period:
    """One period of a schedule, as its history shows it.

    Attributes:
        state: "signed", "late", "missed", "stopped" (of a schedule that asks for no more), "overdue" or "due".
        link: the review, where the reader may see it.
    """

    due: DueReview
    state: str
    link: str = ""

    @property
    def first(self) -> str:
        """Its first day, in the schedule's zone."""
        return _day(self.due.start, zone_of(self.due.schedule))

    @property
    def last(self) -> str:
        """Its last day."""
        return _day(self.due.end - INSTANT, zone_of(self.due.schedule))


def _day(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}"


@dataclass(frozen=True)
class History:
    """A schedule and its periods, newest first. `goes_on`: it asks for reviews."""

    schedule: ReviewSchedule
    goes_on: bool
    periods: list[Period]
    may_change: bool
    may_sign: bool


def state_of(due: DueReview, now: datetime, *, goes_on: bool = True) -> str:
    if due.review:
        return "late" if due.review.signed_at > due.due_at else "signed"
    if due.missed_at:
        return "missed"
    if not goes_on:
        return "stopped"
    return "overdue" if due.due_at <= now else "due"


def waiting(user: AnyUser, now: datetime) -> list[Period]:
    """What the user is expected to sign off, most urgent first."""
    rows = DueReview.objects.visible_to(user).waiting()
    rows = rows.select_related("schedule__owner__profile", "schedule__team", "schedule__view", "review")
    return [Period(due, state_of(due, now)) for due in rows.order_by("due_at", "pk")]


def histories(user: AnyUser, now: datetime) -> list[History]:
    """The schedules that the user may know of, with what became of their periods; all for who sees every account."""
    schedules = ReviewSchedule.objects.all()
    if not NexmoAccount.objects.sees_all(user):
        schedules = schedules.visible_to(user)
    listed = list(schedules.select_related("owner__profile", "team", "view"))
    expected = set(ReviewSchedule.objects.visible_to(user).values_list("pk", flat=True))
    changeable = set(ReviewSchedule.objects.changeable_by(user).values_list("pk", flat=True))
    going_on = set(ReviewSchedule.objects.going_on().values_list("pk", flat=True))
    rows = DueReview.objects.filter(schedule__in=listed).select_related("review").order_by("-start")
    of: dict[int, list[DueReview]] = {}
    for due in rows:
        of.setdefault(due.schedule_id, []).append(due)
    reviews = [due.review_id for periods in of.values() for due in periods if due.review_id]
    visible = set(Review.objects.visible_to(user).filter(pk__in=reviews).values_list("pk", flat=True))
    found = []
    for schedule in listed:
        periods, goes_on = [], schedule.pk in going_on
        for due in of.get(schedule.pk, [])[:MOST_SHOWN]:
            due.schedule = schedule
            link = due.review.get_absolute_url() if due.review and due.review_id in visible else ""
            periods.append(Period(due, state_of(due, now, goes_on=goes_on), link))
        may_sign = schedule.pk in expected and (goes_on or not schedule.is_active) and schedule.view_id is not None
        found.append(History(schedule, goes_on, periods, schedule.pk in changeable, may_sign))
    return found
