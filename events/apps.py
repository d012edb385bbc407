from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = "Audit events"

    def ready(self) -> None:
        post_migrate.connect(_install_triggers, sender=self)
        post_migrate.connect(_prepare_queue, sender=self)


def _prepare_queue(**_: Any) -> None:
    from events import queue

    queue.prepare()


def _install_triggers(using: str, plan: Any = None, **_: Any) -> None:
    from django.db import connections

    from events import search, triggers

    connection = connections[using]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if not all(table in tables for table in triggers.ALL):  # while migrating back
            return
        columns = {column.name for column in connection.introspection.get_table_description(cursor, search.TABLE)}
    triggers.install(connection)
    if "searchable" in columns:
        search.install(connection)
