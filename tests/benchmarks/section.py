"""Runs one section and keeps what it found: SECTION ENGINE EVENTS SMALL."""

from __future__ import annotations

import importlib
import sys
import time
from datetime import UTC, datetime

from tests.benchmarks import machine, results
from tests.benchmarks.config import Archive


def main() -> None:
    name, engine, events, small = sys.argv[1:5]
    archive = Archive(engine, int(events))
    module = importlib.import_module(f"tests.benchmarks.sections.{name}")
    began = time.monotonic()
    found = module.measure(archive, Archive(engine, int(small)))
    results.keep(
        archive,
        name,
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began),
            "machine": machine.describe(archive),
            "found": found,
        },
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # copies are dropped, servers ended
