"""One event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from events.filters import event_type_choices
from events.moments import show
from events.nexmo.catalog import family
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
    descriptions = dict(choice for _, choices in event_type_choices() for choice in choices)
    slug, family_title = family(found.event_type)
    return render(
        request,
        "events/event.html",
        {
            "event": found,
            "account": account,
            "description": found.event_type_description or descriptions.get(found.event_type) or "Event without type",
            "family": slug,
            "family_title": family_title,
            "when": show(found.created_at),
            "basis": BASES.get(found.created_at_basis)
            or f"Nexmo's times carry no zone; read as {found.created_at_basis}."
            if not found.created_at_basis.startswith(("+", "-", "Z"))
            else f"As sent, with offset {found.created_at_basis}.",
            "odd_fields": [name for name in found.odd_fields.split(",") if name],
            "raw": pretty(found.raw),
            "conflicts": [(conflict, pretty(conflict.raw)) for conflict in found.conflicts.all()],
        },
    )


def pretty(raw: str) -> str:
    """JSON laid out for reading; text that is none as it is."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False).encode("utf-8", "replace").decode()
    except (ValueError, RecursionError):
        return raw
