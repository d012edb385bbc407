"""What is asked for (environment), and where things are kept (var/bench/)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = Path(os.environ.get("BENCH_DIRECTORY") or ROOT / "var" / "bench")
DOCUMENT = ROOT / "docs" / "benchmarks.md"
# Runs with fewer events are for trying out: they leave the document alone.
LEAST_DOCUMENTED = 1_000_000
SQLITE, POSTGRESQL = "sqlite", "postgresql"


@dataclass(frozen=True)
class Archive:
    """One archive of a given size on one of the databases. `kind` is "" for the site's own, else whose it is."""

    engine: str
    events: int
    kind: str = ""

    @property
    def name(self) -> str:
        return "_".join(part for part in ("auditsite_bench", self.kind, str(self.events)) if part)

    @property
    def file(self) -> Path:
        """The SQLite file; meaningless on PostgreSQL."""
        return KEPT / f"{self.name}.sqlite3"

    @property
    def url(self) -> str:
        """What DATABASE_URL has to be."""
        return f"sqlite:///{self.file}" if self.engine == SQLITE else database_url(server_url(), self.name)

    def of_kind(self, kind: str) -> Archive:
        return Archive(self.engine, self.events, kind)


def database_url(server: str, name: str) -> str:
    """The address of another database on the same server."""
    parts = urlsplit(server)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def server_url() -> str:
    """The PostgreSQL server to use: DATABASE_URL as `make bench` was given it. Empty without one."""
    url = os.environ.get("BENCH_SERVER_URL") or os.environ.get("DATABASE_URL", "")
    return url if url.startswith(("postgres://", "postgresql://", "psql://", "pgsql://")) else ""


def number(name: str, default: int) -> int:
    """A whole number from the environment; `1_000_000` and `1,000,000` are numbers too."""
    text = re.sub(r"[_,]", "", os.environ.get(name, "")) or str(default)
    if not text.isdigit() or not int(text):
        raise SystemExit(f"{name} must be a whole number, not {text!r}.")
    return int(text)


def events_asked() -> int:
    return number("BENCH_EVENTS", 1_000_000)


def small_events() -> int:
    """The size of the archive that the large one is compared with, for flatness."""
    return number("BENCH_SMALL", 10_000)


def rounds(usual: int) -> int:
    """How many rounds a comparison takes: BENCH_ROUNDS, in percent of the usual number, for quick trials."""
    return max(1, usual * number("BENCH_ROUNDS", 100) // 100)


def visits() -> int:
    """How often a page is visited in each round: once in trials that only show that everything works."""
    return 3 if number("BENCH_ROUNDS", 100) >= 10 else 1


def environment(archive: Archive, **more: str) -> dict[str, str]:
    """The environment of a process of the site on an archive: nothing of the developer's own `.env` or keys."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR")}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("BENCH_")}
    return kept | {
        "BENCH_SERVER_URL": server_url(),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "ENV_FILE": os.devnull,
        "DATABASE_URL": archive.url,
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        # Fixed, and of use to nobody: they open nothing but the made-up secrets of made-up accounts.
        "SECRET_KEY": "only-for-the-benchmark-0123456789-abcdefghijklmnopqrstuvwxyz",
        "CREDENTIAL_KEYS": "YmVuY2htYXJrLW9ubHktYmVuY2htYXJrLW9ubHktMTI=",
        "QUEUE_URL": f"sqlite:///{KEPT / 'queue.sqlite3'}",
        "NEXMO_AUDIT_URL": "http://127.0.0.1:9/beta/audit",  # nobody answers: a section says where to go
        "NEXMO_REQUESTS_PER_SECOND": "0",
        "LOG_LEVEL": "WARNING",
        "REAUTHENTICATE_ROWS": "1000000000",  # exports of everything: nobody is there to confirm who they are
        **more,
    }
