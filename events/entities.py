"""Whom and what an event is about, beyond its account: its user, address, numbers and applications.

They are what an analyst follows from one event to the next, and from one account to another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.conditions import Conditions
from events.reading import read_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.models import AuditEvent

NUMBER_NAMES = {"msisdn", "number", "voice-value"}
APPLICATION_NAMES = {"applicationid", "appid", "application_id", "app_id"}
_NUMBER = re.compile(r"\+?\d{7,15}")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{5,63}")
MOST = 4  # of a kind
SHOWN = 5


@dataclass(frozen=True)
class Entity:
    """One of them. `params`: the filter that finds every event about it."""

    kind: str
    value: str
    params: dict[str, str]
    conditions: Conditions


@dataclass(frozen=True)
class Elsewhere:
    """Events about the same entity in other accounts."""

    entity: Entity
    rows: list[Any]
    more: bool


def entities(event: AuditEvent) -> list[Entity]:
    """What an event is about, its user and address first."""
    found = []
    if event.user_email:
        found.append(
            Entity(
                "user", event.user_email, {"user_email": event.user_email}, Conditions(user_emails=(event.user_email,))
            )
        )
    if event.source_ip_key:
        found.append(
            Entity(
                "IP address",
                event.source_ip,
                {"source_ip": event.source_ip},
                Conditions(addresses=(event.source_ip_key,)),
            )
        )
    for kind, names, pattern in (
        ("number", NUMBER_NAMES, _NUMBER),
        ("application", APPLICATION_NAMES, _ID),
    ):
        values = dict.fromkeys(text for text in _named(event.context, names) if pattern.fullmatch(text))
        found += [Entity(kind, text, {"search_text": text}, Conditions(text=text)) for text in list(values)[:MOST]]
    return found


def elsewhere(found: Iterable[Entity], accounts: tuple[int, ...]) -> list[Elsewhere]:
    """Which of them stand in events of these accounts too: the newest few of each."""
    result = []
    for entity in found:
        asked = Conditions(**{**entity.conditions.__dict__, "accounts": accounts})
        page = read_page(asked, SHOWN)
        if page.rows:
            result.append(Elsewhere(entity, page.rows, page.older is not None))
    return result


def _named(value: Any, names: set[str], depth: int = 0) -> Iterable[str]:
    """The plain values under some names, anywhere in a context."""
    if depth > 4:
        return
    if isinstance(value, list):
        for item in value[:50]:
            yield from _named(item, names, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, (str, int)) and not isinstance(item, bool):
                if name.lower() in names:
                    yield str(item).strip()
            else:
                yield from _named(item, names, depth + 1)
