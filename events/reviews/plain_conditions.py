"""What a filter says in one account, as plain values that a statement can hold, and back.

Names stood for codes, and periods for times, when it was signed: later they might stand for others. A filter over
several accounts may name what is known from one of them alone; the statement about another is read by people who do
not see that one, so there it is left out.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from events.filters.event_types import descriptions, event_type_choices
from events.filters.fields import split_list, unsigned
from events.filters.form import EventFilter
from events.filters.saved import canonical
from events.models import AuditEvent
from events.reading.conditions import APPLICATION, Conditions
from events.reading.filterable import DIMENSIONS
from events.reading.stream import stream_keys
from events.reading.users import matching, spellings_of
from events.reviews.matter import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import NexmoAccount

EVENT_TYPE = "event_type"


class InAccount:
    """A valid filter as it is in one of its accounts. It finds there what the whole filter finds."""

    def __init__(self, event_filter: EventFilter, account: NexmoAccount) -> None:
        self._filter, self._account = event_filter, account
        self._told: dict[str, bool] = {}

    def stated(self) -> dict[str, Any]:
        """What the account's statement says of the filter."""
        words = in_words(EventFilter(QueryDict(self.query), accounts=[self._account]))
        if self.conditions["nothing"]:
            words.append(_("Matches nothing in this account"))
        return {"query": self.query, "words": words, "conditions": self.conditions}

    @cached_property
    def query(self) -> str:
        """The filter's query, without accounts and what is known from other accounts alone."""
        params = QueryDict(canonical(self._filter.data), mutable=True)
        params.pop("account", None)
        for name in (APPLICATION, EVENT_TYPE):
            params[name] = ",".join(item for item in split_list(params.getlist(name)) if self._is_here(name, item))
        return canonical(params)

    @cached_property
    def conditions(self) -> dict[str, Any]:
        """What it stands for in this account."""
        conditions = self._filter.conditions
        plain: dict[str, Any] = {
            "start": conditions.start.isoformat() if conditions.start else None,
            "end": conditions.end.isoformat() if conditions.end else None,
            "text": conditions.text,
            "new_country": conditions.new_country,
        }
        for side, lists in (("wanted", conditions.wanted), ("unwanted", conditions.unwanted)):
            plain[side] = {
                name: self._values(name, values, is_wanted=side == "wanted")
                for name, values in lists.items()
                if name != "account"
            }
        # Of applications and types that are only in other accounts, none is here.
        nowhere = any(values and not plain["wanted"].get(name, True) for name, values in conditions.wanted.items())
        return plain | {"nothing": conditions.nothing or nowhere}

    def _values(self, name: str, values: tuple[Any, ...], *, is_wanted: bool) -> list[Any]:
        if name == APPLICATION:
            return self._applications(values)
        if name == EVENT_TYPE:
            return self._types(values)
        if DIMENSIONS[name].kind == "emails":
            return self._users(name, is_wanted=is_wanted)
        return [list(value) if isinstance(value, tuple) else value for value in values]

    def _is_here(self, name: str, item: str) -> bool:
        """Whether an item of a list is about something in this account, or known to everybody."""
        field, value = self._filter.form.fields[name], unsigned(item)[1]
        compared = field.compared(value)
        if name == APPLICATION:
            return bool(self._applications(compared))
        return field.is_none(value) or value.endswith("*") or bool(self._types(compared))

    def _applications(self, applications: Iterable[tuple[int | None, str]]) -> list[str]:
        return [app for key, app in applications if key == self._account.pk or (key is None and self._tells(app))]

    def _tells(self, app: str) -> bool:
        """Whether any event of this account tells an application's id, which may be another account's."""
        if app not in self._told:
            about = Conditions(accounts=(self._account.pk,), wanted={APPLICATION: ((self._account.pk, app),)})
            self._told[app] = next(iter(stream_keys(about)), None) is not None
        return self._told[app]

    @cached_property
    def _known_types(self) -> dict[str, str]:
        return descriptions(event_type_choices([self._account.pk]))

    def _types(self, codes: Iterable[str]) -> list[str]:
        """Those that everybody knows or this account's events carry; the known ones may be a minute old."""
        own = AuditEvent.objects.filter(account=self._account)
        return [code for code in codes if not code or code in self._known_types or own.filter(event_type=code).exists()]

    def _users(self, name: str, *, is_wanted: bool) -> list[str]:
        """Users as they were asked for: the addresses that a part stands for are those of the whole archive."""
        field = self._filter.form.fields[name]
        asked = [value for wanted, value in map(unsigned, self._filter.form.cleaned_data[name]) if wanted == is_wanted]
        return ["" if field.is_none(value) else field.shown(value) for value in asked]


def from_plain(plain: dict[str, Any], account: int) -> Conditions:
    """The same conditions again, over this account. Raises KeyError, TypeError, ValueError: nothing of ours."""
    lists: dict[str, dict[str, tuple[Any, ...]]] = {}
    for side in ("wanted", "unwanted"):
        lists[side] = {name: _read(name, values, account) for name, values in plain[side].items()}
    return Conditions(
        accounts=(account,),
        wanted=lists["wanted"],
        unwanted=lists["unwanted"],
        start=datetime.fromisoformat(plain["start"]) if plain["start"] else None,
        end=datetime.fromisoformat(plain["end"]) if plain["end"] else None,
        text=plain["text"],
        new_country=plain["new_country"],
        nothing=plain["nothing"],
    )


def _read(name: str, values: list[Any], account: int) -> tuple[Any, ...]:
    if name == APPLICATION:
        return tuple((account, app) for app in values)
    if DIMENSIONS[name].kind == "emails":
        return tuple(user for value in values for user in _users_of(value))
    return tuple((value[0], value[1]) for value in values) if DIMENSIONS[name].ranges else tuple(values)


def _users_of(value: str) -> tuple[str, ...]:
    """The addresses that a statement's user stands for; nobody's where there is none, which must not become all."""
    if "*" in value:
        return matching(value) or (value,)
    return spellings_of(value) if value else ("",)
