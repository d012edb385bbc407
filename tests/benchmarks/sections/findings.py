"""The inbox with 100,000 findings beside the table of events: what each asks of the database."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.benchmarks import databases, inbox
from tests.benchmarks.config import ROOT, Archive, environment, rounds, visits
from tests.benchmarks.figures import summary
from tests.benchmarks.partner import Partner
from tests.benchmarks.vocabulary import LARGEST_KEY

FINDINGS, FEW = 100_000, 1_000  # a trial makes do with few
READERS = {"all accounts": "bench-auditor", "twelve of twenty": "bench-analyst"}
PATHS = {
    "first page": "/findings/",
    "all states": "/findings/?state=all",
    "most severe first": "/findings/?order=severity",
    "all, most severe first": "/findings/?order=severity&state=all",
    "resolved": "/findings/?state=resolved",
    "a page in the middle": "/findings/?state=all&before={middle}",
    "high and critical": "/findings/?severity=high,critical",
    "one account": f"/findings/?account={LARGEST_KEY}",
    "one rule": f"/findings/?state=all&rule={inbox.RULES[7]}",
    "a word of the title": "/findings/?q=number+17",
    "assigned to nobody": "/findings/?assignee=none",
}
EVENTS = "/events/"


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    number = FINDINGS if visits() > 1 else FEW
    found: dict[str, Any] = {"findings": number, "readers": {}}
    with databases.scratch(small, "findings") as copy:
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.inbox", str(number)], cwd=ROOT, env=environment(copy), check=True
        )
        with Partner(copy) as partner:
            middle = partner.ask("sql", sql=f"SELECT found_at FROM events_finding WHERE id = {number // 2}")
            marker = _marker(middle["rows"][0][0], number // 2)
            for title, user in READERS.items():
                found["readers"][title] = _of_reader(partner, user, marker)
    return found


def _of_reader(partner: Partner, user: str, marker: str) -> dict[str, Any]:
    """Milliseconds of SQL, statements and rows of each page, and how many times the table of events' they are."""
    paths = {EVENTS: EVENTS} | {name: path.format(middle=marker) for name, path in PATHS.items()}
    times: dict[str, list[float]] = {name: [] for name in paths}
    counts: dict[str, int] = {}
    for path in paths.values():
        partner.visit(path, user=user)
    for _ in range(rounds(15)):
        for name, path in paths.items():
            asked = partner.ask("queries", path=path, user=user, times=visits())
            times[name].append(asked["ms"])
            counts[name] = asked["count"]
    medians = {name: summary(its)["median"] for name, its in times.items()}
    return {
        name: {"sql ms": medians[name], "queries": counts[name], "ratio": medians[name] / medians[EVENTS]}
        for name in paths
    }


def _marker(found_at: str, number: int) -> str:
    """The `before=` value of the page that begins after a finding."""
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(found_at)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{round(moment.timestamp() * 1_000_000)}.{number}"
