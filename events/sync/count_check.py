"""What the periodic full check compares: the archive's numbers of events with Nexmo's, by spans of days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from events.archive.add import note
from events.models import AuditEvent, CoveredSpan, Discrepancy
from events.nexmo.ids import id_key, kept_id
from events.nexmo.parse import id_as_sent
from events.sync.coverage import Window
from events.sync.limits import CHECK_DAYS

if TYPE_CHECKING:
    from accounts.models import NexmoAccount
    from events.models import SyncRun
    from events.sync.walk import Walk


def windows_to_check(account: NexmoAccount, *, send_dates: bool) -> list[Window]:
    """What is covered, in spans of CHECK_DAYS, newest first; the oldest has an open beginning."""
    if not send_dates:
        return [Window(None, None)]
    events = AuditEvent.objects.filter(account=account)
    oldest = events.order_by("created_at", "pk").values_list("created_at", flat=True).first()
    span = CoveredSpan.objects.filter(account=account).order_by("-end").first()
    if oldest is None or span is None:
        return [Window(None, None)]
    begin = max(oldest, span.start) if span.start else oldest
    last: date | None = None
    first = timezone.now().date() - timedelta(days=CHECK_DAYS - 1)
    windows = []
    while first > begin.date():
        windows.append(Window(first, last))
        last = first - timedelta(days=1)
        first = last - timedelta(days=CHECK_DAYS - 1)
    return [*windows, Window(span.start.date() if span.start else None, last)]


def archived_count(account: NexmoAccount, walk: Walk) -> int:
    """How many events the archive holds in what a walk asks for, but for those known to be gone at Nexmo.

    Where Nexmo's reading of dates differs from ours, so does the count at the edges; that costs a reading.
    """
    start, end = walk.dates()
    events = AuditEvent.objects.filter(account=account)
    if start:
        events = events.filter(created_at__gte=start)
    if end:
        events = events.filter(created_at__lte=end)
    gone = Discrepancy.objects.standing().filter(account=account, kind=Discrepancy.Kind.VANISHED)
    return int(events.exclude(pk__in=gone.values("event")).count())


def note_vanished(account: NexmoAccount, walk: Walk, run: SyncRun) -> None:
    """Mark the archived events of a window that a walk verified without meeting them."""
    start, end = walk.window.span(walk.asked_at)
    events = AuditEvent.objects.filter(account=account, created_at__lt=end)
    if start:
        events = events.filter(created_at__gte=start)
    for event in events.only("event_id_key", "account_id").iterator():
        # An older version may have cut its id short.
        if not walk.has(event.event_id_key) and not walk.has(id_key(kept_id(id_as_sent(event.raw)))):
            note(event, Discrepancy.Kind.VANISHED, run, timezone.now())
