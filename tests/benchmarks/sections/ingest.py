"""How fast events are archived: `add_events` beside the fastest raw insert with the same indexes and search index.

Ours has more to do: it looks for events that are known already, chains, counts and keeps the rollups. Both write to
copies of the full archive; the raw one's has no append-only triggers.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.benchmarks import databases
from tests.benchmarks.config import SQLITE, Archive, rounds
from tests.benchmarks.figures import interleave, paired_ratio, summary
from tests.benchmarks.partner import Partner

SIZES = {SQLITE: 1_000, "postgresql": 5_000}
ORDERS = ("in order", "from all three years")
ROUNDS = {SQLITE: 21, "postgresql": 9}


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    size = SIZES[archive.engine]
    found: dict[str, Any] = {"batch": size, "orders": {}}
    with (
        databases.scratch(archive, "ours") as ours,
        databases.scratch(archive, "raw") as raw,
        Partner(ours, "inserting") as insert_ours,
        Partner(raw, "inserting") as insert_raw,
    ):
        for order in ORDERS:
            turn = {"next": 0}  # every batch has events of its own
            hashing: list[float] = []

            def batch(turn: dict[str, int] = turn, order: str = order) -> dict[str, Any]:
                turn["next"] += 1
                return {"total": archive.events, "size": size, "order": order, "batch": turn["next"]}

            def add(batch: Any = batch, hashing: list[float] = hashing) -> list[float]:
                answer = insert_ours.ask("ours", **batch())
                hashing.append(answer["hashing"])
                return list(answer["ms"])

            variants = {"ours": add, "raw": lambda batch=batch: insert_raw.ask("raw", **batch())["ms"]}
            for measure_once in variants.values():
                measure_once()  # connections and statements are made ready
            times = interleave(variants, rounds(ROUNDS[archive.engine]))
            found["orders"][order] = {
                "times": {name: summary(row) for name, row in times.items()},
                "rows/s": {name: size / summary(row)["median"] * 1000 for name, row in times.items()},
                "rows/s over all": {name: size * len(row) / sum(row) * 1000 for name, row in times.items()},
                "share of raw": paired_ratio(times["raw"], times["ours"]),
                "hashing ms": median(hashing),
                "chain adds": median(hashing) / (median(times["ours"]) - median(hashing)),
            }
    return found
