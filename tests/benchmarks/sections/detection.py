"""What all rules that ship cost together, beside archiving the same events; and how long a rule's trial takes.

The copy of the archive is evaluated to its end first: what an upgrade does once. Then batches are added and evaluated
in turn, the newest events there are and events from all of the three years, which are late ones. Both are as in life,
and a little worse: the section says how many findings they make.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.benchmarks import databases, people
from tests.benchmarks.config import Archive, rounds
from tests.benchmarks.figures import paired_ratio, summary
from tests.benchmarks.partner import Partner

SIZE = 5_000  # events of a batch, at most: what a sync of fifty pages adds; and a hundredth of the archive
ORDERS = ("in order", "from all three years")
ROUNDS = 9


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    size = min(SIZE, archive.events // 100)
    found: dict[str, Any] = {"batch": size, "orders": {}}
    with databases.scratch(archive, "detected") as copy, Partner(copy, "detecting") as partner:
        first = partner.ask("follow")
        found["first"] = {"events/s": first["events"] / first["ms"][0] * 1000, "findings": first["made"]}
        found["first"] |= {"events": first["events"], "attacks": first["events"] // people.ATTACK_EVERY}
        for order in ORDERS:
            batches: list[tuple[dict[str, Any], dict[str, Any]]] = []
            for _ in range(rounds(ROUNDS) + 1):
                added = partner.ask("add", total=archive.events, size=size, order=order)
                batches.append((added, partner.ask("follow")))
            del batches[0]  # it makes connections and statements ready
            adding, evaluating = ([each["ms"][0] for each in side] for side in zip(*batches, strict=True))
            busy = [[each["cpu"] for each in side] for side in zip(*batches, strict=True)]
            found["orders"][order] = {
                "adding": summary(adding),
                "evaluating": summary(evaluating),
                "events/s": size / median(evaluating) * 1000,
                "of ingest": paired_ratio(evaluating, adding),
                "of ingest, processor": paired_ratio(busy[1], busy[0]),
                "events": size * len(batches),
                "findings": sum(done["made"] for _, done in batches),
            }
        for rule in ("light", "heavy"):
            found[rule] = min((partner.ask("hunt", rule=rule) for _ in range(3)), key=lambda each: each["seconds"])
    return found
