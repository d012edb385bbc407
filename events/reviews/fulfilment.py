"""Which review was made for which period of a schedule. The only place that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.models import DueReview

if TYPE_CHECKING:
    from events.models import Review


def fulfil(due: DueReview, review: Review) -> None:
    """Note the first review of a period; a later one is a review like any other."""
    DueReview.objects.filter(pk=due.pk, review=None).update(review=review, remind_at=None)
