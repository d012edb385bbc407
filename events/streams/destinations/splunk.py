"""Splunk's HTTP Event Collector, with acknowledgement by its indexers where that is switched on for the token.

https://docs.splunk.com/Documentation/Splunk/latest/Data/AboutHECIDXAck
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from events.operations.queue import STOP
from events.outbound import post, results
from events.outbound.results import SENT, Outcome
from events.streams.batch import Batch, Delivered
from events.streams.destinations.destination import Place, checked_url, targets

if TYPE_CHECKING:
    from events.outbound.post import Answer

COLLECT, ACKNOWLEDGE = "/services/collector/event", "/services/collector/ack"
ACK_PATIENCE, ACK_EVERY = 60.0, 0.5  # seconds
BAD_ITEM = frozenset({5, 6, 12, 13})  # codes of answers that say an event cannot be read; they name which


class Splunk:
    """A batch is taken when Splunk answers 200; with acknowledgement, when it says that all of it is indexed."""

    most_bytes = 900_000  # Splunk's own limit is a megabyte in older releases

    def checked(self, entered: str) -> tuple[str, str]:
        """The collector's address: its path may be left out."""
        address, shown = checked_url(entered)
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}", shown

    def send(self, place: Place, batch: Batch) -> Delivered:
        channel = str(uuid.uuid5(uuid.NAMESPACE_URL, place.name))
        body = b"\n".join(_wrapped(place, batch, at) for at in range(len(batch.items)))
        answer, outcome = self._post(place, COLLECT, body, channel)
        if answer is None:
            return Delivered(0, outcome)
        told = _read(answer)
        if not outcome.sent:
            return self._refused(place, batch, told, outcome)
        if not place.options.get("acknowledged"):
            return Delivered(len(batch.items))
        ack = told.get("ackId")
        if not isinstance(ack, int):
            return Delivered(0, Outcome(sent=False, problem="no_ack"))
        outcome = self._wait(place, ack, channel)
        return Delivered(len(batch.items) if outcome.sent else 0, outcome)

    def _refused(self, place: Place, batch: Batch, told: dict[str, Any], outcome: Outcome) -> Delivered:
        """One event that Splunk cannot read: it is refused, those after it go again. Those before it are in, but nobody
        says whether they are indexed: where that is to be known they are sent by themselves."""
        at, code = told.get("invalid-event-number"), told.get("code")
        if code not in BAD_ITEM or not isinstance(at, int) or not 0 <= at < len(batch.items):
            return Delivered(0, outcome)
        if at and place.options.get("acknowledged"):
            return self.send(place, Batch(f"{batch.key}_{at}", batch.source, batch.items[:at]))
        return Delivered(at + 1, refused={at: f"splunk {code}"})

    def _post(self, place: Place, path: str, body: bytes, channel: str) -> tuple[Answer | None, Outcome]:
        headers = {
            "Authorization": f"Splunk {place.secret}",
            "Content-Type": "application/json",
            "User-Agent": "Auditsite",
            "X-Splunk-Request-Channel": channel,
        }
        address = f"{place.address}{path}" + (f"?channel={channel}" if path == ACKNOWLEDGE else "")
        return results.attempt(lambda: post.post(address, body, headers, targets(), authorities=place.authorities))

    def _wait(self, place: Place, ack: int, channel: str) -> Outcome:
        """Ask until the batch is indexed."""
        deadline = time.monotonic() + ACK_PATIENCE
        asked = json.dumps({"acks": [ack]}).encode()
        while True:
            answer, outcome = self._post(place, ACKNOWLEDGE, asked, channel)
            if answer is None or not outcome.sent:
                return outcome
            acks = _read(answer).get("acks")
            if isinstance(acks, dict) and acks.get(str(ack)) is True:
                return SENT
            if time.monotonic() > deadline or STOP.wait(ACK_EVERY):
                return Outcome(sent=False, problem="no_ack")


def _wrapped(place: Place, batch: Batch, at: int) -> bytes:
    item = batch.items[at]
    head: dict[str, Any] = {
        "time": round(item.at.timestamp(), 3),
        "source": "auditsite",
        "sourcetype": place.options.get("sourcetype") or "auditsite:json",
        "fields": {"auditsite_key": item.key},
    }
    if index := place.options.get("index"):
        head["index"] = index
    return json.dumps(head)[:-1].encode() + b', "event": ' + item.body + b"}"


def _read(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
