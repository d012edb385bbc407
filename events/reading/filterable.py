"""The one table of filters. Everything that depends on which filters there are is made from it.

That is: the form's fields, the search box's words, the pills, the conditions' columns and indexes, the facets, the
values in the table that can be clicked, the names that an address may carry, the options of the commands and the list
in the documentation. CONTRIBUTING.md says how a filter is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What an address may narrow a list by.

    Attributes:
        name: the parameter in addresses.
        label: what its pill and its field are called.
        words: the search box's words for it.
        help: what the commands say of their option.
        hint: an example, shown in the empty field.
        example: a value to show what can be written in the search box.
        meaning: what its condition finds, for people.
        field_label: what its field is called, where that is not the label.
    """

    name: str
    label: str | StrPromise
    words: tuple[str, ...] = ()
    help: str
    hint: str | StrPromise = ""
    example: str = ""
    meaning: str | StrPromise = ""
    field_label: str | StrPromise = ""


@dataclass(frozen=True, kw_only=True)
class Dimension(Parameter):
    """A parameter that takes a list of values of one column, each of which may be negated.

    Attributes:
        column: the column that its values are compared with; "" where events tell them in their texts only.
        index: the index that begins with this column and ends in (created_at, id); that of texts has no name here.
        kind: how its values are read and shown: a name in `events.filters.fields.KINDS`.
        facet: the heading of its values in the overview.
        shown: the column whose values people see, where that is another one.
        entity: what kind of page its values have (`events.entities`), if any.
        first: what the filter `new` calls a user's first event with a value of it, if that is recorded.
        ranges: its values are ranges of the column, from first to last.
        rank: of several indexes that would do, the one with the lowest rank is taken: the most selective.
    """

    column: str = ""
    index: str = ""
    kind: str
    facet: str | StrPromise = ""
    shown: str = ""
    entity: str = ""
    first: str | StrPromise = ""
    ranges: bool = False
    rank: int = 25

    @property
    def shown_column(self) -> str:
        return self.shown or self.column


DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension(
            name="event_type",
            rank=50,
            column="event_type",
            index="event_type_time",
            kind="types",
            words=("type", "event"),
            label=_("Type"),
            field_label=_("Event types"),
            facet=_("Types"),
            help="Only this type; a star stands for a group (`NUMBER_*`). Repeatable, or a comma list.",
            example="NUMBER_*",
            meaning=_("Events of a type, by its code or its name. A star stands for the rest of a code."),
        ),
        Dimension(
            name="account",
            rank=60,
            column="account_id",
            index="event_account_time",
            kind="accounts",
            words=("account",),
            label=_("Account"),
            field_label=_("Accounts"),
            facet=_("Accounts"),
            help="Only this account, by API key. Repeatable, or a comma list.",
            meaning=_("Events of an account, by its name or its API key."),
        ),
        Dimension(
            name="user_email",
            rank=20,
            column="user_email",
            index="event_user_time",
            kind="emails",
            words=("user", "email", "username"),
            label=_("User"),
            facet=_("Users"),
            hint=_("name@example.com"),
            help="Only this user: an address, a part of it (`zoe`), or with stars (`*@example.com`). Repeatable, or a "
            "comma list.",
            example="zoe",
            meaning=_(
                "Events of users, by their address or a part of it. *@example.com matches everyone at example.com."
            ),
            entity="user",
        ),
        Dimension(
            name="source_ip",
            rank=10,
            column="source_ip_key",
            index="event_ip_time",
            kind="networks",
            words=("ip", "address"),
            label=_("IP address"),
            facet=_("IP addresses"),
            hint=_("192.0.2.7 or 192.0.2.0/24"),
            help="Only this address, network (`192.0.2.0/24`) or beginning of an address (`198.51.100.`). Repeatable, "
            "or a comma list.",
            example="198.51.100.0/24",
            meaning=_("Events from an IP address, a network, or all addresses that begin like 198.51."),
            shown="source_ip",
            entity="ip",
            ranges=True,
        ),
        Dimension(
            name="source_country",
            rank=40,
            column="source_country",
            index="event_country_time",
            kind="countries",
            words=("country",),
            label=_("Country"),
            facet=_("Countries"),
            hint=_("GB, ES"),
            help="Only this country, such as GB. Repeatable, or a comma list.",
            example="ES,Portugal",
            meaning=_("Events from a country, by its name or its two letters."),
            first=_("First from a country"),
        ),
        Dimension(
            name="source",
            rank=70,
            column="source",
            index="event_source_time",
            kind="sources",
            words=("source",),
            label=_("Source"),
            facet=_("Sources"),
            hint=_("Dashboard or API"),
            help="Only this source, such as CD or DEVAPI. Repeatable, or a comma list.",
            example="API",
            meaning=_("Events that came from the dashboard or through the API."),
        ),
        Dimension(
            name="application",
            kind="applications",
            words=("app", "application"),
            label=_("Application"),
            hint=_("Name or id"),
            help="Only events that name this application, by its id, its name or words of its name. Repeatable, or a "
            "comma list; leave out the comma of a name that has one.",
            example="9b1e2f6a-5c0d-4c7e-9a41-0d6a3f1b2c11",
            meaning=_("Events about an application, by its name, words of its name, or its id."),
        ),
    )
}

# Those that are columns of events.
COLUMNS = {name: dimension for name, dimension in DIMENSIONS.items() if dimension.column}

# Indexes over two columns, by the dimensions they begin with.
PAIRS = {("account", "event_type"): "event_account_type_time"}
PAIR_RANK = 30

# The parameters that take one value.
SINGLE: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            name="search_text",
            words=("number",),
            label=_("Text contains"),
            field_label=_("Search"),
            hint=_("Text, or type:NUMBER_* -user:zoe"),
            help="Only events that contain all these words; a phrase in quotes is one, a minus refuses one.",
            example="+447700900000",
            meaning=_("Events that name a phone number, however it is spelled, or a part of it."),
        ),
        Parameter(
            name="date_from",
            words=("from", "since", "after"),
            label=_("From"),
            help="From this day or time on; `today` and `yesterday` are days too.",
            example="yesterday",
            meaning=_("Events from a day or time on: 2026-01-31, 2026-01-31T14:05, today, yesterday."),
        ),
        Parameter(
            name="date_to",
            words=("to", "until", "before"),
            label=_("Up to"),
            field_label=_("To"),
            help="Up to and including this day or time: `2026-01-31T14:05` is the whole minute.",
            example="2026-01-31T14:05",
            meaning=_("Events up to a day or time, including all of it."),
        ),
        Parameter(
            name="period",
            words=("period", "last"),
            label=_("Period"),
            help="`today`, `yesterday`, `this-week`, `last-week`, `this-month`, `last-month`, or any number of hours, "
            "days or weeks: `36h`, `3d`, `2w`.",
            example="3d",
            meaning=_(
                "Events of the last hours, days or weeks (36h, 3d, 2w), or of today, yesterday, this-week, last-week, "
                "this-month or last-month."
            ),
        ),
        Parameter(
            name="new",
            words=("new",),
            label=_("New"),
            help="`country`: only a user's first event from a country, in each account.",
            example="country",
            meaning=_("The first event of a user from a country, in each account."),
        ),
        Parameter(
            name="order",
            words=("order", "sort"),
            label=_("Order"),
            help="`newest` or `oldest` first; newest by default.",
            example="oldest",
            meaning=_("Sort order: newest or oldest first."),
        ),
    )
}
DATES = ("date_from", "date_to")
ORDERS = {"newest": _("Newest first"), "oldest": _("Oldest first")}
# Those that say which events; the others say how they are shown.
NARROWING = tuple(name for name in SINGLE if name != "order")

PARAMETERS: dict[str, Parameter] = {**SINGLE, **DIMENSIONS}
# What may be the first of its user in the account, by the word for it.
FIRSTS = {dimension.words[0]: dimension.first for dimension in DIMENSIONS.values() if dimension.first}
ENTITIES = {dimension.entity: dimension for dimension in DIMENSIONS.values() if dimension.entity}
# The facets of the overview: the parameter, and the column whose values are counted.
FACETS = {dimension.name: dimension.shown_column for dimension in COLUMNS.values()}
