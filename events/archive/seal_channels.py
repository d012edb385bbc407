"""Sending seals off this machine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from events.archive import seals
from events.models import Seal
from events.storage.side_threads import SideThreads
from events.wording.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds that a channel may take
LONGEST_NOTE = 60  # characters of a trouble

_threads = SideThreads("seal-channel")


class NotSent(Exception):
    """A seal could not be sent through a channel."""


def send(seal: Seal) -> list[str]:
    """Send a seal through every channel of SEAL_CHANNELS and note on it how that went. Returns what went wrong."""
    troubles = (send_through(channel, seal) for channel in settings.SEAL_CHANNELS)
    return [trouble for trouble in troubles if trouble]


def send_through(channel: str, seal: Seal) -> str:
    """Send a seal through one channel, note on it how that went, and return what went wrong, if anything.

    Whatever the channel does, this returns within PATIENCE.
    """
    name, line = _label(channel), json.dumps(seals.export(seal), sort_keys=True)
    title = printable(f"Auditsite seal: {seal.account.api_key}, {seal.seq} events")
    trouble = _within_patience(channel, lambda: _send(channel, line, title))
    _note(seal, name, trouble)
    if trouble:
        logger.error("The seal of %s could not be sent to %s: %s", seal.account.api_key, name, trouble)
        return f"{name}: {trouble}"
    return ""


def describe(channel: str) -> str:
    """A channel for messages: its kind and host or its file's name, never what may hold a password or tell of the
    machine's inside."""
    if "://" not in channel:
        return Path(channel).name
    try:
        parts = urlsplit(channel)
        return f"{parts.scheme}://{parts.hostname or ''}"
    except ValueError:
        return channel.partition("://")[0] + "://"


def _label(channel: str) -> str:
    """Its description, numbered where another channel of the settings has the same."""
    name = describe(channel)
    twins = [other for other in settings.SEAL_CHANNELS if describe(other) == name]
    return f"{name} ({twins.index(channel) + 1})" if len(twins) > 1 and channel in twins else name


def _within_patience(channel: str, send_now: Callable[[], None]) -> str:
    """Call something that may raise anything or never come back; returns what went wrong."""
    outcome: list[str] = []

    def call() -> None:
        try:
            send_now()
        except Exception as error:  # channels are apprise's plugins and whatever they stand on
            outcome.append(_in_words(error))
        else:
            outcome.append("")

    thread = _threads.start(channel, call)
    if thread is None:
        return "an earlier seal is still being sent"
    thread.join(PATIENCE)
    return outcome[0] if outcome else f"no answer within {PATIENCE:g} seconds"


def _in_words(error: Exception) -> str:
    """The kind of an error. Its own text may repeat the channel's address, and that may hold a password."""
    if isinstance(error, NotSent):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:LONGEST_NOTE]
    return type(error).__name__


def _note(seal: Seal, name: str, trouble: str) -> None:
    """Write down on the seal how a channel did, in place of how it did before."""
    with transaction.atomic():
        row = Seal.objects.select_for_update().get(pk=seal.pk)
        notes = [note for note in row.sent_to.split("; ") if note and not note.startswith(f"{name}: ")]
        seal.sent_to = "; ".join([*notes, f"{name}: {'failed' if trouble else 'sent'}"])
        Seal.objects.filter(pk=seal.pk).update(sent_to=seal.sent_to)


def _send(channel: str, line: str, title: str) -> None:
    if "://" not in channel:
        # Appended: a channel that could overwrite would lose what it is there to keep.
        with Path(channel).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return
    # Here, because it takes megabytes of each process, and few ever send.
    import apprise

    notifier = apprise.Apprise()
    if not notifier.add(channel):
        raise NotSent("not an address that apprise knows")
    if not notifier.notify(body=line, title=title, body_format=apprise.NotifyFormat.TEXT):
        raise NotSent("refused or unreachable")
