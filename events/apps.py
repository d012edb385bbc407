from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_delete, pre_migrate
from django.utils.translation import gettext_lazy as _

from accounts.names import translate_names


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = _("Audit events")

    def ready(self) -> None:
        translate_names(self)
        pre_migrate.connect(_lift_triggers, sender=self)
        post_migrate.connect(_install_triggers, sender=self)
        post_migrate.connect(_prepare_queue, sender=self)
        pre_delete.connect(_forget_account, sender="accounts.NexmoAccount")


def _lift_triggers(using: str, plan: Any = None, **_: Any) -> None:
    """SQLite changes a table by copying it, and refuses while a trigger of another table speaks of it."""
    from django.db import connections

    from events.storage import triggers

    connection = connections[using]
    changing = {migration.app_label for migration, _ in plan or ()}
    if connection.vendor == "sqlite" and not changing.isdisjoint(("access", "events")):
        triggers.remove(connection)


def _forget_account(**values: Any) -> None:
    from events.detection.findings import removed_accounts

    removed_accounts.forget(**values)


def _prepare_queue(**_: Any) -> None:
    from events.operations import queue

    queue.prepare()


def _install_triggers(using: str, plan: Any = None, **_: Any) -> None:
    from django.db import connections

    from events.archive import listed_types
    from events.models import MonthCount
    from events.storage import search_index, triggers

    connection = connections[using]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if not all(table in tables for table in triggers.ALL):  # while migrating back
            return
        columns = {column.name for column in connection.introspection.get_table_description(cursor, search_index.TABLE)}
    triggers.install(connection)
    if MonthCount._meta.db_table in tables:
        listed_types.list_again()
    if "searchable" in columns:
        search_index.install(connection)
