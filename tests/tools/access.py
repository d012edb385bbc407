"""Reading and filling the access log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import time_machine

from accounts.access import record
from accounts.access.models import AccessEntry
from accounts.access.words import Action, Kind, Via


def told(after: int = 0) -> list[tuple[str, str, str]]:
    """Who did what to what, in the order of writing."""
    rows = AccessEntry.objects.filter(pk__gt=after).order_by("pk")
    return [(entry.person, entry.action, entry.kind) for entry in rows]


def last() -> AccessEntry:
    """The newest entry."""
    entry: AccessEntry = AccessEntry.objects.order_by("-pk")[0]
    return entry


def add(*, at: datetime | None = None, awaits_disk: bool = True, **values: Any) -> AccessEntry:
    """Write an entry, by default that alice read a list of events; `at`: then."""
    usual = {"action": Action.LISTED, "kind": Kind.EVENT, "via": Via.SESSION, "person": "alice"}
    entry = record.Entry(**(usual | values))
    if at is None:
        record.add(entry, awaits_disk=awaits_disk)
    else:
        with time_machine.travel(at, tick=False):
            record.add(entry, awaits_disk=awaits_disk)
    return last()
