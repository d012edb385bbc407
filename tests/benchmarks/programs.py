"""Programs that read by API: `python -m tests.benchmarks.programs EVENTS`, on a copy of an archive in DATABASE_URL.

Writes JSON: seconds of CPU time, because several processes share the machine. Requests pass the whole stack.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.benchmarks.config import rounds
from tests.benchmarks.figures import interleave, paired_ratio, summary

SIZE = 100
OWN, NEXMOS = "/api/v1/events", "/beta/audit/events"


def measure(events: int) -> dict[str, Any]:
    """A page against its floor, and walks of so many events at most, by cursor and by page alone."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.utils import timezone

    from accounts.tokens import lifecycle

    person = get_user_model().objects.get(username="bench-auditor")
    _, given = lifecycle.make(person, "benchmark", timezone.now() + timedelta(days=1))
    client = Client(headers={"Authorization": f"Bearer {given.token}"})
    variants = {"page": lambda: _timed(lambda: _get(client, OWN)), "floor": lambda: _timed(_floor)}
    for variant in variants.values():
        variant()
    times = interleave(variants, rounds(60))
    walks = interleave(
        {
            "cursor": lambda: _timed(lambda: _by_cursor(client, events)),
            "number": lambda: _timed(lambda: _by_number(client, events)),
        },
        rounds(3),
    )
    return {
        "events": events,
        "page": {name: summary([1000 * each for each in its]) for name, its in times.items()},
        "page / floor": paired_ratio(times["page"], times["floor"]),
        "walks": {name: summary(its) for name, its in walks.items()},
        "by number / by cursor": paired_ratio(walks["number"], walks["cursor"]),
    }


def _timed(work: Callable[[], Any]) -> list[float]:
    began = time.process_time()
    work()
    return [time.process_time() - began]


def _get(client: Any, path: str, **query: Any) -> Any:
    answer = client.get(path, {"size": SIZE, **query})
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was answered with {answer.status_code}: {answer.content[:300]}")
    return answer


def _floor() -> bytes:
    """The same page with nothing around it: one statement, read from JSON and written as JSON."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT raw FROM events_auditevent ORDER BY created_at DESC, id DESC LIMIT {SIZE}")
        events = [json.loads(raw) for (raw,) in cursor.fetchall()]
    return json.dumps({"events": events, "has_more": True}).encode()


def _by_cursor(client: Any, events: int) -> int:
    read, cursor = 0, ""
    while read < events:
        answer = _get(client, NEXMOS, cursor=cursor).json()
        read += len(answer.get("_embedded", {}).get("events", []))
        if not answer["has_more"]:
            break
        cursor = answer["cursor"]
    return read


def _by_number(client: Any, events: int) -> int:
    read, number, pages = 0, 1, 1
    while read < events and number <= pages:
        answer = _get(client, NEXMOS, page=number).json()
        read += len(answer.get("_embedded", {}).get("events", []))
        number, pages = number + 1, answer["page"]["totalPages"]
    return read


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
