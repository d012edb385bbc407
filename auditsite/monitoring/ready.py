"""Whether this site can be used: for load balancers, which send nobody to a machine that says no."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from events.operations import tasks


@dataclass(frozen=True)
class Line:
    """One thing that must be well. `words` name no host, user or path: everybody may read them."""

    what: str
    good: bool
    words: str

    def __str__(self) -> str:
        return f"{self.what}: {self.words}"


def check() -> list[Line]:
    """Database, migrations and worker, in this order; where the database is away, the others cannot be known."""
    try:
        applied = set(MigrationRecorder(connection).applied_migrations())
    except DatabaseError:
        return [
            Line("database", False, "cannot be reached. Check that it runs, and DATABASE_URL."),
            Line("migrations", False, "unknown without the database."),
            Line("worker", False, "unknown without the database."),
        ]
    missing = len(_known_migrations() - applied)
    return [
        Line("database", True, "ok"),
        Line("migrations", not missing, f"{missing} to apply. Run `manage.py migrate`." if missing else "ok"),
        _worker(),
    ]


def _worker() -> Line:
    try:
        seen = tasks.worker_last_seen()
    except DatabaseError:  # a table that is not there yet
        return Line("worker", False, "unknown before the migrations.")
    now = timezone.now()
    ago = max(0, int((now - seen.at).total_seconds())) if seen.at else None
    if ago is not None and ago <= tasks.ALIVE_WITHIN.total_seconds():
        return Line("worker", True, f"ok, seen {ago} s ago")
    if seen.ahead:
        ahead = int((seen.ahead - now).total_seconds())
        return Line(
            "worker", False, f"seen {ahead} s in the future. Set the clocks right (NTP), then restart the worker."
        )
    if ago is None:
        return Line("worker", False, "never seen. Start one with `manage.py worker`.")
    return Line("worker", False, f"last seen {ago} s ago. Start one with `manage.py worker`, or look at its log.")


@cache  # they are files of this program: reading them takes longer than everything else here
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)
