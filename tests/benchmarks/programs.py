"""Programs that read by API: `python -m tests.benchmarks.programs EVENTS`, on a copy of an archive in DATABASE_URL.

Writes JSON: seconds of CPU time, because several processes share the machine. Requests pass the whole stack.
"""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from tests.benchmarks.config import rounds
from tests.benchmarks.figures import interleave, paired_ratio, summary

SIZE = 100
_CURSOR, _PAGES = re.compile(r'"cursor": "([^"]+)"'), re.compile(r'"totalPages": (\d+)')
OWN, NEXMOS = "/api/v1/events", "/beta/audit/events"


def measure(events: int) -> dict[str, Any]:
    """A page against its floor, and walks of so many events at most, by cursor and by page alone."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from accounts.tokens import lifecycle

    def program_of(name: str) -> Program:
        person = get_user_model().objects.get(username=name)
        return Program(lifecycle.make(person, "benchmark", timezone.now() + timedelta(days=1))[1].token)

    # The one sees events whole; for the other, who sees some of the accounts, what is sensitive in them is hidden.
    program, other = program_of("bench-auditor"), program_of("bench-analyst")
    answer = program.get(OWN)
    cursor = json.loads(answer)["cursor"]
    variants = {
        "page": lambda: _timed(lambda: program.get(OWN, cursor=cursor)),
        "page, sensitive parts hidden": lambda: _timed(lambda: other.get(OWN, cursor=cursor)),
        "floor": lambda: _timed(_floor),
    }
    for variant in variants.values():
        variant()
    times = interleave(variants, rounds(60))
    walks = interleave(
        {
            "cursor": lambda: _timed(lambda: _by_cursor(program, events)),
            "number": lambda: _timed(lambda: _by_number(program, events)),
        },
        rounds(3),
    )
    return {
        "events": events,
        "page": {name: summary([1000 * each for each in its]) for name, its in times.items()},
        "page / floor": paired_ratio(times["page"], times["floor"]),
        "hidden / floor": paired_ratio(times["page, sensitive parts hidden"], times["floor"]),
        "walks": {name: summary(its) for name, its in walks.items()},
        "by number / by cursor": paired_ratio(walks["number"], walks["cursor"]),
    }


def _timed(work: Callable[[], Any]) -> list[float]:
    began = time.process_time()
    work()
    return [time.process_time() - began]


class Program:
    """Asks as a server does that has read a request: nothing of a test client's own work is in the way."""

    def __init__(self, token: str) -> None:
        from django.core.handlers.wsgi import WSGIHandler
        from django.test import RequestFactory

        self._handler = WSGIHandler()
        self._environ = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}", "Host": "localhost"})

    def get(self, path: str, **query: Any) -> bytes:
        """The body of an answer, which must be a good one."""
        asked = {"PATH_INFO": path, "QUERY_STRING": urlencode({"size": SIZE, **query}), "wsgi.input": io.BytesIO()}
        statuses: list[str] = []
        answer = self._handler({**self._environ.environ, **asked}, lambda status, _headers: statuses.append(status))
        body = b"".join(answer)
        answer.close()
        if statuses != ["200 OK"]:
            raise RuntimeError(f"{path} was answered with {statuses}: {body[:300]!r}")
        return body


def _floor() -> bytes:
    """The same page with nothing around it: one statement, read from JSON and written as JSON."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT raw FROM events_auditevent ORDER BY created_at DESC, id DESC LIMIT {SIZE}")
        events = [json.loads(raw) for (raw,) in cursor.fetchall()]
    return json.dumps({"events": events, "has_more": True}).encode()


def _by_cursor(program: Program, events: int) -> None:
    cursor = ""
    for _ in range(-(-events // SIZE)):
        found = _CURSOR.search(_end(program.get(NEXMOS, cursor=cursor)))
        if not found:
            break
        cursor = found[1]


def _by_number(program: Program, events: int) -> None:
    number, pages = 1, -(-events // SIZE)
    while number <= pages:
        found = _PAGES.search(_end(program.get(NEXMOS, page=number)))
        if not found:
            raise RuntimeError("a page does not tell how many there are")
        number, pages = number + 1, min(pages, int(found[1]))


def _end(answer: bytes) -> str:
    """What stands after the events: reading all of it would be the program's own time."""
    return answer[-1_000:].decode(errors="replace")


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
