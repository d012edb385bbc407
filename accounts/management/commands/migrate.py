"""Django's own `manage.py migrate`: what it changed is told in the access log, where there is one by then."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from accounts.access.command import tell
from accounts.access.models import AccessEntry
from accounts.access.words import Action, Kind

logger = logging.getLogger(__name__)


class Command(migrate.Command):
    """One entry, at the end: the log itself may be what is changed. None where nothing was, or of the first tables of a
    new database."""

    def execute(self, *args: Any, **options: Any) -> Any:
        if options.get("database", DEFAULT_DB_ALIAS) != DEFAULT_DB_ALIAS:
            return super().execute(*args, **options)
        before, done = _applied(), False
        try:
            said = super().execute(*args, **options)
            done = True
        finally:
            after = _applied() if before else set()
            if before != after and before and _has_log():
                detail: dict[str, Any] = {"state": "ended", "ok": done}
                detail |= {"applied": sorted(after - before)} if after - before else {}
                detail |= {"taken_back": sorted(before - after)} if before - after else {}
                try:
                    tell(self, Action.RAN, Kind.ARCHIVE, **detail)
                except DatabaseError:
                    logger.exception("What was migrated could not be written into the access log")
        return said


def _applied() -> set[str]:
    """The migrations that the database has."""
    return {f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()}


def _has_log() -> bool:
    return AccessEntry._meta.db_table in connection.introspection.table_names()
