"""Programs that read events by API: a page against its floor, and walks by page number against walks by cursor."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.benchmarks import databases
from tests.benchmarks.config import ROOT, Archive, environment, visits

WALKED = 100_000


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    events = min(WALKED, archive.events) if visits() > 1 else small.events
    with databases.scratch(archive, "api") as copy:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.programs", str(events)],
            cwd=ROOT,
            env=environment(copy, API_REQUESTS_PER_MINUTE="1000000"),
            check=True,
            stdout=subprocess.PIPE,
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
