"""Trying a rule before it is saved, and putting what it finds into the inbox afterwards: asked for on a page, done by
the worker (`events.detection.hunt`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from events.detection.hunt import KIND
from events.models import Hunt
from events.operations import jobs

if TYPE_CHECKING:
    from accounts.models import AnyUser

KEPT_FOR = timedelta(days=30)


def request(text: str, by: AnyUser, *, replay: bool = False) -> Hunt:
    """Have a rule that can be read looked for in the whole archive.

    A person's next trial takes the place of one that is not finished: who changes a rule no longer waits for what it
    said before. What puts findings into the inbox is always finished.

    Args:
        replay: whether what is found goes into the inbox.
    """
    with transaction.atomic():
        Hunt.objects.filter(requested_by=by.pk, requested_at__lt=timezone.now() - KEPT_FOR).delete()
        unfinished = (Hunt.State.WAITING, Hunt.State.RUNNING)
        Hunt.objects.filter(requested_by=by.pk, replay=False, state__in=unfinished).delete()
        hunt: Hunt = Hunt.objects.create(
            requested_by_id=by.pk or 0, requested_at=timezone.now(), text=text, replay=replay
        )
        jobs.enqueue(KIND, str(hunt.pk), requested_by=by)
    return hunt


def percent(hunt: Hunt) -> int | None:
    """How far the worker is; None where that is not known."""
    return min(100, hunt.done * 100 // hunt.total) if hunt.total else None


def is_unfinished(hunt: Hunt) -> bool:
    return hunt.state in (Hunt.State.WAITING, Hunt.State.RUNNING)


def result(hunt: Hunt) -> dict[str, Any]:
    """What was found, for its page."""
    return hunt.result if isinstance(hunt.result, dict) else {}
