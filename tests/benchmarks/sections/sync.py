"""A first sync of 20 accounts of 50 pages each from the sandbox, every answer 150 ms away, without pacing."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime
from typing import Any

from tests.benchmarks import databases
from tests.benchmarks.config import ROOT, Archive, environment, number
from tests.benchmarks.figures import sync_ideal
from tests.benchmarks.partner import Partner
from tests.benchmarks.servers import sandbox, sandbox_state

LATENCY_MS = 150
PAGE = 100


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    pages, accounts = number("BENCH_SYNC_PAGES", 50), number("BENCH_SYNC_ACCOUNTS", 20)
    concurrency = number("BENCH_SYNC_CONCURRENCY", 4)  # the site's default
    with (
        sandbox(pages=pages, latency_ms=LATENCY_MS, accounts=accounts) as address,
        databases.empty(archive, "sync") as fresh,
    ):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "manage.py", "sync_events", f"--concurrency={concurrency}"]
            + [part for n in range(accounts) for part in ("--account", f"demo{n + 1:04d}")],
            cwd=ROOT,
            env=environment(fresh, NEXMO_AUDIT_URL=address, DJANGO_SETTINGS_MODULE="auditsite.settings"),
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - began
        if done.returncode:
            raise RuntimeError(f"sync_events ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        requests = int(sandbox_state(address)["requests"])
        with Partner(fresh) as site:
            sql = "SELECT MIN(started_at), MAX(finished_at), SUM(added), COUNT(*) FROM events_syncrun"
            ((first, last, added, runs),) = site.ask("sql", sql=sql)["rows"]
    seconds = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    ideal = sync_ideal([pages] * accounts, LATENCY_MS / 1000, concurrency)
    expected = accounts * (pages * PAGE - PAGE // 2)
    if int(added) != expected:
        raise RuntimeError(f"{added} of {expected} events were archived")
    return {
        "accounts": accounts,
        "pages": pages * accounts,
        "latency ms": LATENCY_MS,
        "concurrency": concurrency,
        "runs": int(runs),
        "events": int(added),
        "seconds": seconds,
        "with the start of the program": took,
        "ideal seconds": ideal,
        "ratio": seconds / ideal,
        "requests": requests,
        "requests / pages": requests / (pages * accounts),
    }
