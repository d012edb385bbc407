"""`make bench`: make or complete the archives, measure section by section, write docs/benchmarks.md.

`python -m tests.benchmarks` does all of it; `quick` the ratios alone on small archives; `report` only writes the
document again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.benchmarks import config, databases, history, results
from tests.benchmarks.config import POSTGRESQL, SQLITE, Archive
from tests.benchmarks.report import ratios, write_document

SECTIONS = (
    *("pages", "peers", "search", "findings", "ingest", "detection", "sync", "export", "streams", "api"),
    *("web", "sizes"),
)
LONGEST = 3600  # seconds that one section may take
# What `quick` asks for where the environment says nothing else.
QUICK = {
    "BENCH_EVENTS": "100000",
    "BENCH_ROUNDS": "20",
    "BENCH_ONLY": "pages,findings,ingest,sync,export,api",
    "BENCH_SYNC_PAGES": "10",
    "BENCH_XLSX_ROWS": "20000",
}


def main() -> int:
    if sys.argv[1:] == ["report"]:
        print(f"Wrote {write_document(config.events_asked())}")
        return 0
    quick = sys.argv[1:] == ["quick"]
    if quick:
        os.environ.update({name: os.environ.get(name) or value for name, value in QUICK.items()})
    elif sys.argv[1:]:
        raise SystemExit("There are quick and report; without either, everything is measured.")
    wanted = [name for name in os.environ.get("BENCH_ONLY", "").replace(" ", "").split(",") if name] or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        raise SystemExit(
            f"BENCH_ONLY: there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}."
        )
    events = config.events_asked()
    engines = [SQLITE, *([POSTGRESQL] if config.server_url() else [])]
    chosen = [name for name in os.environ.get("BENCH_DATABASES", "").split(",") if name]
    bad, found = 0, {}
    for engine in chosen or engines:
        archive, small = Archive(engine, events), Archive(engine, config.small_events())
        for each in {small, archive}:
            databases.ensure(each)
        done = [section for section in wanted if run(section, archive, small)]
        bad += len(wanted) - len(done)
        found[engine] = {name: entry for name, entry in results.read(archive).items() if name in done}
        if done and events >= history.LEAST_RECORDED:
            history.append(config.DOCUMENT, history.row(engine, events, found[engine]))
    path = write_document(events)
    print(f"\nWrote {path}:\n")
    print(ratios(found) if quick else path.read_text(encoding="utf-8").partition("\n## ")[0])
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
        sys.exit("\nStopped. Archives and results so far are kept; the next run continues from there.")
