"""Recounting what is counted of an account's events: rollups, first events, names of applications."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.db import connection

from events.models import AuditEvent, DayCount, MonthCount
from events.storage import application_names, first_seen

if TYPE_CHECKING:
    from accounts.models import NexmoAccount


def problem_of(account: NexmoAccount) -> str:
    """What differs, if anything: the counts by day and month are those of the events, the first events are the first,
    and the names the newest."""
    day = "(created_at AT TIME ZONE 'UTC')::date" if connection.vendor == "postgresql" else "date(created_at)"
    table = connection.ops.quote_name(AuditEvent._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {day}, event_type, COUNT(*) FROM {table} WHERE account_id = %s GROUP BY 1, 2",  # noqa: S608
            [account.pk],
        )
        days = {(str(day), event_type): count for day, event_type, count in cursor.fetchall()}
    months: Counter[tuple[str, str]] = Counter()
    for (start, event_type), count in days.items():
        months[f"{start[:7]}-01", event_type] += count
    for model, unit, real in ((DayCount, "day", days), (MonthCount, "month", months)):
        kept = model.objects.filter(account=account).exclude(count=0).values_list(unit, "event_type", "count")
        counted = {(str(start), event_type): count for start, event_type, count in kept}
        if wrong := sorted(counted.items() ^ real.items()):
            (start, event_type), _ = wrong[0]
            return (
                f"The count of {event_type or 'events without type'} for the {unit} of {start} says "
                f"{counted.get((start, event_type), 0):,}, but {real.get((start, event_type), 0):,} are there."
            )
    with connection.cursor() as cursor:
        cursor.execute(first_seen.from_events(), [account.pk])
        firsts = set(cursor.fetchall())
        cursor.execute(first_seen.NOTED, [account.pk])
        noted = set(cursor.fetchall())
    for _, _, user, country, _ in sorted(firsts ^ noted, key=str):
        return f"What is noted as the first event of {user} from {country} is not the first there is."
    if app := application_names.misnoted(account.pk):
        return f"What is noted as the name of application {app} is not what its newest event says."
    return ""
