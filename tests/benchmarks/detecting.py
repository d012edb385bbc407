"""The child process of a `Partner` that evaluates rules on a copy of the archive and says how long it took."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, timedelta
from time import perf_counter, process_time
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
        self._story: Story | None = None

    def own_events(self, total: int, size: int, order: str) -> tuple[Any, list[Any]]:
        """So many new events of the account that has them first: of its own people, who stay in their country. (The
        generator's are in another at each event, which is what rules look for.) Late ones are of accounts whose past
        is like that too."""
        while True:
            account, event = self._own_event(total, order)
            mine = self.waiting[account.api_key]
            mine.append(event)
            if len(mine) == size:
                return account, self.waiting.pop(account.api_key)

    def steady_past(self, total: int, events: int) -> dict[str, list[Any]]:
        """Accounts of the same people, and their events of all three years, by API key."""
        found: dict[str, list[Any]] = defaultdict(list)
        for _ in range(events):
            account, event = self._own_event(total, LATE)
            found[account.api_key].append(event)
        return found

    def _own_event(self, total: int, order: str) -> tuple[Any, Any]:
        from events.nexmo.parse import parse_event

        self.place += 1
        share = self.place * TURN % 1 if order == LATE else 1 + self.place / total / 100
        made = self.story(total).event(total + self.place, at_share=share)
        who = made.get("user_email") or made["account_id"]
        made["source_country"] = COUNTRIES[crc32(who.encode()) % len(COUNTRIES)]
        account = self.accounts[made["account_id"]]
        if order == LATE:
            account = self._steady(account)
        made |= {"account_id": account.api_key, "id": f"{order[:2]}{self.place:012d}"}
        return account, parse_event(json.dumps(made), UTC)

    def story(self, total: int) -> Story:
        if self._story is None:
            self._story = Story(total)
        return self._story

    def _steady(self, account: Any) -> Any:
        """The account of the same owner that has only events of people who stay where they are."""
        from accounts.models import NexmoAccount

        key = f"s{account.api_key[1:]}"
        if key not in self.accounts:
            self.accounts[key], _ = NexmoAccount.objects.get_or_create(
                api_key=key,
                defaults={"name": f"Steady {account.name}", "owner": account.owner, "api_secret": "sandbox-secret-s"},
            )
        return self.accounts[key]


PAGE = 1_000
TURN = 0.6180339887  # steps of the golden ratio scatter evenly
LATE = "from all three years"
COUNTRIES = list(words.COUNTRIES)


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


def do_settle(desk: DetectionDesk, asked: dict[str, Any]) -> dict[str, Any]:
    """Give the accounts that late events come to a past, and evaluate it."""
    from events.archive.add import add_events
    from events.detection.evaluation.follow import follow

    for key, events in desk.steady_past(asked["total"], asked["events"]).items():
        events.sort(key=lambda event: event.created_at)
        for start in range(0, len(events), PAGE):
            page = events[start : start + PAGE]
            add_events(desk.accounts[key], page, run=None, fetched_at=END + timedelta(days=1))
    return {"made": follow().made}


def do_follow(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """Evaluate all that came since, by all rules that ship."""
    from events.detection.evaluation.follow import follow

    began, busy = perf_counter(), process_time()
    done = follow()
    if done.problems:
        raise RuntimeError(f"rules failed: {done.problems}")
    ms, cpu = (perf_counter() - began) * 1000, (process_time() - busy) * 1000
    return {"ms": [ms], "cpu": cpu, "events": done.events, "made": done.made}


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
    serve({"settle": do_settle, "add": do_add, "follow": do_follow, "hunt": do_hunt}, DetectionDesk)
