"""The site under gunicorn: memory of a worker, and analysts at work while a sync and an export run."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from random import Random
from typing import Any

from tests.benchmarks import analysts, databases
from tests.benchmarks.config import KEPT, ROOT, Archive, environment, number
from tests.benchmarks.partner import Partner
from tests.benchmarks.sections.streams import receiver
from tests.benchmarks.servers import children, gunicorn, memory, sandbox
from tests.benchmarks.web import Reader

USER = "bench-auditor"
PAGES = 200
ANALYSTS = 8
STREAMED = ("raw", "ocsf")  # two streams at once: the quickest format, and one that takes more of the processor
LATENCY_MS = 150


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    return {"memory": worker_memory(archive), "load": load(archive)}


def worker_memory(archive: Archive) -> dict[str, Any]:
    """One worker, 200 assorted pages, one thread after the other as gunicorn hands them out."""
    rng = Random(4)
    with Partner(archive) as site, gunicorn(archive, workers=1, log="memory.log") as (port, master):
        (worker,) = children(master)
        began = memory(worker)
        with Reader(port, site.ask("session", user=USER)["cookie"]) as reader:
            path, body, bad = "/events/", "", 0
            for _ in range(PAGES):
                path = analysts.next_path(rng, path, body)
                status, _, content = reader.page(path)
                body, bad = content.decode(errors="replace"), bad + (status != 200)
        return {"pages": PAGES, "MB": memory(worker), "MB at the start": began, "failed": bad}


def load(archive: Archive) -> dict[str, Any]:
    """Two workers, eight analysts, a sync of every account and an export of everything, on a copy; then two streams."""
    seconds = number("BENCH_LOAD_SECONDS", 30)
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(sandbox(pages=number("BENCH_SYNC_PAGES", 50), latency_ms=LATENCY_MS))
        copy = stack.enter_context(databases.scratch(archive, "load"))
        with Partner(copy, "inserting") as desk:
            desk.ask("ready")
        site = stack.enter_context(Partner(copy))
        cookie = site.ask("session", user=USER)["cookie"]
        port, _ = stack.enter_context(gunicorn(copy, workers=2, log="load.log"))
        with Reader(port, cookie) as reader:
            for _ in range(8):
                reader.page("/events/")
        quiet = analysts.work(port, cookie, count=ANALYSTS, pause=0, seconds=seconds / 3)
        stop = threading.Event()
        exports: list[int] = []
        exporter = threading.Thread(target=_export, args=(port, cookie, stop, exports), daemon=True)
        with (KEPT / "load-sync.log").open("w", encoding="utf-8") as output:
            sync = subprocess.Popen(
                [sys.executable, "manage.py", "sync_events"],
                cwd=ROOT,
                env=environment(copy, NEXMO_AUDIT_URL=address, DJANGO_SETTINGS_MODULE="auditsite.settings"),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                exporter.start()
                hurried = analysts.work(port, cookie, count=ANALYSTS, pause=0, seconds=seconds)
                lasted = sync.poll() is None
                calm = analysts.work(port, cookie, count=ANALYSTS, pause=0.5, seconds=seconds)
                ended = sync.poll()
            finally:
                stop.set()
                sync.terminate()
                sync.wait(60)
                exporter.join(60)
        beside, streamed = _beside_streams(copy, port, cookie, seconds)
        ((added,),) = site.ask("sql", sql="SELECT COALESCE(SUM(added), 0) FROM events_syncrun")["rows"]
    return {
        "without sync and export": quiet,
        "without a pause": hurried,
        "with pauses": calm,
        "beside two streams": beside,
        "events streamed meanwhile": streamed,
        "sync ran throughout the first": lasted,
        "sync ended with": ended,  # None: it was still at it
        "events added meanwhile": int(added),
        "rows exported meanwhile": sum(exports),
        "locked": sum(_locked(name) for name in ("load.log", "load-sync.log")),
    }


def _beside_streams(copy: Archive, port: int, cookie: str, seconds: float) -> tuple[dict[str, Any], int]:
    """The analysts while two streams send everything, and how many events were taken meanwhile."""
    taken: list[int] = []
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(receiver())
        partners = [
            stack.enter_context(Partner(copy, "streaming", STREAM_TARGETS="127.0.0.1")) for _ in range(len(STREAMED))
        ]

        def stream(partner: Partner, form: str) -> None:
            left = seconds
            while left > 0:  # from the first event on again, where all were taken
                found = partner.ask("stream", address=f"{address}/hook", format=form, at_most=left)
                taken.append(found["taken"])
                left -= found["seconds"]

        threads = [
            threading.Thread(target=stream, args=each, daemon=True) for each in zip(partners, STREAMED, strict=True)
        ]
        for thread in threads:
            thread.start()
        found = analysts.work(port, cookie, count=ANALYSTS, pause=0.5, seconds=seconds)
        for thread in threads:
            thread.join(120)
    return found, sum(taken)


def _export(port: int, cookie: str, stop: threading.Event, rows: list[int]) -> None:
    """One export of everything after the other."""
    while not stop.is_set():
        with Reader(port, cookie, timeout=60) as reader, contextlib.suppress(OSError):
            rows.append(reader.download("/events/export.csv", stop=stop).lines)


def _locked(name: str) -> int:
    return (KEPT / name).read_text(encoding="utf-8", errors="replace").lower().count("database is locked")
