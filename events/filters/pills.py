"""Every condition in force, one by one, in words, each with the way to take it out again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from events.filters.fields import split_list, unsigned
from events.filters.form import NEW
from events.filters.query_string import with_params
from events.wording.codes import source_codes, source_title
from events.wording.times import PERIODS, offset, parse_moment

if TYPE_CHECKING:
    from events.filters.form import EventFilter

LISTS = {
    "account": _("Account"),
    "event_type": _("Type"),
    "user_email": _("User"),
    "source": _("Source"),
    "source_ip": _("IP address"),
    "source_country": _("Country"),
}
SINGLE = {
    "search_text": _("Text contains"),
    "date_from": _("From"),
    "date_to": _("Up to"),
    "period": _("Period"),
    "new": _("New"),
}
MOMENTS = ("date_from", "date_to")
# Values that the form has words for.
CHOSEN: dict[str, dict[str, Any]] = {"period": {**PERIODS}, "new": {**NEW}}


@dataclass(frozen=True)
class Pill:
    """One condition.

    Attributes:
        without: the query string that leaves it out.
        negated: it must not hold.
        turned: the query string with the contrary in its place; "" where there is none.
    """

    label: str
    verb: str
    value: str
    title: str
    without: str
    negated: bool = False
    turned: str = ""


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
            shown = _moment(value) if name in MOMENTS else str(CHOSEN.get(name, {}).get(value, value))
            result.append(Pill(str(label), "", shown, value, _without(params, name, None)))
    for name, label in LISTS.items():
        items = split_list(params.getlist(name))
        for item in items:
            wanted, value = unsigned(item)
            rest = ",".join(other for other in items if other != item)
            verb, shown = gettext("is") if wanted else gettext("is not"), _named(found, name, value)
            contrary = ",".join((f"-{value}" if wanted else value) if other == item else other for other in items)
            result.append(
                Pill(
                    str(label),
                    verb,
                    shown,
                    value,
                    _without(params, name, rest),
                    negated=not wanted,
                    turned=_without(params, name, contrary),
                )
            )
    return result


def _without(params: Any, name: str, rest: str | None) -> str:
    return with_params(params, **{name: rest or None, "before": None, "after": None})


def _moment(text: str) -> str:
    """A day, or a time to the minute, as the reader's clock has it; what cannot be read stays as it is."""
    try:
        moment = parse_moment(text, end_of_day=False)
    except ValueError:
        return text
    at = timezone.localtime(moment.at)
    clock = f"{at:%H:%M:%S}"
    if moment.day_only or clock == "00:00:00":
        return f"{at:%Y-%m-%d}"
    # The end of a day or minute, as bars and days have it, is told by the last thing in it.
    return f"{at:%Y-%m-%d}" if at.time() == time.max else f"{at:%Y-%m-%d %H:%M} {offset(at)}"


def _named(found: EventFilter, name: str, value: str) -> str:
    if name == "source_country":
        return str(countries.name(value.upper()) or value)
    if name == "source":
        return source_title(source_codes().get(value.lower(), value)) or value
    names: dict[str, str] = {}
    if name == "account":
        names = {key: account.name for key, account in found.accounts.items()}
    elif name == "event_type":
        names = found.type_descriptions
    return names.get(value) or names.get(value.upper()) or value
