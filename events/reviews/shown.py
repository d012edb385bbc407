"""Reviews as pages show them: only what is said of accounts that the reader may see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from events.archive.proven_coverage import BEGINNING, Span
from events.filters.query_string import page_address
from events.models import Review, ReviewStatement, SignOff
from events.reviews.matter import gaps_in_words

if TYPE_CHECKING:
    from accounts.models import AnyUser, NexmoAccount

SIZE = 50
ACCOUNTS_NAMED = 3  # in a line of the list


@dataclass(frozen=True)
class Part:
    """What a review says of one account."""

    row: ReviewStatement
    values: dict[str, Any]

    @property
    def account(self) -> NexmoAccount:
        return self.row.account

    @property
    def gaps(self) -> tuple[str, ...]:
        """Which times of the period were not known to be complete, in words; none: it was."""
        start, end = self.values["period"]
        covered: list[Span] = [(_time(since), datetime.fromisoformat(until)) for since, until in self.values["covered"]]
        return gaps_in_words(covered, datetime.fromisoformat(start) if start else None, datetime.fromisoformat(end))

    @property
    def list_url(self) -> str:
        """The account's events with that filter and period."""
        return f"{page_address('list', self.account)}?{self.values['filter']['query']}"


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else BEGINNING


@dataclass(frozen=True)
class Shown:
    """A review as a reader may know it."""

    review: Review
    parts: list[Part]
    late: int = 0  # events that arrived after the page was shown and before it was signed; to who signed it

    @property
    def count(self) -> int:
        return sum(part.row.count for part in self.parts)

    @property
    def words(self) -> list[str]:
        """The filter, in the language in which it was signed; none: all events."""
        words: list[str] = self.parts[0].values["filter"]["words"] if self.parts else []
        return words

    @property
    def note_line(self) -> str:
        """The note on one line."""
        return " ".join(self.review.note.split())

    @property
    def named(self) -> list[NexmoAccount]:
        return [part.account for part in self.parts[:ACCOUNTS_NAMED]]

    @property
    def more(self) -> int:
        """Accounts that are not named."""
        return max(len(self.parts) - ACCOUNTS_NAMED, 0)


@dataclass(frozen=True)
class ListPage:
    """Some reviews, newest first; `more` is what the next page's `before` is, "" where there is none."""

    lines: list[Shown]
    more: str


def list_page(user: AnyUser, asked: dict[str, Any], before: str = "") -> ListPage:
    """Reviews that the user may see.

    Args:
        asked: what `ListForm` read.
        before: the key of the last review on the page before.
    """
    rows: Any = Review.objects.visible_to(user)
    if person := (asked.get("person") or "").strip():
        rows = rows.filter(Q(username__icontains=person) | Q(name__icontains=person) | Q(email__icontains=person))
    if api_key := asked.get("account"):
        of_account = ReviewStatement.objects.visible_to(user).filter(review=OuterRef("pk"), account__api_key=api_key)
        rows = rows.filter(Exists(of_account))
    if day := asked.get("date_from"):
        rows = rows.filter(signed_at__gte=timezone.make_aware(datetime.combine(day, time.min)))
    if day := asked.get("date_to"):
        rows = rows.filter(signed_at__lt=timezone.make_aware(datetime.combine(day, time.min)) + timedelta(days=1))
    if last := _visible(user, before):
        rows = rows.filter(Q(signed_at__lt=last.signed_at) | Q(signed_at=last.signed_at, pk__lt=last.pk))
    found = list(rows[: SIZE + 1])
    return ListPage(_with_parts(user, found[:SIZE]), str(found[SIZE - 1].pk) if len(found) > SIZE else "")


def _visible(user: AnyUser, key: str) -> Review | None:
    try:
        review: Review | None = Review.objects.visible_to(user).filter(pk=key).first() if key else None
    except (ValidationError, ValueError):
        return None
    return review


def _with_parts(user: AnyUser, reviews: list[Review]) -> list[Shown]:
    rows = ReviewStatement.objects.visible_to(user).filter(review__in=reviews).defer("numbers")
    parts: dict[Any, list[Part]] = {}
    for row in rows.select_related("account").order_by("account__name", "account__api_key"):
        parts.setdefault(row.review_id, []).append(Part(row, json.loads(row.statement)))
    return [Shown(review, parts.get(review.pk, [])) for review in reviews]


def shown(user: AnyUser, review: Review) -> Shown:
    """One review; how many events were late only where the reader signed it and sees all of it."""
    (whole,) = _with_parts(user, [review])
    late = 0
    if review.person_id == user.pk and len(whole.parts) == review.statements.count():
        asked = SignOff.objects.filter(pk=review.pk).values_list("shown", flat=True).first()
        late = whole.count - asked if asked is not None else 0
    return Shown(review, whole.parts, late)
