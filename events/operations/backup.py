"""The whole database as one file, and back: through SQLite's own backup, or PostgreSQL's pg_dump and pg_restore.

Both read one state of the database however long they take and whatever a sync writes meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from events.operations.queue import TABLES as QUEUE_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    # Called now and then with how much is done, and of how much where that is known.
    Report = Callable[[int, int | None], None]

PAGES = 2_000  # of SQLite's, between two reports
SQLITE, POSTGRES = b"SQLite format 3\0", b"PGDMP"
# What a connection may be told in DATABASE_URL, and the variable in which PostgreSQL's own tools look for it.
_VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


class BackupError(Exception):
    """What went wrong, in a sentence for a person. Nothing was written then."""


def write(target: Path, report: Report) -> None:
    """Copy the database into a new file that only its owner can read. It takes its name when all of it is there."""
    with _named_at_the_end(target) as partial:
        if connection.vendor == "postgresql":
            # The queue holds only what the database says anyway, and is made again by `migrate`.
            options = ("--format=custom", "--no-comments", f"--exclude-table={QUEUE_TABLES}_*")
            _run("pg_dump", options, partial, report)
        else:
            with contextlib.closing(_open(Path(connection.settings_dict["NAME"]))) as source:
                _copy(source, partial, report)


def read(source: Path, report: Report) -> None:
    """Fill the database, which must be empty, from such a file."""
    _check_kind(source)
    _check_empty()
    if connection.vendor == "postgresql":
        _run("pg_restore", ("--single-transaction", "--exit-on-error"), source, report)
    else:
        target = Path(connection.settings_dict["NAME"])
        try:
            with contextlib.closing(_open(source)) as opened:
                trouble = opened.execute("PRAGMA quick_check(1)").fetchone()[0]
                if trouble != "ok":
                    raise BackupError(f"{source} is damaged: {trouble}.")
                _copy(opened, target, report)
        except sqlite3.Error as error:
            target.unlink(missing_ok=True)  # it was empty before
            raise BackupError(f"{source} cannot be read: {error}.") from None
        target.chmod(0o600)


def unknown_migrations() -> list[str]:
    """Migrations of the database that this version does not have: the backup is of a later one."""
    loader = MigrationLoader(None)
    ours = {app for app, _ in loader.disk_migrations}
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied if app in ours and (app, name) not in loader.disk_migrations)


# --- checks ---------------------------------------------------------------------------------------------------------


def _check_kind(source: Path) -> None:
    try:
        with source.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise BackupError(f"{source} cannot be read: {error.strerror}.") from None
    kinds = {"sqlite": SQLITE, "postgresql": POSTGRES}
    if start.startswith(kinds[connection.vendor]):
        return
    if start.startswith((SQLITE, POSTGRES)):
        raise BackupError(f"{source} is a backup of a different kind of database from the one that DATABASE_URL names.")
    raise BackupError(f"{source} is not a backup made by `manage.py backup`.")


def _check_empty() -> None:
    advice = "Restore into a new database: name it in DATABASE_URL."
    if connection.vendor == "sqlite":
        target = Path(connection.settings_dict["NAME"])
        beside = [Path(f"{target}{ending}") for ending in ("-wal", "-journal")]
        if not target.exists() and any(file.exists() for file in beside):
            raise BackupError(f"Beside {target.name} are files that an older database left behind. {advice}")
    tables = connection.introspection.table_names()
    connection.close()
    if tables:
        raise BackupError(f"The database is not empty: it has {len(tables)} tables. {advice}")


@contextlib.contextmanager
def _named_at_the_end(target: Path) -> Iterator[Path]:
    try:
        if target.exists() or target.is_symlink():
            raise BackupError(f"{target} already exists and is not overwritten. Name a new file.")
        # Made for its owner's eyes only.
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}.") from None
    os.close(descriptor)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        try:
            target.hardlink_to(partial)  # unlike a rename, it never replaces what came in between
        except FileExistsError:
            raise BackupError(f"{target} exists now and is not overwritten. Name a new file.") from None
        except OSError:  # a file system without links
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


# --- SQLite ---------------------------------------------------------------------------------------------------------


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)


def _copy(source: sqlite3.Connection, target: Path, report: Report) -> None:
    # Held open, this transaction shows one state to the end. Without it the copy begins again at each write of
    # another process, and beside a busy sync never ends.
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(copy, pages=PAGES, progress=lambda _, left, total: report(total - left, total))
        # One file, without a log beside it: it is carried elsewhere, perhaps onto something that cannot be written.
        copy.execute("PRAGMA journal_mode=DELETE")


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def _run(tool: str, options: tuple[str, ...], file: Path, report: Report) -> None:
    """Run one of PostgreSQL's tools on the database, from or into a file."""
    path = shutil.which(tool)
    if path is None:
        raise BackupError(
            f"{tool} is missing: it comes with PostgreSQL's client programs (Debian and Ubuntu: apt-get install "
            "postgresql-client) and must be at least as new as the server."
        )
    command = [path, "--no-owner", "--no-privileges", "--no-password", *options]
    command += [f"--file={file}"] if tool == "pg_dump" else [f"--dbname={_variables()['PGDATABASE']}", str(file)]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, env=_variables(), stdin=subprocess.DEVNULL, stderr=complaints) as process,  # noqa: S603
    ):
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                report(file.stat().st_size, None)
        except BaseException:
            process.terminate()
            raise
        complaints.seek(0)
        lines = complaints.read().decode(errors="replace").strip().splitlines()
    if process.returncode:
        # Its first complaint names the trouble; the following ones are what came of it.
        raise BackupError(f"{tool} failed: {lines[0] if lines else f'exit code {process.returncode}'}")


def _variables() -> dict[str, str]:
    """Where the database is, as environment: a command line is seen by everybody on the machine. No key goes along."""
    settings = connection.settings_dict
    values = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL")}
    values |= {name: value for name, value in os.environ.items() if name.startswith("PG")}
    values |= {
        f"PG{name}": str(settings[ours])
        for name, ours in (
            ("HOST", "HOST"),
            ("PORT", "PORT"),
            ("USER", "USER"),
            ("PASSWORD", "PASSWORD"),
            ("DATABASE", "NAME"),
        )
        if settings[ours]
    }
    options = settings.get("OPTIONS", {})
    return values | {_VARIABLES[name]: str(value) for name, value in options.items() if name in _VARIABLES}
