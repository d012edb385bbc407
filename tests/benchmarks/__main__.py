"""`make bench`: make or complete the archives, measure section by section, write docs/benchmarks.md.

`python -m tests.benchmarks` does all of it; `python -m tests.benchmarks report` only writes the document again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.benchmarks import config, databases, results
from tests.benchmarks.config import POSTGRESQL, SQLITE, Archive
from tests.benchmarks.report import write_document

SECTIONS = ("pages", "peers", "search", "ingest", "sync", "export", "web", "sizes")
LONGEST = 3600  # seconds that one section may take


def main() -> int:
    if sys.argv[1:] == ["report"]:
        print(f"Wrote {write_document(config.events_asked())}")
        return 0
    wanted = [name for name in os.environ.get("BENCH_ONLY", "").replace(" ", "").split(",") if name] or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        raise SystemExit(
            f"BENCH_ONLY: there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}."
        )
    events = config.events_asked()
    engines = [SQLITE, *([POSTGRESQL] if config.server_url() else [])]
    chosen = [name for name in os.environ.get("BENCH_DATABASES", "").split(",") if name]
    bad = 0
    for engine in chosen or engines:
        archive, small = Archive(engine, events), Archive(engine, config.small_events())
        for each in {small, archive}:
            databases.ensure(each)
        for section in wanted:
            bad += not run(section, archive, small)
    path = write_document(events)
    print(f"\nWrote {path}:\n")
    print(path.read_text(encoding="utf-8").partition("\n## ")[0])
    return 1 if bad else 0


def run(section: str, archive: Archive, small: Archive) -> bool:
    """One section in a process of its own. Returns whether it came to an end."""
    print(f"{archive.engine}: {section} ...", flush=True)
    began = time.monotonic()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.benchmarks.section",
            section,
            archive.engine,
            str(archive.events),
            str(small.events),
        ],
        cwd=config.ROOT,
        env=config.environment(archive),
    )
    try:
        code = process.wait(LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    except KeyboardInterrupt:
        process.wait(60)  # it got the same Ctrl-C, and drops its copies
        raise
    took = time.monotonic() - began
    print(f"{archive.engine}: {section} {'took' if code == 0 else 'FAILED after'} {took:,.0f} s", flush=True)
    if code:
        entry = results.read(archive).get(section, {})
        results.keep(archive, section, entry | {"failed": f"exit code {code} after {took:,.0f} s"})
    return code == 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped. Archives and results so far are kept; the next run goes on from there.")
