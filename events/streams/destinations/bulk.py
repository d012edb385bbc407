"""Elasticsearch's and OpenSearch's `_bulk`: each item a document whose id is the item's key.

Documents are created, never overwritten: what was sent before is answered with 409 and counts as taken.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from django.utils.translation import gettext as _

from events.outbound import post, results
from events.outbound.entered import NotUsable
from events.outbound.results import SOON, Outcome
from events.streams.batch import Batch, Delivered
from events.streams.destinations.destination import Place, checked_url, targets

MOST_READ = 8_000_000  # bytes of an answer: a few hundred for each document
IS_THERE = 409
INDEX = re.compile(r"[a-z0-9][a-z0-9_.-]{0,199}")


class Bulk:
    """A batch is taken as far as the answer says so, document by document."""

    most_bytes = 4_000_000

    def checked(self, entered: str) -> tuple[str, str]:
        address, shown = checked_url(entered)
        return address.rstrip("/"), shown

    def send(self, place: Place, batch: Batch) -> Delivered:
        body = b"".join(
            b'{"create":{"_id":%s}}\n%s\n' % (json.dumps(item.key).encode(), item.body) for item in batch.items
        )
        headers = {"Content-Type": "application/x-ndjson", "User-Agent": "Auditsite", **_authorization(place.secret)}
        address = f"{place.address}/{place.options['index']}/_bulk"
        answer, outcome = results.attempt(
            lambda: post.post(address, body, headers, targets(), authorities=place.authorities, most_read=MOST_READ)
        )
        if answer is None or not outcome.sent:
            return Delivered(0, outcome)
        return _read(answer.body, len(batch.items))


def checked_index(entered: str) -> str:
    """The name of an index or data stream. Raises NotUsable."""
    if not INDEX.fullmatch(entered):
        raise NotUsable(_("The name of an index consists of lower-case letters, digits and . _ - only."))
    return entered


def _authorization(secret: str) -> dict[str, str]:
    """A secret with a colon is a name and password, any other an API key."""
    if not secret:
        return {}
    if ":" in secret:
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {"Authorization": f"ApiKey {secret}"}


def _read(body: bytes, count: int) -> Delivered:
    try:
        items: Any = json.loads(body)["items"]
        answers = [next(iter(item.values())) for item in items]
        statuses = [int(answer["status"]) for answer in answers]
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration, RecursionError):
        return Delivered(0, Outcome(sent=False, problem="broken"))
    if len(statuses) != count:
        return Delivered(0, Outcome(sent=False, problem="broken"))
    refused: dict[int, str] = {}
    for at, (status, answer) in enumerate(zip(statuses, answers, strict=True)):
        if 200 <= status < 300 or status == IS_THERE:
            continue
        if status in SOON or status >= 500 or status in (401, 403):
            return Delivered(at, Outcome(sent=False, problem=f"http {status}", status=status), refused)
        refused[at] = f"bulk {status} {_kind(answer)}".strip()
    return Delivered(count, refused=refused)


def _kind(answer: Any) -> str:
    """The error's type; its text could hold the event's values."""
    error = answer.get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    return kind[:100] if isinstance(kind, str) and re.fullmatch(r"[a-z0-9_]+", kind) else ""
