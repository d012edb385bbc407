"""Learning the event types that OPTIONS lists, once a day."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from events.models import EventType, SyncState
from events.nexmo import errors
from events.storage import clock
from events.sync.limits import ASK_TYPES_EVERY

if TYPE_CHECKING:
    from datetime import datetime

    from events.nexmo.client import AuditClient

logger = logging.getLogger(__name__)


def are_due(sync_state: SyncState, now: datetime) -> bool:
    return not clock.is_within(sync_state.types_asked_at, ASK_TYPES_EVERY, now)


def refresh(client: AuditClient, sync_state: SyncState, now: datetime) -> None:
    """Ask for the event types. They are a convenience: no trouble here may stop the events."""
    try:
        listed = client.event_types()
    except (errors.CredentialsRefused, errors.AccessDenied):
        raise
    except errors.AuditAPIError as error:
        logger.warning("The event types of %s could not be read: %s", client.api_key, error)
        listed = ()
    EventType.objects.bulk_create(
        [EventType(code=item.code, description=item.description, listed_at=now) for item in listed],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["description", "listed_at"],
    )
    SyncState.objects.filter(pk=sync_state.pk).update(types_asked_at=now)
