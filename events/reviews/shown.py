"""Reviews as pages show them: only what is said of accounts that the reader may see."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, F, OuterRef, Q, Sum, Window
from django.db.models.functions import RowNumber

from events.archive.proven_coverage import BEGINNING, Span
from events.filters.query_string import page_address
from events.models import Review, ReviewStatement, SignOff
from events.reviews.matter import gaps_in_words
from events.wording.times import start_of_day

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        """The account's events with that filter and period; "" where the filter is about nothing in this account."""
        about = self.values["filter"]
        return "" if about["conditions"]["nothing"] else f"{page_address('list', self.account)}?{about['query']}"


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else BEGINNING


def words_among(statements: Iterable[dict[str, Any]]) -> list[str]:
    """The filter, in the language in which it was signed: as the statement has it that leaves out least. None: all
    events."""
    filters = [statement["filter"] for statement in statements]
    best = max(filters, key=lambda its: (not its["conditions"]["nothing"], len("".join(its["words"]))), default=None)
    return list(best["words"]) if best else []


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
        return words_among(part.values for part in self.parts)


@dataclass(frozen=True)
class Line:
    """A review in the list, over the accounts that the reader may see: how many events, and the names of those with
    the most."""

    review: Review
    count: int
    named: list[str]
    more: int  # accounts that are not named
    words: list[str]

    @property
    def note_line(self) -> str:
        """The note on one line."""
        return " ".join(self.review.note.split())


@dataclass(frozen=True)
class ListPage:
    """Some reviews, newest first; `more` is what the next page's `before` is, "" where there is none."""

    lines: list[Line]
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
        rows = rows.filter(signed_at__gte=start_of_day(day))
    if day := asked.get("date_to"):
        rows = rows.filter(signed_at__lt=start_of_day(day + timedelta(days=1)))
    if last := _visible(user, before):
        rows = rows.filter(Q(signed_at__lt=last.signed_at) | Q(signed_at=last.signed_at, pk__lt=last.pk))
    found = list(rows[: SIZE + 1])
    return ListPage(_lines(user, found[:SIZE]), str(found[SIZE - 1].pk) if len(found) > SIZE else "")


def _visible(user: AnyUser, key: str) -> Review | None:
    try:
        review: Review | None = Review.objects.visible_to(user).filter(pk=key).first() if key else None
    except (ValidationError, ValueError):
        return None
    return review


def _lines(user: AnyUser, reviews: list[Review]) -> list[Line]:
    """Of each review the figures of all statements, and the text of no more than are named: it may have hundreds."""
    if not reviews:
        return []
    rows = ReviewStatement.objects.visible_to(user).filter(review__in=reviews).order_by()
    rows = rows.annotate(
        place=Window(RowNumber(), partition_by="review_id", order_by=(F("count").desc(), "account__name", "pk")),
        total=Window(Sum("count"), partition_by="review_id"),
        number=Window(Count("pk"), partition_by="review_id"),
    )
    rows = rows.filter(place__lte=ACCOUNTS_NAMED).values_list("review", "pk", "account__name", "total", "number")
    first: dict[Any, list[Any]] = {}
    for review, *values in rows.order_by("place"):
        first.setdefault(review, []).append(values)
    named = ReviewStatement.objects.filter(pk__in=[pk for its in first.values() for pk, *_ in its])
    statements = {pk: json.loads(text) for pk, text in named.values_list("pk", "statement")}
    lines = []
    for review in reviews:
        its = first.get(review.pk)
        if not its:
            continue
        total, number = its[0][2:]
        words = words_among(statements[pk] for pk, *_ in its)
        lines.append(Line(review, total, [name for _, name, *_ in its], number - len(its), words))
    return lines


def shown(user: AnyUser, review: Review) -> Shown:
    """One review; how many events were late only where the reader signed it and sees all of it."""
    rows = ReviewStatement.objects.visible_to(user).filter(review=review).select_related("account")
    rows = rows.defer("numbers", "account__api_secret", "account__api_secret_secondary")
    rows = rows.order_by("account__name", "account__api_key")
    whole = Shown(review, [Part(row, json.loads(row.statement)) for row in rows])
    late = 0
    if review.person_id == user.pk and len(whole.parts) == review.statements.count():
        asked = SignOff.objects.filter(pk=review.pk).values_list("shown", flat=True).first()
        late = whole.count - asked if asked is not None else 0
    return replace(whole, late=late)
