"""All events to a webhook on this machine, beside the NDJSON export of the same events by the same process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from typing import Any
from urllib.request import urlopen

from tests.benchmarks import databases, servers
from tests.benchmarks.config import ROOT, Archive, rounds
from tests.benchmarks.figures import paired_ratio
from tests.benchmarks.partner import Partner


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    turns = rounds(3) if archive.events <= 1_000_000 else 1
    with (
        databases.scratch(archive, "streams") as copy,
        receiver() as address,
        Partner(copy, "streaming", STREAM_TARGETS="127.0.0.1") as partner,
    ):
        partner.ask("export")
        times: dict[str, list[dict[str, Any]]] = {"export": [], "raw": []}
        for _ in range(turns):
            times["export"].append(partner.ask("export"))
            times["raw"].append(to_webhook(partner, address, "raw", archive.events))
    rates = {kind: _rates(found, archive.events) for kind, found in times.items()}
    # Of formats that take longer, fewer events say as much.
    with (
        databases.scratch(small, "streams") as copy,
        receiver() as address,
        Partner(copy, "streaming", STREAM_TARGETS="127.0.0.1") as partner,
    ):
        for name in ("flat", "ecs", "ocsf"):
            rates[name] = _rates([to_webhook(partner, address, name, small.events)], small.events)
    return {
        "events": archive.events,
        "events/s": {kind: median(rate["seconds"]) for kind, rate in rates.items()},
        "events/s of CPU": {kind: median(rate["cpu"]) for kind, rate in rates.items()},
        "raw / export": paired_ratio(rates["raw"]["seconds"], rates["export"]["seconds"]),
        "raw / export, CPU": paired_ratio(rates["raw"]["cpu"], rates["export"]["cpu"]),
    }


def to_webhook(partner: Partner, address: str, form: str, events: int) -> dict[str, Any]:
    """Stream everything once, and see that all of it arrived."""
    before = _received(address)
    found = partner.ask("stream", address=f"{address}/hook", format=form)
    arrived = _received(address) - before
    if found["taken"] != events or arrived != events:
        raise RuntimeError(f"{form}: {found['taken']} of {events} events were taken, {arrived} arrived")
    return found


def _rates(found: list[dict[str, Any]], events: int) -> dict[str, list[float]]:
    return {name: [events / each[name] for each in found] for name in ("seconds", "cpu")}


def _received(address: str) -> int:
    with urlopen(address, timeout=10) as response:  # noqa: S310 - our own
        return int(response.read())


@contextlib.contextmanager
def receiver() -> Iterator[str]:
    """A receiver in a process of its own. Yields its address."""
    port = servers.free_port()
    command = [sys.executable, "-m", "tests.benchmarks.receiving", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        servers.wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        servers.end(process)
