"""What the figures were measured on: cores, memory and versions. No name, no path: the document is public."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.config import POSTGRESQL, ROOT, Archive, server_url

PACKAGES = ("Django", "django-tables2", "django-filter", "django-easy-audit", "django-auditlog", "gunicorn")


def describe(archive: Archive) -> dict[str, str]:
    meminfo = Path("/proc/meminfo").read_text(encoding="ascii").split()
    found = {
        "cores": str(os.cpu_count()),
        "memory": f"{int(meminfo[meminfo.index('MemTotal:') + 1]) * 1024 / 2**30:.0f} GiB",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: found for name in PACKAGES if (found := _version(name))},
        "commit": _commit(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }
    if archive.engine == POSTGRESQL:
        import psycopg

        with psycopg.connect(server_url()) as connection:
            found["PostgreSQL"] = str(connection.info.server_version // 10_000)
            for name in ("shared_buffers", "work_mem", "synchronous_commit", "fsync"):
                row = connection.execute(f"SHOW {name}").fetchone()
                found[name] = str(row[0]) if row else ""
        found["psycopg"] = version("psycopg")
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""  # the packages of the benchmark itself are not installed everywhere


def _commit() -> str:
    """The commit, "-dirty" behind it if anything but the document that the benchmark itself writes was changed."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks.md")
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")
