"""What the search box offers while a condition is being typed: words for conditions, and values that the reader has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import get_language, gettext

from events.filters.dictionary import phrases_of_types
from events.filters.fields import NONE
from events.filters.names import countries_shown, country_names, plain
from events.filters.search_box import KEYS
from events.masking import mask
from events.models import FirstSeen
from events.nexmo.applications import words_of
from events.nexmo.catalog import FAMILIES, SOURCES
from events.reading.applications import Lookup
from events.reading.conditions import APPLICATION
from events.reading.filterable import DIMENSIONS, FIRSTS, ORDERS, PARAMETERS
from events.wording.codes import family_title, source_title
from events.wording.times import PERIODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.filters.form import EventFilter
    from events.reading.filterable import Parameter

MOST = 8
MOST_TYPED = 100  # characters: whoever types more completes nothing


class Completion(NamedTuple):
    """What to put in the place of what was typed.

    Attributes:
        text: a condition, or the beginning of one.
        label: what it means.
        kind: what the condition is called.
    """

    text: str
    label: str
    kind: str


def complete(piece: str, event_filter: EventFilter) -> list[Completion]:
    """What a piece of the box may become, the likeliest first; the whole list of words for none."""
    if len(piece) > MOST_TYPED:
        return []
    minus, bare = ("-", piece[1:]) if piece.startswith("-") else ("", piece)
    key, colon, value = bare.partition(":")
    if not colon:
        offered = [*_keys(bare), *_any_values(bare, event_filter)]
        return [item._replace(text=minus + item.text) for item in offered[: MOST if bare else None]]
    name = KEYS.get(key.lower())
    if name is None:
        return []
    done, comma, typed = value.rpartition(",")
    start = f"{minus}{key}:{done}{comma}"
    values = _values(PARAMETERS[name], typed.strip('" '), event_filter)
    return [Completion(f"{start}{code}", label, str(PARAMETERS[name].label)) for code, label in values][:MOST]


def _keys(typed: str) -> Iterator[Completion]:
    for parameter in PARAMETERS.values():
        for word in parameter.words:
            if word.startswith(typed.lower()) and (typed or word == parameter.words[0]):
                label = gettext("Phone number") if word == "number" else str(parameter.label)
                hint = "" if word == "number" else str(parameter.hint)
                yield Completion(f"{word}:", f"{label}: {hint}" if hint else label, label)


def _any_values(typed: str, event_filter: EventFilter) -> Iterator[Completion]:
    """Values of all conditions that have names, for a word that is no condition yet."""
    if len(typed) < 3:
        return
    for name in ("event_type", "account", "source_country", "user_email", "application"):
        parameter = PARAMETERS[name]
        for code, label in _values(parameter, typed, event_filter):
            if code != NONE:
                yield Completion(f"{parameter.words[0]}:{code}", label, str(parameter.label))


def _values(parameter: Parameter, typed: str, event_filter: EventFilter) -> list[tuple[str, str]]:
    """The values of a parameter that fit what was typed, with what they mean: those that begin with it first."""
    named = list(_named(parameter.name, typed, event_filter))
    wanted = plain(typed)
    fitting = [
        (min(place for place in (plain(text).find(wanted) for text in texts) if place >= 0), code, texts[-1])
        for code, *texts in named
        if any(wanted in plain(text) for text in texts)
    ]
    fitting.sort(key=lambda fit: fit[0] > 0)
    return list(dict.fromkeys((code, label) for _, code, label in fitting))[: MOST + 1]


def _named(name: str, typed: str, event_filter: EventFilter) -> Iterator[tuple[str, ...]]:
    """Each value of a parameter, with the texts by which it is known; the last is shown."""
    if name == "event_type":
        for code, title in event_filter.type_descriptions.items():
            yield (code, *phrases_of_types().get(code, ()), code, title or code)
        for prefix, title in _groups(event_filter.type_descriptions):
            yield f"{prefix}*", f"{prefix}*", title
    elif name == "account":
        for account in event_filter.accounts.values():
            yield account.api_key, account.api_key, account.name
    elif name == "source_country":
        names = country_names(get_language())
        for title in countries_shown(get_language()):
            for code in names.get(plain(title), ()):
                yield code, code, title
    elif name == "source":
        for code in SOURCES:
            yield source_title(code), code, source_title(code)
    elif name == "user_email":
        for email in _users(typed, event_filter):
            yield email, email
    elif name == APPLICATION:
        field = event_filter.form.fields[name]
        for called in Lookup(field.accounts).holding(words_of(typed))[: MOST + 1] if typed else ():
            yield f'"{field.link(called)}"', called if plain(typed) in plain(called) else typed, called
    elif name == "period":
        yield from ((code, code, str(title)) for code, title in PERIODS.items())
    elif name == "new":
        yield from ((code, code, str(title)) for code, title in FIRSTS.items())
    elif name == "order":
        yield from ((code, code, str(title)) for code, title in ORDERS.items())
    if name in DIMENSIONS and event_filter.form.fields[name].nothing:
        yield NONE, NONE


def _groups(types: Iterable[str]) -> list[tuple[str, str]]:
    return [
        (prefix, family_title(slug)) for prefix, slug, _ in FAMILIES if any(code.startswith(prefix) for code in types)
    ]


def _users(typed: str, event_filter: EventFilter) -> list[str]:
    """Users seen in the reader's accounts; those of whom no event has a country are not listed."""
    seen = FirstSeen.objects.order_by("user_email").filter(user_email__contains=typed.lower())
    if not event_filter.everything:
        seen = seen.filter(account_id__in=[account.pk for account in event_filter.accounts.values()])
    # What is masked in one is not to be guessed letter by letter.
    return [user for user in seen.values_list("user_email", flat=True).distinct()[: MOST + 1] if mask(user) == user]
