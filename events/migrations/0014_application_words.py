from django.db import migrations, models

from events.fields import load_json
from events.nexmo.applications import application, words_of


def fill(apps, schema_editor):
    """The words of the names that are noted already, as the events tell them."""
    pk = 0
    with schema_editor.connection.cursor() as cursor:
        while pk is not None:
            cursor.execute(
                'SELECT n.id, e.context FROM events_applicationname n JOIN events_auditevent e ON e.id = n.event_id '
                'WHERE n.id > %s ORDER BY n.id LIMIT 1000',
                [pk],
            )
            rows = cursor.fetchall()
            cursor.executemany(
                'UPDATE events_applicationname SET words = %s WHERE id = %s',
                [(words_of(application(load_json(context))[1]), key) for key, context in rows],
            )
            pk = rows[-1][0] if rows else None


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_dismissed'),
        ('events', '0013_application_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='applicationname',
            name='words',
            field=models.TextField(db_default='', default='', help_text='Of the name, as searches compare them.'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='applicationname',
            index=models.Index(fields=['account', 'words', 'application_id'], name='application_words'),
        ),
    ]
