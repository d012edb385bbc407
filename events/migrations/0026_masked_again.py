from django.db import migrations, transaction

from events.masking import shown
from events.nexmo.applications import application, words_of
from events.storage import search_index, triggers

BATCH = 200  # events may be long


def mask(apps, schema_editor):
    """Take what is sensitive by the rules of now out of the texts that searches look in and out of the index of
    applications' names. The events themselves stay as they are.

    Batch by batch, each with a transaction of its own: run again after it was interrupted, it finds the rest.
    """
    connection = schema_editor.connection
    pk = 0
    while pk is not None:
        pk = _mask_texts(connection, pk)
    pk = 0
    while pk is not None:
        pk = _mask_names(connection, pk)


def _mask_texts(connection, pk):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, raw, searchable FROM events_auditevent WHERE id > %s ORDER BY id LIMIT %s", [pk, BATCH]
        )
        rows = cursor.fetchall()
    texts = [(key, search_index.searchable_text(raw), searchable) for key, raw, searchable in rows]
    if changed := [(key, text) for key, text, searchable in texts if text != searchable]:
        with transaction.atomic(using=connection.alias):
            triggers.remove(connection)  # made again after migrating
            search_index.replace_texts(connection, changed)
    return rows[-1][0] if rows else None


def _mask_names(connection, pk):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.id, e.context, n.words FROM events_applicationname n JOIN events_auditevent e ON e.id = n.event_id "
            "WHERE n.id > %s ORDER BY n.id LIMIT %s",
            [pk, BATCH],
        )
        rows = cursor.fetchall()
        named = [(words_of(application(shown(context))[1]), key, words) for key, context, words in rows]
        cursor.executemany(
            "UPDATE events_applicationname SET words = %s WHERE id = %s",
            [(now, key) for now, key, before in named if now != before],
        )
    return rows[-1][0] if rows else None


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("events", "0025_stream_of_the_access_log")]

    operations = [migrations.RunPython(mask, migrations.RunPython.noop)]
