"""What a reader may have meant by what was typed, as addresses to follow: for slips, and for plain words that pages
show and events do not hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.http import QueryDict

from events.filters.dictionary import Known, meaning
from events.filters.fields import signed, split_list, unsigned
from events.filters.form import EventFilter
from events.filters.pills import pills
from events.filters.query_string import PAGE_PARAMS, with_params
from events.reading import count, read_page
from events.reading.filterable import DIMENSIONS
from events.reading.users import is_seen

if TYPE_CHECKING:
    from events.filters.pills import Pill
    from events.reading import Count
    from events.reading.rows import Row

CLEAR: dict[str, str | None] = dict.fromkeys(PAGE_PARAMS)
PERIOD = ("date_from", "date_to", "period")


@dataclass(frozen=True)
class Correction:
    """A value to take instead of one that is not known."""

    label: str
    value: str
    href: str


@dataclass(frozen=True)
class Reading:
    """What the words in the box may mean.

    Attributes:
        href: the query string of the same filter with that meaning.
        pills: its conditions in words, those of the meaning alone.
        count: of the events that match then.
        whole: nothing is left of the words to look for in events.
        event_filter: the filter with that meaning.
    """

    href: str
    pills: list[Pill]
    count: Count
    whole: bool
    event_filter: EventFilter


def corrections(event_filter: EventFilter) -> list[Correction]:
    """For each value that is not known, those that may be meant."""
    if event_filter.slip:
        instead = event_filter.slip.instead
        href = with_params(event_filter.data, **(CLEAR | {"search_text": instead}))
        return [Correction("", instead, href)] if instead else []
    offered = []
    for name in event_filter.form.errors:
        if name in DIMENSIONS and hasattr(event_filter.read, "getlist"):
            offered += _of_values(event_filter, name)
    return offered


def _of_values(event_filter: EventFilter, name: str) -> list[Correction]:
    field = event_filter.form.fields[name]
    items = split_list(event_filter.read.getlist(name))
    offered = []
    for place, item in enumerate(items[:20]):
        try:
            field.clean_items([item])
        except ValidationError:
            wanted, value = unsigned(item)
            for near in field.near(value):
                values = ",".join([*items[:place], signed(wanted, near), *items[place + 1 :]])
                href = with_params(event_filter.read, **(CLEAR | {name: values}))
                offered.append(Correction(str(DIMENSIONS[name].label), field.shown(near), href))
    return offered


def reading(event_filter: EventFilter) -> Reading | None:
    """What the text may mean in the words that pages show; None where it is nothing but text."""
    if not event_filter.is_valid():
        return None
    accounts = list(event_filter.accounts.values())
    meant = meaning(event_filter.conditions.text, accounts, event_filter.type_descriptions, _known(event_filter))
    if meant is None:
        return None
    own = QueryDict(mutable=True)
    own["search_text"] = meant.query
    params = event_filter.data.copy()
    params["search_text"] = meant.query
    filters = [
        EventFilter(query, accounts=accounts, everything=event_filter.everything, most_characters=None)
        for query in (params, own)
    ]
    if not all(each.is_valid() for each in filters):
        return None
    whole, alone = filters
    href = with_params(params, **CLEAR)
    return Reading(href, pills(alone), count(whole.conditions), not meant.rest, whole)


def has_letters(text: str) -> bool:
    """Whether a text may be a name, and is more than a number."""
    return any(letter.isalpha() for letter in text)


def _known(event_filter: EventFilter) -> Known:
    """What the archive knows of the accounts that a filter is over, whatever it narrows them to; nothing of numbers."""
    if not has_letters(event_filter.conditions.text):
        return Known()
    return Known(
        applications_in=event_filter.applications.within,
        applications_with=event_filter.applications.holding,
        is_user=partial(is_seen, accounts=event_filter.scope),
    )


def nearest_match(event_filter: EventFilter) -> Row | None:
    """The newest event that matches everything but the period, where there is a period and nothing in it."""
    if not any(event_filter.active.get(name) for name in PERIOD):
        return None
    anytime = replace(event_filter.conditions, start=None, end=None, oldest_first=False)
    page: Any = read_page(anytime, 1)
    return page.rows[0] if page.rows else None
