"""One event."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from accounts.models import NexmoAccount
from events.models import EventType
from events.moments import show
from events.nexmo.catalog import EVENT_TYPES, family
from events.views.scope import visible_account, visible_events

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from events.models import AuditEvent

BASES = {
    "fetched": "Nexmo sent no readable time; this is when the event was fetched.",
}


@require_safe
def find(request: HttpRequest, event_id: str) -> HttpResponse:
    """An event by its id alone: goes to it, or asks which where several accounts have one of that id."""
    found = list(visible_events(request).with_id(event_id).for_table().newest_first()[:50])
    if not found:
        raise Http404
    if len(found) == 1:
        return redirect(found[0])
    return render(request, "events/which.html", {"event_id": event_id, "events": found})


@require_safe
def event(request: HttpRequest, api_key: str, event_id: str) -> HttpResponse:
    """Everything about one event, and how it came here."""
    account = visible_account(request, api_key)
    events = visible_events(request).filter(account=account).with_id(event_id)
    found: AuditEvent = get_object_or_404(events.select_related("run__requested_by"))
    found.account = account
    listed = EventType.objects.filter(code=found.event_type).values_list("description", flat=True).first()
    slug, family_title = family(found.event_type)
    return render(
        request,
        "events/event.html",
        {
            "event": found,
            "account": account,
            "description": found.event_type_description
            or listed
            or EVENT_TYPES.get(found.event_type)
            or "Event without type",
            "family": slug,
            "family_title": family_title,
            "when": show(found.created_at),
            "basis": BASES.get(found.created_at_basis)
            or f"Nexmo's times carry no zone; read as {found.created_at_basis}."
            if not found.created_at_basis.startswith(("+", "-", "Z"))
            else f"As sent, with offset {found.created_at_basis}.",
            "odd_fields": [name for name in found.odd_fields.split(",") if name],
            "raw": pretty(found.raw),
            "discrepancies": found.discrepancies.all(),
            "may_check": NexmoAccount.objects.syncable_by(request.user).filter(pk=account.pk).exists(),
            "conflicts": [(conflict, pretty(conflict.raw)) for conflict in found.conflicts.all()],
        },
    )


MOST_BRACKETS = 2_000
_PIECE = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


def pretty(raw: str) -> str:
    """JSON laid out for reading, token by token: every number, escape and doubled key stays as it was sent."""
    if raw.count("[") + raw.count("{") > MOST_BRACKETS:
        return raw  # laid out, a deep one would be mostly blanks
    pieces = _PIECE.findall(raw)
    lines, line, depth = [], "", 0
    for number, piece in enumerate(pieces):
        following = pieces[number + 1] if number + 1 < len(pieces) else ""
        if piece in ("]", "}"):
            depth -= 1
            if line.strip():
                lines.append(line)
                line = "  " * max(depth, 0)
        line += piece
        if piece in ("[", "{"):
            depth += 1
            if following in ("]", "}"):
                continue
        elif piece == ":":
            line += " "
            continue
        elif piece != ",":
            continue
        lines.append(line)
        line = "  " * max(depth, 0)
    return "\n".join([*lines, line])
