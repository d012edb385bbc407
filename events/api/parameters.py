"""What operations may be asked by: read strictly, because a parameter that nobody reads must not pass for a filter."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.api.cursors import NEWEST, ORDERS, Place, WrongCursor, parse
from events.api.errors import wrong_parameters
from events.detection.findings.inbox_filter import ORDER as INBOX_ORDER
from events.detection.findings.inbox_filter import FindingFilter
from events.filters.form import EventFilter
from events.filters.limits import MOST_TEXT
from events.filters.parameters import unknown
from events.reading.conditions import Conditions
from events.reading.filterable import DIMENSIONS, PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from django.http import QueryDict
    from django_stubs_ext import StrPromise

    from events.api.operation import Access


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation, for reading and for the documentation.

    Attributes:
        schema: of its value, as OpenAPI has it.
    """

    name: str
    help: str | StrPromise
    schema: Mapping[str, Any]


MOST_NEXMO, USUAL_NEXMO = 100, 30  # events of a page, as the Audit API has it
MOST, USUAL = 1_000, 100
MOST_FINDINGS = 250
SINGLE_OF_FINDINGS = ("q", "period", "date_from", "date_to")
_NUMBER = re.compile(r"[0-9]{1,9}")


def _list(**schema: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"} | schema}


SEARCH_TEXT = _("A piece of the event's JSON; under /api/v1/ words that it must contain, as in the site's search.")
FILTERS: tuple[Parameter, ...] = tuple(
    Parameter(
        name,
        SEARCH_TEXT if name == "search_text" else parameter.meaning or parameter.help,
        _list() if name in DIMENSIONS else {"type": "string"},
    )
    for name, parameter in PARAMETERS.items()
    if name != "order"
)
_NARROWING = frozenset((*PARAMETERS, "account_id")) - {"order"}
ACCOUNT_ID = Parameter("account_id", _("Only this account, by API key: the same as `account`."), _list())
PAGE = Parameter("page", _("The number of the page, from 1."), {"type": "integer", "minimum": 1, "default": 1})
CURSOR = Parameter(
    "cursor",
    _("Where to go on: the `cursor` of the page before. Empty: begin, and be told cursors."),
    {"type": "string"},
)
ORDER = Parameter(
    "order",
    _(
        "`newest` or `oldest` first, or `arrival`: in the order in which events were archived. Its cursor is a "
        "checkpoint: asked again later, it brings what was archived since, late events too."
    ),
    {"type": "string", "enum": list(ORDERS), "default": NEWEST},
)
FORMAT = Parameter(
    "format",
    _("`json`, or `ndjson`: an event a line. Without it the Accept header decides."),
    {"type": "string", "enum": ["json", "ndjson"], "default": "json"},
)


def size_parameter(usual: int, most: int) -> Parameter:
    return Parameter(
        "size", _("How many there are on a page."), {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    )


SIZE_NEXMO, SIZE = size_parameter(USUAL_NEXMO, MOST_NEXMO), size_parameter(USUAL, MOST)
COMPATIBLE = (*FILTERS, ORDER, ACCOUNT_ID, PAGE, SIZE_NEXMO, CURSOR)
EVENTS = (*FILTERS, ORDER, ACCOUNT_ID, SIZE, CURSOR, FORMAT)
VIEW_EVENTS = (ORDER, SIZE, CURSOR, FORMAT)


@lru_cache
def finding_parameters() -> tuple[Parameter, ...]:
    """Those of the list of findings: the inbox's own, by its form."""
    from_form = [
        Parameter(name, declared.field.label, {"type": "string"} if name in SINGLE_OF_FINDINGS else _list())
        for name, declared in FindingFilter.base_filters.items()
        if name != INBOX_ORDER  # programs read on from the newest
    ]
    return (*from_form, size_parameter(USUAL, MOST_FINDINGS), CURSOR)


def check(params: QueryDict, parameters: Sequence[Parameter]) -> None:
    """Refuse parameters that the operation does not know, and single ones that are given twice. Raises ApiError."""
    known = [parameter.name for parameter in parameters]
    wrong = [("", sentence) for sentence in unknown(params, known)]
    wrong += [
        (parameter.name, gettext("This parameter may be given once only."))
        for parameter in parameters
        if parameter.schema["type"] != "array" and len(params.getlist(parameter.name)) > 1
    ]
    if wrong:
        raise wrong_parameters(wrong)


def read_number(params: Mapping[str, Any], name: str, usual: int, most: int | None = None) -> int:
    """A whole number from 1, up to `most`. Raises ApiError."""
    text = params.get(name)
    if text is None:
        return usual
    digits = text.lstrip("0")
    if most is None:
        if text.isascii() and text.isdecimal() and digits:
            return int(digits) if len(digits) < 16 else 10**15
        raise wrong_parameters([(name, gettext("Write a whole number from 1."))])
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise wrong_parameters(
            [(name, gettext("Write a whole number from 1 to %(most)s.") % {"most": most})],
        )
    return int(text)


def read_choice(params: Mapping[str, Any], parameter: Parameter) -> str:
    """One of the values that a parameter may have, or its default. Raises ApiError."""
    value: str = params.get(parameter.name) or parameter.schema["default"]
    if value not in parameter.schema["enum"]:
        choices = ", ".join(parameter.schema["enum"])
        raise wrong_parameters(
            [
                (
                    parameter.name,
                    gettext("“%(value)s” is not a valid value. Write one of %(choices)s.")
                    % {"value": value[:60], "choices": choices},
                )
            ]
        )
    return value


def read_place(params: Mapping[str, Any]) -> Place | None:
    """Where to go on, or None to begin. Raises ApiError."""
    try:
        return parse(params["cursor"]) if params.get("cursor") else None
    except WrongCursor as error:
        raise wrong_parameters([("cursor", str(error))]) from None


def read_conditions(params: QueryDict, access: Access, *, as_nexmo: bool = False) -> Conditions:
    """What is asked for among the accounts of a token, by the one meaning that filters have.

    Args:
        as_nexmo: `search_text` is a piece of the event's JSON, as the Audit API has it, and no search in words.

    Raises:
        ApiError: a value is wrong.
    """
    # Of one that is given several times any may have the value, not only the last.
    if not any(name in _NARROWING and any(params.getlist(name)) for name in params):
        return Conditions(accounts=None if access.everything else tuple(access.keys))
    params = params.copy()
    params.pop("order", None)
    aliases = params.pop("account_id", [])
    if aliases:
        params.setlist("account", [*params.getlist("account"), *aliases])
    text = params.pop("search_text", [""])[-1] if as_nexmo else ""
    event_filter = EventFilter(params, accounts=access.accounts, everything=access.everything)
    wrong = [
        ("account_id" if aliases and name == "account" else name, " ".join(map(str, errors)))
        for name, errors in event_filter.errors.items()
    ]
    if len(text) > MOST_TEXT:
        wrong.append(("search_text", gettext("At most %(most)s characters.") % {"most": MOST_TEXT}))
    if wrong:
        raise wrong_parameters(wrong)
    conditions = event_filter.conditions
    return _containing(conditions, text) if text.strip() else conditions


def _containing(conditions: Conditions, text: str) -> Conditions:
    """These, and a piece of JSON in the event."""
    if "\0" in text:  # JSON has no such character
        return replace(conditions, nothing=True)
    # What is quoted as JSON has it is a piece of JSON to searches too; all else is one phrase.
    unescaped = text.replace('\\"', '"').replace("\\\\", "\\")
    return replace(conditions, text=unescaped if '"' in unescaped else f'"{unescaped}"')


def question(params: QueryDict, leave_out: Collection[str]) -> str:
    """The parameters in one spelling, without some."""
    pairs = sorted((name, value) for name in params for value in params.getlist(name) if name not in leave_out)
    return repr(pairs)
