"""How a number or an application is set up at a moment, according to the events that changed it.

Folded from their contexts, oldest first. It is not Nexmo's own record: contexts have no schema, and a setting that none
of them mentions is missing here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, gettext_lazy

from events.entities.entity import APPLICATION_NAMES, key_of, named
from events.masking import both
from events.wording.changes import WRAPPERS, Change, changes_behind, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from events.entities.entity import Entity
    from events.reading import Row

STATUS, APPLICATION, NUMBERS = "*status", "*application", "*numbers"  # no name of Nexmo's begins so
LABELS = {
    STATUS: gettext_lazy("Status"),
    APPLICATION: gettext_lazy("Application"),
    NUMBERS: gettext_lazy("Linked numbers"),
    "country": gettext_lazy("Country"),
    "voice-type": gettext_lazy("Calls routed by"),
    "voice-value": gettext_lazy("Calls routed to"),
    "http": gettext_lazy("SMS webhook"),
    "name": gettext_lazy("Name"),
    "type": gettext_lazy("Type"),
    "answer_url.url": gettext_lazy("Answer webhook"),
    "answer_url.method": gettext_lazy("Answer method"),
    "event_url.url": gettext_lazy("Event webhook"),
    "event_url.method": gettext_lazy("Event method"),
}
STATUSES = {
    "NUMBER_ASSIGN": gettext_lazy("bought"),
    "NUMBER_RELEASE": gettext_lazy("released"),
    "NUMBER_USER_CANCELED": gettext_lazy("cancelled"),
    "APP_CREATE": gettext_lazy("created"),
    "APP_ENABLE": gettext_lazy("enabled"),
    "APP_DISABLE": gettext_lazy("disabled"),
    "APP_DELETE": gettext_lazy("deleted"),
}
BEGINS = {"NUMBER_ASSIGN", "APP_CREATE"}
ENDS = {"NUMBER_RELEASE", "NUMBER_USER_CANCELED", "APP_DELETE"}
OWN_NUMBER = {"msisdn", "number"}
IDENTITY = {*OWN_NUMBER, *APPLICATION_NAMES, "account", "accountid", "account_id"}
NEW_SIDES = {"created", "updated", "after", "new", "current"}
OLD_SIDES = {"before", "old", "previous"}
DEEPEST = 3
MOST_SETTINGS = 40

NewValues = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Setting:
    """One field and the event that set it.

    Attributes:
        values: usually one; none where the field was emptied.
        slug: what the values are, where they are entities themselves.
        real: the values without a mask, to compare with others: never shown.
    """

    name: str
    values: tuple[str, ...]
    slug: str
    row: Row
    real: tuple[str, ...] = field(repr=False)

    @property
    def label(self) -> str:
        return str(LABELS[self.name]) if self.name in LABELS else self.name


@dataclass
class Configuration:
    """Attributes:
    settings: at the requested moment.
    has_ended: it had been released or deleted by then.
    steps: what each event changed, by its key; also those after the moment.
    """

    settings: list[Setting] = field(default_factory=list)
    has_ended: bool = False
    steps: dict[int, list[Change]] = field(default_factory=dict)


def configuration(entity: Entity, rows: Iterable[Row], at: datetime | None = None) -> Configuration:
    """Fold events, given newest first, into what was in force at a moment, by default after all of them."""
    folded = Configuration()
    state: dict[str, Setting] = {}
    for row in reversed(list(rows)):
        code, (real, context) = row.event_type.upper(), both(row.context)
        told = changes_behind(real, context)
        new_values = _new_values(entity, code, context, told, state)
        real_values = new_values
        if real is not context:
            real_values = _new_values(entity, code, real, changes_behind(real, real), state)
        # Of this one: an event that merely mentions it may begin or end another.
        before = {} if code in BEGINS | ENDS and STATUS in new_values else state
        after = {
            name: Setting(name, values, _slug(name, new_values), row, real_values.get(name, values))
            for name, values in new_values.items()
        }
        folded.steps[row.pk] = _steps(state, after, told)
        # An event that only repeats a value did not set it.
        after |= {
            name: earlier
            for name, earlier in before.items()
            if name in after and (earlier.real, earlier.slug) == (after[name].real, after[name].slug)
        }
        state = dict(list((before | after).items())[:MOST_SETTINGS])
        if at is None or row.created_at <= at:
            folded.settings = list(state.values())
            folded.has_ended = STATUS in state and state[STATUS].row.event_type.upper() in ENDS
    return folded


def _new_values(entity: Entity, code: str, context: Any, told: list[Change], state: dict[str, Setting]) -> NewValues:
    """What an event says about the entity: fields and their new values."""
    fields = _fields(context)
    number = next((value for name, value in fields.items() if _last(name) in OWN_NUMBER), "")
    new_values: NewValues = {name: (value,) for name, value in fields.items() if _last(name) not in IDENTITY}
    new_values |= {change.field: (change.after,) for change in told if change.after}
    if entity.slug == "number":
        if key_of(number) != key_of(entity.value):
            return {}  # another number's calls go to it
        if code == "NUMBER_LINKED":
            new_values[APPLICATION] = tuple(named("application", context))[:1]
        elif code == "NUMBER_UNLINKED":
            new_values[APPLICATION] = ()
    elif code in ("NUMBER_LINKED", "NUMBER_UNLINKED"):
        linked = state[NUMBERS].values if NUMBERS in state else ()
        others = tuple(other for other in linked if key_of(other) != key_of(number))
        return {NUMBERS: (*others, number) if code == "NUMBER_LINKED" and number else others}
    elif not code.startswith("APP_"):
        return {}  # calls of a number go to it
    if code in STATUSES:
        new_values = {STATUS: (str(STATUSES[code]),)} | ({} if code in ENDS else new_values)
    return new_values


def _last(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _slug(name: str, new_values: NewValues) -> str:
    """What the values of a field are."""
    if name == "voice-value":
        kinds: dict[tuple[str, ...], str] = {("app",): "application", ("tel",): "number"}
        return kinds.get(new_values.get("voice-type", ()), "")
    return {APPLICATION: "application", NUMBERS: "number"}.get(name, "")


def _steps(state: dict[str, Setting], after: dict[str, Setting], told: list[Change]) -> list[Change]:
    """What differs, with the value before where this event or an earlier one tells it."""
    values_before = {change.field: change.before for change in told}
    steps = []
    for name, setting in after.items():
        if name == NUMBERS:
            steps += _moved(setting, state[name].values if name in state else ())
            continue
        old, new = values_before.get(name), _in_words(setting.values)
        differs = old != new or name in values_before
        if name in state:
            old, differs = _in_words(state[name].values), state[name].real != setting.real
        if differs:
            steps.append(Change(setting.label, old, new))
    return steps


def _moved(setting: Setting, before: tuple[str, ...]) -> list[Change]:
    """Of a list only what left it and what came."""
    gone = ", ".join(value for value in before if value not in setting.values)
    came = ", ".join(value for value in setting.values if value not in before)
    return [Change(setting.label, gone or None, came or None)] if gone or came else []


def _in_words(values: tuple[str, ...]) -> str:
    return ", ".join(values) or gettext("none")


def _fields(value: Any, path: str = "", depth: int = 0) -> dict[str, str]:
    """The new values of a context by their names, inner ones as answer_url.method."""
    fields: dict[str, str] = {}
    for name, item in value.items() if isinstance(value, dict) else ():
        if len(fields) >= MOST_SETTINGS or name.lower() in OLD_SIDES | WRAPPERS:
            continue
        inner = path if name.lower() in NEW_SIDES and isinstance(item, dict) else f"{path}.{name}" if path else name
        if isinstance(item, dict) and depth < DEEPEST:
            fields |= _fields(item, inner, depth + 1)
        elif item is not None and item != "":
            fields[text_of(inner)] = text_of(item)
    return fields
