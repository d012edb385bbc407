"""Asking Nexmo about one archived event: is it still there, and the same?

That it is gone is the gravest answer, and a 404 alone does not prove it: the address may be wrong. An event counts as
gone only when the account's list of its days, asked in the same breath, answers, is read whole, and lacks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from events.archive.add import note, withdraw_vanished
from events.models import Discrepancy, SyncState
from events.nexmo import errors
from events.nexmo.ids import fits_address, id_key
from events.nexmo.parse import content_digest, id_as_sent
from events.sync.coverage import Window
from events.sync.limits import PAGE_SIZE
from events.sync.walk import FiltersIgnored, Walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from events.models import AuditEvent
    from events.nexmo.client import AuditClient
    from events.nexmo.parse import Event, EventPage

MOST_PAGES = 3  # of the list; a person is waiting


@dataclass(frozen=True)
class Check:
    """What came of it.

    Args:
        outcome: `same`, `altered` or `gone`; `unknown` where nothing can be concluded; `failed` without an answer.
        reason: why, for the last two.
        raw: the event as Nexmo shows it now, where it is altered.
    """

    outcome: str
    reason: str = ""
    raw: str = ""


class _Listed(Exception):
    """The list has the event: no need to read on."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


def check_event(event: AuditEvent, question: Callable[[], AbstractContextManager[AuditClient]]) -> Check:
    """Compare an archived event with Nexmo's, and note or withdraw the difference.

    Args:
        question: opens the client to ask with, for as long as that takes; what it raises besides the client's own
            errors is the caller's. It is not called for an event that cannot be asked for.
    """
    sent_id = id_as_sent(event.raw)
    if not sent_id:
        return Check("unknown", _("Nexmo sent this event without an id, so it cannot be looked up."))
    if not fits_address(sent_id):
        return Check("unknown", _("The id of this event is too long to be asked for, or holds what no address can."))
    try:
        with question() as client:
            try:
                shown = client.get_event(sent_id)
            except errors.NotFound:
                return _look_in_list(client, event)
    except errors.AuditAPIError as error:
        return Check("failed", str(error))
    if not _is_same(event, shown):
        return Check("unknown", _("Nexmo answered with another event."))
    return _compare(event, shown)


def _is_same(event: AuditEvent, shown: Event) -> bool:
    """Whether Nexmo's event has the archived one's id, which an older version may have cut short."""
    return id_key(id_as_sent(shown.raw)) == id_key(id_as_sent(event.raw))


def _compare(event: AuditEvent, shown: Event) -> Check:
    now = timezone.now()
    withdraw_vanished(event.account, [event.pk], None, now)
    if content_digest(shown.raw) == content_digest(event.raw):
        return Check("same")
    note(event, Discrepancy.Kind.ALTERED, None, now)
    return Check("altered", raw=shown.raw)


def _look_in_list(client: AuditClient, event: AuditEvent) -> Check:
    """Whether the list of the event's days has it, although Nexmo does not answer for its id."""

    def look(page: EventPage) -> None:
        for listed in page.events:
            if _is_same(event, listed):
                raise _Listed(listed)

    if event.created_at_basis == "fetched":
        return Check(
            "unknown", _("Nexmo finds nothing under its id, and its time is unreadable: where to look is unknown.")
        )
    day = event.created_at.date()
    ignored = SyncState.objects.filter(account=event.account, filters_ignored=True).exists()
    walk = Walk(client, Window(day, day), look, send_dates=not ignored, most_pages=MOST_PAGES)
    try:
        total = walk.peek(1).total
        if total is not None and total > MOST_PAGES * PAGE_SIZE:
            return Check("unknown", _("Nexmo finds nothing under its id, and lists too many events to search."))
        reading = walk.read()
    except _Listed as listed:
        return _compare(event, listed.event)
    except FiltersIgnored:
        return Check("unknown", _("Nexmo finds nothing under its id, and lists events of other days."))
    if not reading.verified:
        return Check("unknown", _("Nexmo finds nothing under its id, and its list could not be read completely."))
    note(event, Discrepancy.Kind.VANISHED, None, timezone.now())
    return Check("gone")
