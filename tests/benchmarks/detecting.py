"""The child process of a `Partner` that evaluates rules on a copy of the archive and says how long it took."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from tests.benchmarks.answering import serve
from tests.benchmarks.inserting import Desk
from tests.benchmarks.inserting import do_ours as add

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
    serve({"add": add, "follow": do_follow, "hunt": do_hunt}, Desk)
