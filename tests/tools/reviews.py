"""Reviews that somebody signed off."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.utils import timezone

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.models import Review, ReviewStatement
from events.operations import jobs
from events.reviews import sign
from events.reviews.matter import Matter, lasting


def matter_of(user: Any, query: str = "") -> Matter:
    """What the page would show this person for a filter."""
    accounts = NexmoAccount.objects.list_visible_to(user)
    fixed = lasting(EventFilter(QueryDict(query), accounts=accounts), timezone.now())
    return Matter(EventFilter(QueryDict(fixed), accounts=accounts))


def run_jobs() -> None:
    """Do what a worker would, as long as anything is due."""
    while jobs.run_next():
        pass


def signed_off(user: Any, query: str = "", note: str = "Nothing unusual.") -> Review:
    """A review that this person signed off."""
    asked = sign.request(user, matter_of(user, query), note)
    run_jobs()
    return Review.objects.get(pk=asked.pk)


def make_statement(account: NexmoAccount, user: Any) -> ReviewStatement:
    """The statement of a review of this account alone."""
    statement: ReviewStatement = signed_off(user, f"account={account.api_key}").statements.get()
    return statement
