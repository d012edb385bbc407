"""The sandbox in a process of its own, with the benchmark's events: PORT ACCOUNTS PAGES LATENCY_MS, until SIGTERM.

It knows nothing of Django, as the sandbox itself does not.
"""

from __future__ import annotations

import signal
import sys
from threading import Event

from events.sandbox import Sandbox
from tests.benchmarks.generator import Story
from tests.benchmarks.vocabulary import api_key

PAGE = 100


def main() -> None:
    port, accounts, pages, latency_ms = (int(text) for text in sys.argv[1:5])
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    sandbox = Sandbox(accounts=accounts, events=0, port=port)
    wanted = pages * PAGE - PAGE // 2  # the last page is half full, as it usually is
    story = Story(wanted)
    for number in range(accounts):
        key = api_key(number)
        # Ids of their own for each account, and none that the archive holds.
        events = [story.event(n) | {"id": f"{key}-{n:08d}", "account_id": key} for n in range(wanted)]
        sandbox.add_events(key, events)
    sandbox.latency_ms = latency_ms
    with sandbox:
        stopped.wait()


if __name__ == "__main__":
    main()
