"""Values of events, stored as JSON or plain, as they may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from events.fields import dump_json, load_json
from events.masking.json_texts import mask_json, mask_text
from events.masking.secret_names import LISTS, NO_SECRETS, is_ordinary, is_secret, is_side, is_side_of_change
from events.masking.texts import MASK

if TYPE_CHECKING:
    from collections.abc import Callable


def shown(text: str | None) -> Any:
    """What stored JSON says, as it may be shown to anybody who sees the event; None for no text."""
    return load_json(mask_json(text)) if text else None


def both(text: str | None) -> tuple[Any, Any]:
    """What stored JSON says, and what of it may be shown: one and the same where that is all."""
    if not text:
        return None, None
    real, hidden = load_json(text), mask_json(text)
    return real, real if hidden == text else load_json(hidden)


def shown_value(value: Any) -> Any:
    """The same of a value that was read already."""
    return None if value is None else shown(dump_json(value))


def named_value(name: str, value: Any) -> str:
    """The text of a plain value of a field of events, such as context.changes.newValue, as it may be shown.

    One side of a change is hidden where not its own name but another value of the event says what it is of.
    """
    names = name.split(".")
    is_side_alone = names[0] == "context" and is_side_of_change(names[-1])
    while len(names) > 1 and is_side(names[-1]):
        names.pop()
    told_elsewhere = is_side_alone and names[-1].lower() in LISTS
    secret = is_secret(names[-1]) or not is_ordinary(names[-1]) and any(map(is_secret, names[1:-1]))
    if (secret or told_elsewhere) and str(value).lower() not in NO_SECRETS:
        return MASK
    return mask_text(str(value))


def for_reader(text: str, sees_sensitive: Callable[[], bool]) -> str:
    """An event as received: whole for those who may see it so, who are asked only where that makes a difference."""
    hidden = mask_json(text)
    return text if hidden == text or sees_sensitive() else hidden
