"""Every condition in force, one by one, in words, each with the way to take it out again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.filter_fields import split_list, unsigned
from events.filters import NEW
from events.moments import PERIODS
from events.nexmo.catalog import SOURCES
from events.tables import with_params

if TYPE_CHECKING:
    from events.filters import EventFilter

LISTS = {
    "account": "Account",
    "event_type": "Type",
    "user_email": "User",
    "source": "Source",
    "source_ip": "IP address",
    "source_country": "Country",
}
SINGLE = {"search_text": "Text contains", "date_from": "From", "date_to": "Up to", "period": "Period", "new": "New"}
# Values that the form has words for.
CHOSEN: dict[str, dict[str, Any]] = {"period": {**PERIODS}, "new": {**NEW}}


@dataclass(frozen=True)
class Pill:
    """One condition. `without`: the query string that leaves it out."""

    label: str
    verb: str
    value: str
    title: str
    without: str
    negated: bool = False


def pills(found: EventFilter, params: Any = None) -> list[Pill]:
    """The conditions, in the order of the form. Wrong ones too: they are in force, and nothing is shown for them.

    Args:
        params: those of another query, in the words of this filter.
    """
    params = found.data if params is None else params
    if not hasattr(params, "getlist"):
        return []
    result = []
    for name, label in SINGLE.items():
        if value := (params.get(name) or "").strip():
            shown = str(CHOSEN.get(name, {}).get(value, value))
            result.append(Pill(label, "", shown, value, _without(params, name, None)))
    for name, label in LISTS.items():
        items = split_list(params.getlist(name))
        for item in items:
            wanted, value = unsigned(item)
            rest = ",".join(other for other in items if other != item)
            result.append(
                Pill(
                    label,
                    "is" if wanted else "is not",
                    _named(found, name, value),
                    value,
                    _without(params, name, rest),
                    negated=not wanted,
                )
            )
    return result


def _without(params: Any, name: str, rest: str | None) -> str:
    return with_params(params, **{name: rest or None, "before": None, "after": None})


def _named(found: EventFilter, name: str, value: str) -> str:
    names: dict[str, str] = {}
    if name == "account":
        names = {key: account.name for key, account in found.accounts.items()}
    elif name == "event_type":
        names = found.type_descriptions
    elif name == "source":
        names = SOURCES
    return names.get(value) or names.get(value.upper()) or value
