"""Webhooks: JSON in batches, signed as Standard Webhooks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.utils import timezone

from events.outbound import post, results, signing
from events.streams.batch import Delivered
from events.streams.destinations.destination import Place, checked_url, targets

if TYPE_CHECKING:
    from events.streams.batch import Batch


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
        _answer, outcome = results.attempt(
            lambda: post.post(place.address, body, headers, targets(), authorities=place.authorities)
        )
        return Delivered(len(batch.items) if outcome.sent else 0, outcome)


def body_of(batch: Batch, at: str) -> bytes:
    """What is posted: where the items come from, then the items as they are."""
    head = {
        "type": "auditsite.test" if batch.is_test else "auditsite.batch",
        "timestamp": at,
        "source": batch.source,
        "first": batch.items.seqs[0],
        "last": batch.items.seqs[-1],
    }
    begin, *others = batch.items.bodies
    *others, end = [json.dumps(head)[:-1].encode() + b', "data": [' + begin, *others]
    return b",\n".join([*others, end + b"]}"])  # at once: a batch is large
