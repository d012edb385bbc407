"""Whom and what an event is about, beyond its account: its user, address, numbers and applications.

They are what an analyst follows from one event to the next, and from one account to another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from events.nexmo import applications
from events.nexmo.values import ip_key, plain_address, read_address
from events.reading.conditions import Conditions
from events.reading.filterable import ENTITIES
from events.reading.users import one_user, spellings_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.models import AuditEvent

KINDS = {
    "user": gettext_lazy("user"),
    "ip": gettext_lazy("IP address"),
    "number": gettext_lazy("number"),
    "application": gettext_lazy("application"),
}
NUMBER_NAMES = {"msisdn", "number", "voice-value"}
APPLICATION_NAMES = set(applications.IDS)
_NUMBER = re.compile(r"\+?\d{7,15}")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{5,63}")
MOST = 4  # of a kind


@dataclass(frozen=True)
class Entity:
    """One of them.

    Attributes:
        slug: which of KINDS.
        params: the filter that finds every event about it.
        conditions: the same. Of numbers and applications they find candidates only: see `is_named_in`.
    """

    slug: str
    value: str
    params: dict[str, str]
    conditions: Conditions

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return str(KINDS[self.slug])

    @property
    def is_looked_up(self) -> bool:
        """Whether an index knows its events; else they are those whose context names it."""
        return self.slug in ENTITIES

    def is_named_in(self, context: Any) -> bool:
        """Whether a context names it as what it is: number 4479 is no part of 447900."""
        return key_of(self.value) in {key_of(value) for value in named(self.slug, context)}

    def get_absolute_url(self) -> str:
        return reverse("events:about", args=[self.slug, self.value])

    @property
    def session_url(self) -> str:
        """Its newest session; "" of what is nobody's doing."""
        return reverse("events:session", args=[self.slug, self.value]) if self.is_looked_up else ""


def entity(slug: str, value: str) -> Entity | None:
    """The user, address, number or application of this name; None where it cannot be one."""
    value = value.strip()
    if not value or "\0" in value:
        return None
    if slug in ENTITIES:
        if slug == "user":
            value = one_user(value)
        elif (address := read_address(value)) is not None and not plain_address(value):
            value = str(address)  # without the port that it was written with
        name, compared = ENTITIES[slug].name, _as_compared(slug, value)
        return Entity(slug, value, {name: value}, Conditions(wanted={name: compared})) if compared else None
    if (slug == "number" and _NUMBER.fullmatch(value)) or (slug == "application" and _ID.fullmatch(value)):
        text = value.removeprefix("+")  # written with it or without
        return Entity(slug, value, {"search_text": text}, Conditions(text=text))
    return None


def _as_compared(slug: str, value: str) -> tuple[Any, ...]:
    """A user or an address as conditions compare it; nothing where it is none."""
    if slug == "user":
        return spellings_of(value)
    key = ip_key(value)
    return ((key, key),) if key else ()


def entities(event: AuditEvent) -> list[Entity]:
    """What an event is about, its user and address first."""
    candidates = [entity("user", event.user_email), entity("ip", event.source_ip)]
    for slug in ("number", "application"):
        values: dict[str, str] = {}
        for value in named(slug, event.readable_context):
            values.setdefault(key_of(value), value)
        candidates += [entity(slug, value) for value in list(values.values())[:MOST]]
    return [candidate for candidate in candidates if candidate]


def named(slug: str, context: Any) -> Iterable[str]:
    """The numbers or the applications that a context names."""
    pattern, names = (_NUMBER, NUMBER_NAMES) if slug == "number" else (_ID, APPLICATION_NAMES)
    for part in _parts(context):
        to_application = slug == "application" and part.get("voice-type") == "app"
        for name, value in part.items():
            if name in names or (to_application and name == "voice-value"):
                text = str(value).strip()
                if pattern.fullmatch(text):
                    yield text


def key_of(value: str) -> str:
    """A number or an application, however it is written."""
    return value.removeprefix("+").lower()


def _parts(value: Any, depth: int = 0) -> Iterable[dict[str, Any]]:
    """The plain values of every object within a context, by their names in lower case."""
    if depth > 4:
        return
    if isinstance(value, list):
        for item in value[:50]:
            yield from _parts(item, depth + 1)
    elif isinstance(value, dict):
        plain = {
            name.lower(): item
            for name, item in value.items()
            if isinstance(item, (str, int)) and not isinstance(item, bool)
        }
        if plain:
            yield plain
        for item in value.values():
            if isinstance(item, (dict, list)):
                yield from _parts(item, depth + 1)
