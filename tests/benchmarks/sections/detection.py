"""What all rules that ship cost together, beside archiving the same events; and how long a rule's trial takes.

The copy of the archive is evaluated to its end first: what an upgrade does once. Then batches are added and evaluated
in turn, the newest events there are and events from all of the three years, which are late ones.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.benchmarks import databases
from tests.benchmarks.config import Archive, rounds
from tests.benchmarks.figures import paired_ratio, summary
from tests.benchmarks.partner import Partner

SIZE = 5_000  # events of a batch, at most: what a sync of fifty pages adds
ORDERS = ("in order", "from all three years")
ROUNDS = 9


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    size = min(SIZE, archive.events // 20)
    found: dict[str, Any] = {"batch": size, "orders": {}}
    with databases.scratch(archive, "detected") as copy, Partner(copy, "detecting") as partner:
        first = partner.ask("follow")
        found["first"] = {"events/s": first["events"] / first["ms"][0] * 1000, "findings": first["made"]}
        for order in ORDERS:
            adding, evaluating = [], []
            for batch in range(rounds(ROUNDS) + 1):
                asked = {"total": archive.events, "size": size, "order": order}
                added, done = partner.ask("add", **asked)["ms"][0], partner.ask("follow")["ms"][0]
                if batch:  # the first makes connections and statements ready
                    adding.append(added)
                    evaluating.append(done)
            found["orders"][order] = {
                "adding": summary(adding),
                "evaluating": summary(evaluating),
                "events/s": size / median(evaluating) * 1000,
                "of ingest": paired_ratio(evaluating, adding),
            }
        for rule in ("light", "heavy"):
            found[rule] = min((partner.ask("hunt", rule=rule) for _ in range(3)), key=lambda each: each["seconds"])
    return found
