"""Whether every event type that events carry is on the list from which filters offer types.

A filter such as `event_type=NUMBER_*` means the types on the list: events of a type that is not there are passed over.
"""

from __future__ import annotations

from django.db.models import Sum

from events.models import EventType, MonthCount
from events.nexmo.catalog import EVENT_TYPES


def unlisted() -> dict[str, int]:
    """Types of archived events that no list names, with the number of their events."""
    carried = MonthCount.objects.filter(count__gt=0).exclude(event_type="").order_by("event_type")
    counts = dict(carried.values("event_type").annotate(events=Sum("count")).values_list("event_type", "events"))
    for code in EventType.objects.values_list("code", flat=True):
        counts.pop(code, None)
    return {code: count for code, count in counts.items() if code not in EVENT_TYPES}


def list_again() -> None:
    """Put types back on the list that events carry."""
    EventType.objects.bulk_create([EventType(code=code) for code in unlisted()])


def problems() -> list[str]:
    return [
        f"The event type {code} of {count:,} event(s) is not on the list of event types, so that filters by group "
        "do not find them. `manage.py migrate` lists it again."
        for code, count in unlisted().items()
    ]
