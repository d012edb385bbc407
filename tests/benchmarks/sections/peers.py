"""Our page beside the admin lists of django-easy-audit and django-auditlog, over the same number of events."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import Any

from tests.benchmarks import databases, internals
from tests.benchmarks import vocabulary as words
from tests.benchmarks.config import ROOT, Archive, environment
from tests.benchmarks.partner import Partner
from tests.benchmarks.requests_made import listing
from tests.benchmarks.sections.pages import deep_path

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.peers.settings"}
PEERS = {
    "django-easy-audit": "/admin/easyaudit/crudevent/",
    "django-auditlog": "/admin/auditlog/logentry/",
}
ROUNDS = 3
LONGEST = 120.0  # seconds spent on one page of one package; at least one visit is always made
PAGE_ROWS = 50


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    peers = archive.of_kind("peers")
    fill(archive, peers)
    with Partner(archive) as site, Partner(peers, **SETTINGS) as other:
        number = archive.events // 2 // PAGE_ROWS
        ours = {
            "first page": "/events/",
            "deep page": deep_path(site, 0.5),
            "search": listing(search_text=words.MEDIUM),
        }
        theirs = {"first page": "", "deep page": f"?p={number}", "search": f"?q={words.MEDIUM}"}
        found: dict[str, Any] = {"page": number, "pages": {}}
        for page, path in ours.items():
            times: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                for way, headers in (("ours", internals.FRAGMENT_HEADERS), ("ours, whole page", {})):
                    times.setdefault(way, []).extend(site.visit(path, headers=headers, times=5)["ms"])
                for peer, address in PEERS.items():
                    if sum(times.get(peer, ())) < LONGEST * 1000:
                        times.setdefault(peer, []).append(_visit(other, address + theirs[page]))
            queries = {
                peer: other.ask("queries", path=address + theirs[page], user="bench-admin")["count"]
                for peer, address in PEERS.items()
                if page == "first page"
            }
            found["pages"][page] = {
                "ms": {name: median(row) for name, row in times.items()},
                "queries": queries,
                **{f"{peer} / ours": median(times[peer]) / median(times["ours"]) for peer in PEERS},
                **{f"{peer} / whole": median(times[peer]) / median(times["ours, whole page"]) for peer in PEERS},
            }
    return found


def _visit(other: Partner, path: str) -> float:
    """One visit, without another to warm up: these pages read the whole table anyway."""
    return float(other.visit(path, user="bench-admin", warm=0, times=1)["ms"][0])


def fill(archive: Archive, peers: Archive) -> None:
    """The packages' tables, made once and kept while they hold as many events as the archive."""
    if databases.is_complete(peers):
        return
    print(f"  filling the tables of {' and '.join(PEERS)} ...", flush=True)
    databases.drop(peers)
    databases.create(peers)
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.peers.fill", archive.url],
        cwd=ROOT,
        env=environment(peers, **SETTINGS),
        check=True,
    )
    databases.note_complete(peers)
    print(f"  took {time.monotonic() - began:,.0f} s", flush=True)
