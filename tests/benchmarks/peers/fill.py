"""Copies the archive's events into the tables of both packages by SQL: ARCHIVE_URL, in a process of their site."""

from __future__ import annotations

import sys
from typing import Any

import django

from tests.benchmarks.internals import EVENTS

# Both packages keep the changed values as JSON and the whole object as text, which is where their search looks.
_EASY = """
    INSERT INTO easyaudit_crudevent
        (event_type, object_id, content_type_id, object_repr, object_json_repr, changed_fields, user_id,
         user_pk_as_string, datetime)
    SELECT 1 + e.id % 3, e.event_id, (SELECT MIN(id) FROM django_content_type) + e.id % 4, e.event_type_description,
           e.raw, COALESCE(e.context, ''), u.id, COALESCE(CAST(u.id AS varchar(20)), ''), e.created_at
    FROM {source} e LEFT JOIN auth_user u ON u.username = e.user_email ORDER BY e.id
"""
_AUDITLOG = """
    INSERT INTO auditlog_logentry
        (content_type_id, object_pk, object_repr, action, changes_text, changes, actor_id, remote_addr, timestamp,
         actor_email)
    SELECT (SELECT MIN(id) FROM django_content_type) + e.id % 4, e.event_id, e.event_type_description, e.id % 3, '',
           {changes}, u.id, {address}, e.created_at, e.user_email
    FROM {source} e LEFT JOIN auth_user u ON u.username = e.user_email ORDER BY e.id
"""
_COLUMNS = "id, event_id, event_type_description, raw, context, user_email, source_ip, created_at"


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    get_user_model().objects.get_or_create(username="bench-admin", is_superuser=True, is_staff=True)
    (_sqlite if connection.vendor == "sqlite" else _postgresql)(connection, sys.argv[1])


def _add_people(cursor: Any, source: str) -> None:
    cursor.execute(
        f"""INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email,
                                   date_joined)
            SELECT DISTINCT user_email, '', FALSE, FALSE, TRUE, '', '', user_email, CURRENT_TIMESTAMP
            FROM {source} WHERE user_email <> '' AND user_email NOT IN (SELECT username FROM auth_user)"""
    )


def _sqlite(connection: Any, archive: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ATTACH %s AS site", [archive.removeprefix("sqlite:///")])
        source = f"site.{EVENTS}"
        _add_people(cursor, source)
        cursor.execute(_EASY.format(source=source))
        cursor.execute(
            _AUDITLOG.format(
                source=source, changes="json_object('event', json_array('', e.raw))", address="e.source_ip"
            )
        )
        cursor.execute("ANALYZE")
        cursor.execute("DETACH site")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _postgresql(connection: Any, archive: str) -> None:
    import psycopg

    with connection.cursor() as cursor, psycopg.connect(archive.replace("psql://", "postgresql://", 1)) as site:
        cursor.execute(
            "CREATE TEMP TABLE staged (id bigint, event_id text, event_type_description text, raw text, context text, "
            "user_email text, source_ip text, created_at timestamptz)"
        )
        with (
            site.cursor().copy(f"COPY (SELECT {_COLUMNS} FROM {EVENTS}) TO STDOUT") as out,
            cursor.connection.cursor().copy("COPY staged FROM STDIN") as into,
        ):
            for block in out:
                into.write(block)
        cursor.execute("ANALYZE staged")
        _add_people(cursor, "staged")
        cursor.execute(_EASY.format(source="staged"))
        cursor.execute(
            _AUDITLOG.format(
                source="staged",
                changes="jsonb_build_object('event', jsonb_build_array('', e.raw))",
                address="CAST(e.source_ip AS inet)",
            )
        )
        cursor.execute("DROP TABLE staged")
        cursor.execute("VACUUM (ANALYZE)")


if __name__ == "__main__":
    main()
