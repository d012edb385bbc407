"""The demo's reviews: one that alice signed off, and one that her team is to sign off this week."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.http import QueryDict
from django.utils import timezone

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.models import Review, ReviewSchedule, SavedView, SignOff
from events.reviews import sign
from events.reviews.matter import Matter, between
from events.wording.schedule import Frequency, period_before

NOTE = "All of these numbers were moved to the new call flow, as planned. Nothing unusual."


def make_demo_reviews() -> None:
    """Have the worker sign a review, and a schedule whose first period was last week; what is there stays."""
    now = timezone.now()
    start, end = period_before(Frequency.MONTHLY, now, timezone.get_default_timezone())
    alice = get_user_model().objects.get(username="alice")
    if not (Review.objects.exists() or SignOff.objects.exists()):
        moved = QueryDict("event_type=NUMBER_LINKED,NUMBER_UNLINKED")
        query = between(moved, start, end - timedelta(microseconds=1))
        accounts = NexmoAccount.objects.list_visible_to(alice)
        sign.request(alice, Matter(EventFilter(QueryDict(query), accounts=accounts)), NOTE)
    view = SavedView.objects.filter(owner=alice, team__isnull=False).first()
    if view and not ReviewSchedule.objects.exists():
        ReviewSchedule.objects.create(
            team=view.team,
            created_by=alice,
            view=view,
            name=view.name,
            frequency=Frequency.WEEKLY,
            days=7,
            last_end=period_before(Frequency.WEEKLY, now, timezone.get_default_timezone())[0],
        )
