"""Webhooks: JSON in batches, signed as Standard Webhooks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.utils import timezone

from events.outbound import post, results, signing
from events.streams.batch import Batch, Delivered
from events.streams.destinations.destination import Place, checked_url, targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.streams.batch import Item

TOO_LARGE = 413


class Webhook:
    """Any receiver of HTTP. It has taken a batch when it answers with 2xx."""

    most_bytes = 4_000_000

    def checked(self, entered: str) -> tuple[str, str]:
        return checked_url(entered)

    def send(self, place: Place, batch: Batch) -> Delivered:
        now = timezone.now()
        body = body_of(batch, now.isoformat())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Auditsite",
            **signing.headers(batch.key, int(now.timestamp()), body, [place.secret] if place.secret else []),
        }
        answer, outcome = results.attempt(
            lambda: post.post(place.address, body, headers, targets(), authorities=place.authorities)
        )
        if answer and answer.status == TOO_LARGE:
            return self._smaller(place, batch)
        return Delivered(len(batch.items) if outcome.sent else 0, outcome)

    def _smaller(self, place: Place, batch: Batch) -> Delivered:
        """A batch that is too large goes in halves; an item that is too large by itself is refused for good."""
        if len(batch.items) == 1:
            return Delivered(1, refused={0: "http 413"})
        half = len(batch.items) // 2
        first = self.send(place, part(batch, batch.items[:half]))
        if first.taken < half:
            return first
        second = self.send(place, part(batch, batch.items[half:]))
        refused = first.refused | {half + at: why for at, why in second.refused.items()}
        return Delivered(half + second.taken, second.outcome, refused)


def part(batch: Batch, items: Sequence[Item]) -> Batch:
    """Some of a batch's items as a batch of their own."""
    return Batch(f"{batch.key}_{items[0].seq}_{len(items)}", batch.source, items, is_test=batch.is_test)


def body_of(batch: Batch, at: str) -> bytes:
    """What is posted: where the items come from, then the items as they are."""
    head = {
        "type": "auditsite.test" if batch.is_test else "auditsite.batch",
        "timestamp": at,
        "source": batch.source,
        "first": batch.items[0].seq,
        "last": batch.items[-1].seq,
    }
    return json.dumps(head)[:-1].encode() + b', "data": [' + b",\n".join(item.body for item in batch.items) + b"]}"
