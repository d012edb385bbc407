"""Exports of all events through the real address under gunicorn: rate, memory and first byte, beside the raw driver."""

from __future__ import annotations

import contextlib
import time
from statistics import median
from typing import Any

from tests.benchmarks import internals
from tests.benchmarks.config import Archive, number, rounds
from tests.benchmarks.figures import paired_ratio
from tests.benchmarks.partner import Partner
from tests.benchmarks.requests_made import listing
from tests.benchmarks.servers import Watch, children, gunicorn
from tests.benchmarks.web import Download, Reader

USER = "bench-auditor"
BETWEEN = 0.3  # seconds between two exports that are broken off
XLSX_ROWS = 250_000  # a workbook of all of them takes minutes and shows nothing more


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    turns = rounds(3) if archive.events <= 1_000_000 else 1
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(Partner(archive))
        raw = stack.enter_context(Partner(archive, "exporting"))
        port, master = stack.enter_context(gunicorn(archive, workers=1, log="export.log"))
        (worker,) = children(master)
        reader = stack.enter_context(Reader(port, site.ask("session", user=USER)["cookie"]))
        warm_up(reader)
        found = {kind: compare(kind, archive, site, raw, reader, worker, turns) for kind in ("csv", "ndjson")}
        found["xlsx"] = workbook(archive, site, reader, worker)
        for kind in ("csv", "ndjson"):
            found[kind]["first byte ms"] = first_byte(port, site, kind)
    return found


def warm_up(reader: Reader) -> None:
    """What every worker has done before long: pages, and a short export of each kind."""
    for path in ("/events/", "/events/", "/accounts/"):
        reader.page(path)
    for kind in ("csv", "ndjson", "xlsx"):
        reader.download(f"/events/export.{kind}?source_country=MT")


def compare(
    kind: str, archive: Archive, site: Partner, raw: Partner, reader: Reader, worker: int, turns: int
) -> dict[str, Any]:
    """Ours over HTTP, ours within a process, and the driver alone, in turn."""
    path = f"/events/export.{kind}"
    rates: dict[str, list[float]] = {"over HTTP": [], "in process": [], "raw": []}
    if kind == "ndjson":
        rates["orm"] = []
    above, sizes = [], []
    for _ in range(turns):
        with Watch(worker) as watch:
            done = reader.download(path)
        _check(kind, done, archive.events + (kind == "csv"))
        above.append(watch.peak - watch.before)
        sizes.append(done.bytes)
        rates["over HTTP"].append(archive.events / done.seconds)
        rates["raw"].append(archive.events / raw.ask(kind)["seconds"])
        if kind == "ndjson":
            rates["orm"].append(archive.events / raw.ask("orm")["seconds"])
        rates["in process"].append(archive.events / site.ask("stream", path=path, user=USER)["seconds"])
    return {
        "rows": archive.events,
        "bytes": sizes[-1],
        "rows/s": {name: median(row) for name, row in rates.items()},
        **{
            f"over HTTP / {bare}": paired_ratio(rates["over HTTP"], rates[bare])
            for bare in rates
            if bare != "over HTTP"
        },
        **{
            f"in process / {bare}": paired_ratio(rates["in process"], rates[bare])
            for bare in ("raw", "orm")
            if bare in rates
        },
        "MB above idle": max(above),
        "idle MB": watch.before,
    }


def _check(kind: str, done: Download, lines: int) -> None:
    # A line break within a cell of CSV adds a line; a missing row takes one away.
    if done.status != 200 or done.lines < lines or (kind == "ndjson" and done.lines != lines):
        raise RuntimeError(f"{kind}: status {done.status}, {done.lines} lines where {lines} were due")


def workbook(archive: Archive, site: Partner, reader: Reader, worker: int) -> dict[str, Any]:
    """The newest rows as a workbook."""
    rows = min(archive.events, number("BENCH_XLSX_ROWS", XLSX_ROWS))
    sql = f"SELECT created_at FROM {internals.EVENTS} ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET {rows - 1}"
    ((since,),) = site.ask("sql", sql=sql)["rows"]
    path = listing(date_from=since[:19].replace(" ", "T") + "Z").replace("/events/", "/events/export.xlsx")
    with Watch(worker) as watch:
        done = reader.download(path)
    if done.status != 200:
        raise RuntimeError(f"xlsx: status {done.status}")
    return {
        "rows": rows,
        "bytes": done.bytes,
        "rows/s": {"over HTTP": rows / done.seconds},
        "MB above idle": watch.peak - watch.before,
        "idle MB": watch.before,
        "first byte ms": done.first_byte * 1000,
    }


def first_byte(port: int, site: Partner, kind: str) -> float:
    """Milliseconds until the first byte of the body of an export of everything."""
    cookie = site.ask("session", user=USER)["cookie"]
    times = []
    for _ in range(9):
        with Reader(port, cookie) as reader:
            begun = reader.download(f"/events/export.{kind}", enough=1)
        if begun.status != 200:
            raise RuntimeError(f"{kind}: status {begun.status}")
        times.append(begun.first_byte * 1000)
        # The server notices that the reader is gone when it sends the next piece; until then it holds a place.
        time.sleep(BETWEEN)
    return median(times)
