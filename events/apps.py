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

    from events import triggers

    connection = connections[using]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    if all(table in tables for table in triggers.ALL):  # not while migrating back
        triggers.install(connection)
