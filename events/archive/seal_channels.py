"""Sending seals off this machine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from events.archive import seals

if TYPE_CHECKING:
    from events.models import Seal

logger = logging.getLogger(__name__)


def send(seal: Seal) -> list[str]:
    """Send a seal through every channel of SEAL_CHANNELS and note on it how that went. Returns what went wrong."""
    line = json.dumps(seals.export(seal), sort_keys=True)
    outcomes, troubles = [], []
    for channel in settings.SEAL_CHANNELS:
        name = describe(channel)
        try:
            _send(channel, line, seal)
        except OSError as error:
            troubles.append(f"{name}: {error.strerror or 'failed'}")
            outcomes.append(f"{name}: failed")
        else:
            outcomes.append(f"{name}: sent")
    if outcomes:
        seal.sent_to = "; ".join(outcomes)
        seal.save(update_fields=["sent_to"])
    for trouble in troubles:
        logger.error("The seal of %s could not be sent to %s", seal.account_id, trouble)
    return troubles


def describe(channel: str) -> str:
    """A channel for messages: its kind and host or its file's name, never what may hold a password or tell of the
    machine's inside."""
    parts = urlsplit(channel)
    return f"{parts.scheme}://{parts.hostname or ''}" if "://" in channel else Path(channel).name


def _send(channel: str, line: str, seal: Seal) -> None:
    if "://" not in channel:
        # Appended: a channel that could overwrite would lose what it is there to keep.
        with Path(channel).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return
    # Here, because it takes megabytes of each process, and few ever send.
    import apprise

    notifier = apprise.Apprise()
    if not notifier.add(channel):
        raise OSError(0, "not an address that apprise knows")
    title = f"Auditsite seal: {seal.account.api_key}, {seal.seq} events"
    if not notifier.notify(body=line, title=title, body_format=apprise.NotifyFormat.TEXT):
        raise OSError(0, "refused or unreachable")
