"""The child process of a `Partner` that evaluates rules on a copy of the archive and says how long it took."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, timedelta
from time import perf_counter
from typing import Any
from zlib import crc32

from tests.benchmarks import vocabulary as words
from tests.benchmarks.answering import serve
from tests.benchmarks.generator import END, Story
from tests.benchmarks.inserting import Desk

LIGHT = "allow_list_open_to_all"  # of one type of event, which an index finds
HEAVY = """
title: Anything from a network, whatever it is
id: 5f1d2c1e-6a54-4f0e-9d0b-0f3a7f1f9a11
status: test
level: low
logsource: {product: vonage, service: audit}
detection:
  selection: {source_ip|cidr: 203.0.113.0/29}
  condition: selection
"""


class DetectionDesk(Desk):
    """A copy of the archive that batches of an account's own events are added to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, list[Any]] = defaultdict(list)
        self.place = 0

    def own_events(self, total: int, size: int, order: str) -> tuple[Any, list[Any]]:
        """So many new events of the account that has them first: of its own people, who stay in their country. (The
        generator's are in another at each event, which is what rules look for.)"""
        from events.nexmo.parse import parse_event

        countries, story = list(words.COUNTRIES), Story(total)
        while True:
            self.place += 1
            share = 1 + self.place / total / 100 if order == "in order" else self.place * TURN % 1
            made = story.event(total + self.place, at_share=share) | {"id": f"{order[:2]}{self.place:012d}"}
            who = made.get("user_email") or made["account_id"]
            made["source_country"] = countries[crc32(who.encode()) % len(countries)]
            mine = self.waiting[made["account_id"]]
            mine.append(parse_event(json.dumps(made), UTC))
            if len(mine) == size:
                return self.accounts[made["account_id"]], self.waiting.pop(made["account_id"])


PAGE = 1_000
TURN = 0.6180339887  # steps of the golden ratio scatter evenly


def do_add(desk: DetectionDesk, asked: dict[str, Any]) -> dict[str, Any]:
    """A batch through `add_events`, a thousand events at a time."""
    from events.archive.add import add_events

    account, events = desk.own_events(asked["total"], asked["size"], asked["order"])
    began = perf_counter()
    for start in range(0, len(events), PAGE):
        added = add_events(account, events[start : start + PAGE], run=None, fetched_at=END + timedelta(days=1))
        if added.new != len(events[start : start + PAGE]):
            raise RuntimeError("not all events were new")
    seconds = perf_counter() - began
    return {"ms": [seconds * 1000]}


def do_follow(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """Evaluate all that came since, by all rules that ship."""
    from events.detection.evaluation.follow import follow

    began = perf_counter()
    done = follow()
    if done.problems:
        raise RuntimeError(f"rules failed: {done.problems}")
    return {"ms": [(perf_counter() - began) * 1000], "events": done.events, "made": done.made}


def do_hunt(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """What a rule finds in the whole archive, and how often its progress is told."""
    from events.detection.evaluation.hunt import Hunting
    from events.detection.rules.ruleset import current_rules, read

    rule = current_rules().named(LIGHT)[0] if asked["rule"] == "light" else read(HEAVY, "heavy")[0][0]
    ticks: list[int] = []
    began = perf_counter()
    hunting = Hunting(rule, tick=lambda done, total, hits: ticks.append(done))
    found = hunting.run()
    seconds = perf_counter() - began
    return {"seconds": seconds, "events": hunting.done, "found": len(found), "ticks": len(ticks)}


if __name__ == "__main__":
    serve({"add": do_add, "follow": do_follow, "hunt": do_hunt}, DetectionDesk)
