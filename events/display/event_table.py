"""The table of events: one declaration of columns for pages and for files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

import django_tables2 as tables
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_tables2.utils import Sequence as ColumnSequence

from events.display import cells, drawing
from events.nexmo.catalog import EVENT_TYPES
from events.reading.applications import nameless
from events.reading.filterable import COLUMNS
from events.wording.plausible import latest_plausible
from events.wording.segments import to_segment
from events.wording.times import offset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, tzinfo

    from accounts.models import NexmoAccount
    from events.reading import Row
    from events.reading.applications import Names
    from events.reading.marks import Mark

CLICKABLE = tuple(COLUMNS)
PAGE = ("before", "after", "size")
ALWAYS = ("when", "what")  # these lead to the event
USUAL = ("when", "account", "what", "who", "source", "origin")
_SAFE = "!$&'()*+,;=/~:@"  # what a path may hold unquoted (RFC 3986)
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")


class EventTable(tables.Table):
    """Events in the order they come in.

    Columns are declared in the order of files; `Meta.sequence` is the order of pages. Those that are not visible are in
    files only. Rows are drawn by `row_drawer`, and by the library itself where that is None.
    """

    row_drawer: ClassVar[Callable[[Any], SafeString] | None] = drawing.draw_rows

    when = cells.When(_("When"), accessor="created_at")
    account = cells.Account(_("Account"))
    account_name = cells.AccountName(visible=False)
    event_id = cells.Code(_("Event id"))
    type = cells.Type(_("Type"), accessor="event_type")
    what = cells.What(_("What"), accessor="event_type_description")
    who = cells.Who(_("Who"), accessor="user_email")
    user_id = cells.UserId(_("User id"))
    source = cells.Source(_("Source"))
    source_description = drawing.EventColumn(visible=False)
    origin = cells.Origin(_("From"), accessor="source_ip")
    source_country = drawing.EventColumn(visible=False)
    summary = cells.Details(_("Details"), accessor="context")
    odd_fields = drawing.EventColumn(visible=False)

    class Meta:
        template_name = "events/table.html"
        orderable = False
        sequence: Sequence[str] = (
            "when",
            "account",
            "what",
            "type",
            "who",
            "user_id",
            "source",
            "origin",
            "summary",
            "...",
        )
        row_attrs = {"data-event-id": lambda record: record.event_id}

    def __init__(
        self,
        data: Iterable[Row],
        *,
        accounts: Iterable[NexmoAccount],
        descriptions: Mapping[str, str] | None = None,
        params: Any = None,
        list_url: str = "",
        shown: Sequence[str] = USUAL,
        now: datetime | None = None,
        zone: tzinfo | None = None,
        density: str = "comfortable",
        words: str | None = None,
        oldest_first: bool = False,
        turned: str = "",
        marks: Mapping[int, Mark] | None = None,
        applications: Names | None = None,
        **options: Any,
    ) -> None:
        """
        Args:
            accounts: the accounts of the events.
            descriptions: what types mean, for events that do not say so themselves.
            params: the filter in force, which a click on a value narrows further.
            list_url: the list that such a click leads to; by default the page's own.
            shown: the columns of a page, by name.
            now: write times as how long ago that is; without it, exactly.
            zone: of the times; by default the reader's.
            density: how close rows stand.
            words: those searched for, as JSON, for the page's script to mark.
            oldest_first: the order that they come in.
            turned: the address of the same list in the other order, if it has one.
            marks: the findings that events led to, by the events' keys.
            applications: what the applications are called that events tell only the ids of.
            options: those of django-tables2, such as `sequence`.
        """
        self.accounts = {account.pk: account for account in accounts}
        self.now, self.zone = now, zone or timezone.get_current_timezone()
        self.oldest_first, self.turned = oldest_first, turned
        self.marks, self.applications = marks or {}, applications or {}
        self.latest = latest_plausible()
        self.language = translation.get_language()
        self.descriptions = descriptions or EVENT_TYPES
        in_force = (
            tuple((name, value) for name, values in params.lists() if name not in PAGE for value in values)
            if params
            else ()
        )
        self.narrowing, exclusions = _of_filter(list_url, in_force)
        attributes = {
            "id": "events",
            # With further columns it may be wider than its page, and then scrolls by itself.
            "class": f"events {density}{' wide' if {*shown} - {*USUAL} else ''}",
            "data-exclusions": exclusions,
            "data-words": words,
        }
        super().__init__(
            [row for row in data if self.knows(row)],
            exclude=[name for name in page_columns(type(self)) if name not in (*shown, *ALWAYS)],
            attrs=attributes,
            **options,
        )
        times = [(row.pk, row.created_at.astimezone(self.zone)) for row in self.data.data]
        # The heading says how far its times are from UTC; one that is not says so itself.
        self.offset = offset(times[0][1]) if times else ""
        self.same_day = {pk for (_, before), (pk, at) in pairwise(times) if before.date() == at.date()}
        # The code of the type stands beside the sentence where it has no column of its own.
        self.has_type = "type" in shown
        self.has_details = "summary" in shown
        self.query = (
            escape(f"?{urlencode(in_force)}") if in_force else ""
        )  # an event's page knows the filter it is from
        self.events_urls = {pk: _events_address(account.api_key) for pk, account in self.accounts.items()}
        self.account_links = {
            pk: cells.account_link(self.narrowing["account"], account.api_key, account.name)
            for pk, account in self.accounts.items()
        }

    def application_of(self, record: Row) -> str:
        """What the application is called that an event tells the id of; "" where that is not known, or not needed."""
        if not self.applications:
            return ""
        return self.applications.get((record.account_id, nameless(record.event_type, record.context)), "")

    def knows(self, record: Row) -> bool:
        """Whether it is of one of the accounts: one may have been made since they were read."""
        return record.account_id in self.accounts

    def body(self) -> SafeString | None:
        """All rows, as HTML; None where the library is to draw them."""
        return None if self.row_drawer is None else self.row_drawer()

    def head(self) -> SafeString:
        """The cells of the head, as HTML."""
        return drawing.draw_head(self)

    def values(self, records: Sequence[Row], names: Sequence[str]) -> list[Sequence[str]]:
        """The cells of these columns, column by column, as files hold them. Of accounts that it does not know, none."""
        known = records
        if not self.accounts.keys() >= {record.account_id for record in records}:
            known = [record for record in records if self.knows(record)]
        return drawing.values(self, known, names)

    def address(self, record: Row) -> str:
        """The event's own page."""
        event_id = record.event_id
        if not _PLAIN_ID.fullmatch(event_id):
            event_id = escape(quote(to_segment(event_id), safe=_SAFE))  # as Django's reverse does
        return f"{self.events_urls[record.account_id]}{event_id}/{self.query}"


class FileTable(EventTable):
    """Events in files: the same columns, and what pages say in other columns. New ones go to the end, because programs
    may count."""

    what_happened = cells.WhatHappened(visible=False)
    source_country_name = cells.CountryName(visible=False)


def page_columns(table: Any = EventTable) -> dict[str, Any]:
    """The titles of the columns that a page can show, by name, in its order."""
    ordered = ColumnSequence(table.Meta.sequence).expand(table.base_columns)
    return {name: table.base_columns[name].verbose_name for name in ordered if table.base_columns[name].visible}


def file_columns() -> dict[str, str]:
    """The columns by the names that they have in files, in the order of files."""
    return {str(column.accessor or name): name for name, column in FileTable.base_columns.items()}


@lru_cache(maxsize=4096)
def _events_address(api_key: str) -> str:
    """Where the pages of an account's events begin."""
    return f"{reverse('events:accounts')}{quote(api_key)}/events/"


InForce = tuple[tuple[str, str], ...]


@lru_cache(maxsize=64)
def _of_filter(list_url: str, in_force: InForce) -> tuple[Mapping[str, str], str]:
    """How links begin that a value completes, by parameter; and what must not be there, as JSON for the page."""
    narrowing = {name: f'<a class="v" href="{escape(_narrowing(list_url, in_force, name))}' for name in CLICKABLE}
    return MappingProxyType(narrowing), json.dumps(_exclusions(in_force))


def _narrowing(list_url: str, in_force: InForce, name: str) -> str:
    """The address of the filter in force, ready for another value of one parameter."""
    rest = [pair for pair in in_force if pair[0] != name]
    return f"{list_url}?{urlencode(rest)}{'&' if rest else ''}{name}="


def _exclusions(in_force: InForce) -> dict[str, str]:
    """What must not be there, by parameter: it stays so when another value joins it."""
    excluded = {
        name: ",".join(
            item for key, value in in_force if key == name for item in value.split(",") if item.startswith("-")
        )
        for name in CLICKABLE
    }
    return {name: items for name, items in excluded.items() if items}
