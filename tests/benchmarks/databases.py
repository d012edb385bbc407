"""Making, keeping, copying and dropping the databases of the benchmark."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.config import KEPT, POSTGRESQL, ROOT, SQLITE, Archive, environment, server_url
from tests.benchmarks.generator import Story


def ensure(archive: Archive) -> None:
    """See to it that the archive is there and holds its events; what is there already is used again."""
    KEPT.mkdir(parents=True, exist_ok=True)
    if not _is_ours(archive):
        drop(archive)
    create(archive)
    print(f"{archive.engine}: archive of {archive.events:,} events", flush=True)
    _fill(archive, archive.events)


def _fill(archive: Archive, events: int) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.fill", str(events)], cwd=ROOT, env=environment(archive), check=True
    )


def create(archive: Archive) -> None:
    """An empty database where there is none, and the note of what it is made of."""
    if archive.engine == POSTGRESQL and not _exists(archive):
        with _server() as server:
            server.execute(f'CREATE DATABASE "{archive.name}"')
    _note(archive).write_text(json.dumps({"events": _fingerprint(archive)}), encoding="utf-8")


def note_complete(archive: Archive) -> None:
    """Note that a database holds all it is to hold; the site's own archive says so itself."""
    _note(archive).write_text(json.dumps({"events": _fingerprint(archive), "complete": True}), encoding="utf-8")


def is_complete(archive: Archive) -> bool:
    """Whether that was noted, for the events as they are generated now."""
    return _is_ours(archive) and bool(json.loads(_note(archive).read_text(encoding="utf-8")).get("complete"))


def drop(archive: Archive) -> None:
    """Remove the database, if it is there."""
    _note(archive).unlink(missing_ok=True)
    if archive.engine == SQLITE:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{archive.file}{suffix}").unlink(missing_ok=True)
    else:
        with _server() as server:
            server.execute(f'DROP DATABASE IF EXISTS "{archive.name}" WITH (FORCE)')


@contextlib.contextmanager
def scratch(archive: Archive, kind: str) -> Iterator[Archive]:
    """A copy to write to: the kept archive is append-only and must stay as it is. Dropped afterwards."""
    copy = archive.of_kind(kind)
    drop(copy)
    try:
        if archive.engine == SQLITE:
            with contextlib.closing(sqlite3.connect(archive.file)) as kept:
                kept.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # now the file alone is the database
            shutil.copyfile(archive.file, copy.file)
        else:
            with _server() as server:
                server.execute(f'CREATE DATABASE "{copy.name}" TEMPLATE "{archive.name}" STRATEGY FILE_COPY')
        yield copy
    finally:
        drop(copy)


@contextlib.contextmanager
def empty(archive: Archive, kind: str) -> Iterator[Archive]:
    """A database of its own with people and accounts, but no events. Dropped afterwards."""
    fresh = archive.of_kind(kind)
    drop(fresh)
    try:
        create(fresh)
        _fill(fresh, 0)
        yield fresh
    finally:
        drop(fresh)


def _exists(archive: Archive) -> bool:
    if archive.engine == SQLITE:
        return archive.file.exists()
    with _server() as server:
        return bool(server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (archive.name,)).fetchone())


def _note(archive: Archive) -> Path:
    return KEPT / f"{archive.engine}-{archive.name}.json"


def _fingerprint(archive: Archive) -> str:
    """Changes when the generated events do."""
    story = Story(archive.events)
    sample = "".join(story.raw(number * archive.events // 50) for number in range(50))
    return hashlib.sha256(sample.encode()).hexdigest()


def _is_ours(archive: Archive) -> bool:
    """Whether what is kept was made from the events as they are generated now."""
    if not _exists(archive):
        return False
    try:
        return bool(json.loads(_note(archive).read_text(encoding="utf-8"))["events"] == _fingerprint(archive))
    except (FileNotFoundError, ValueError, KeyError):
        return False


@contextlib.contextmanager
def _server() -> Iterator[Any]:
    import psycopg

    with psycopg.connect(server_url().replace("psql://", "postgresql://", 1), autocommit=True) as connection:
        yield connection
