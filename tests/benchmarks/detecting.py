"""The child process of a `Partner` that evaluates rules on a copy of the archive and says how long it took."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, timedelta
from time import perf_counter, process_time
from typing import Any

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
        from events.operations.garbage import collect_seldom

        super().__init__()
        collect_seldom()  # as a worker does
        self.waiting: dict[str, list[Any]] = defaultdict(list)
        self.place = 0
        self._story: Story | None = None

    def own_events(self, total: int, size: int, order: str) -> tuple[Any, list[Any]]:
        """So many new events of the account that has them first, as the archive's are: its people's and programs', and
        an attack now and then. In order, they go on as busily as the archive ends."""
        while True:
            account, event = self._own_event(total, order)
            mine = self.waiting[account.api_key]
            mine.append(event)
            if len(mine) == size:
                return account, self.waiting.pop(account.api_key)

    def _own_event(self, total: int, order: str) -> tuple[Any, Any]:
        from events.nexmo.parse import parse_event

        self.place += 1
        story, number = self.story(total), total + self.place
        first = story.attack_of(number)
        # An attack is one, whenever it was: its steps stay together.
        place = self.place if first is None else first - total
        share = place * TURN % 1 if order == LATE else 1 + place / total
        made = story.event(number, at_share=share) | {"id": f"{order[:2]}{self.place:012d}"}
        return self.accounts[made["account_id"]], parse_event(json.dumps(made), UTC)

    def story(self, total: int) -> Story:
        if self._story is None:
            self._story = Story(total)
        return self._story


PAGE = 1_000
TURN = 0.6180339887  # steps of the golden ratio scatter evenly
LATE = "from all three years"


def do_add(desk: DetectionDesk, asked: dict[str, Any]) -> dict[str, Any]:
    """A batch through `add_events`, a thousand events at a time."""
    from events.archive.add import add_events

    account, events = desk.own_events(asked["total"], asked["size"], asked["order"])
    began, busy = perf_counter(), process_time()
    for start in range(0, len(events), PAGE):
        added = add_events(account, events[start : start + PAGE], run=None, fetched_at=END + timedelta(days=1))
        if added.new != len(events[start : start + PAGE]):
            raise RuntimeError("not all events were new")
    return {"ms": [(perf_counter() - began) * 1000], "cpu": (process_time() - busy) * 1000}


def do_follow(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """Evaluate all that came since, by all rules that ship."""
    from events.detection.evaluation.follow import follow

    began, busy = perf_counter(), process_time()
    done = follow()
    if done.problems:
        raise RuntimeError(f"rules failed: {done.problems}")
    ms, cpu = (perf_counter() - began) * 1000, (process_time() - busy) * 1000
    return {"ms": [ms], "cpu": cpu, "events": done.events, "made": done.made, "extended": done.extended}


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
