"""Bytes per event: the table, each index, search and rollups, as the database itself counts them; and how long a
backup and the check of the whole archive take."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks import internals
from tests.benchmarks.config import KEPT, ROOT, SQLITE, Archive, environment
from tests.benchmarks.partner import Partner, PartnerFailed

_SQLITE = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
# Without dbstat: the whole file is all there is to know.
_SQLITE_WHOLE = "SELECT 'whole file', page_count * page_size FROM pragma_page_count, pragma_page_size"
_POSTGRESQL = """
    SELECT c.relname, pg_relation_size(c.oid) + COALESCE(pg_total_relation_size(NULLIF(c.reltoastrelid, 0)), 0)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i', 'm') ORDER BY 2 DESC
"""
SHOWN = 40


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    with Partner(archive) as site:
        if archive.engine == SQLITE:
            try:
                rows = site.ask("sql", sql=_SQLITE)["rows"]
            except PartnerFailed:  # compiled out
                rows = site.ask("sql", sql=_SQLITE_WHOLE)["rows"]
        else:
            rows = site.ask("sql", sql=_POSTGRESQL)["rows"]
        text = site.ask("sql", sql=f"SELECT AVG(LENGTH(raw)), AVG(LENGTH(context)) FROM {internals.EVENTS}")["rows"][0]
    sizes = {name: int(size) for name, size in rows}
    groups: dict[str, int] = {}
    for name, size in sizes.items():
        group = internals.group_of(name)
        groups[group] = groups.get(group, 0) + size
    return {
        "total": sum(sizes.values()),
        "per event": sum(sizes.values()) / archive.events,
        "groups": {name: size / archive.events for name, size in sorted(groups.items(), key=lambda each: -each[1])},
        "relations": {name: size / archive.events for name, size in list(sizes.items())[:SHOWN]},
        "characters": {"raw": float(text[0]), "context": float(text[1])},
        "backup": backup(archive),
        "verify seconds": manage(archive, "verify_archive"),
    }


def backup(archive: Archive) -> dict[str, Any]:
    """`manage.py backup`: seconds and bytes. Nothing where it has no pg_dump to call."""
    file = KEPT / "benchmark.backup"
    file.unlink(missing_ok=True)
    if archive.engine != SQLITE and not shutil.which("pg_dump"):
        return {}
    try:
        return {"seconds": manage(archive, "backup", str(file)), "bytes": file.stat().st_size}
    finally:
        file.unlink(missing_ok=True)


def manage(archive: Archive, *command: str) -> float:
    """Seconds that one of the site's commands takes."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment(archive, DJANGO_SETTINGS_MODULE="auditsite.settings"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - began
