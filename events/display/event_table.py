"""The table of events: one declaration of columns for the page, with rows drawn by one function."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import django_tables2 as tables
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from events.fields import load_json
from events.nexmo.catalog import EVENT_TYPES, family
from events.reading.dimensions import DIMENSIONS
from events.wording.codes import is_country_code, source_title, type_words
from events.wording.context_line import summarise
from events.wording.sentences import sentence
from events.wording.times import ago, offset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from accounts.models import NexmoAccount
    from events.reading import Row

CLICKABLE = tuple(DIMENSIONS)
PAGE = ("before", "after", "size")
_ADDRESS = re.compile(
    r"[0-9.]{7,15}|[]0-9a-fA-F:.[]{2,53}"
)  # what an address may look like; anything else is only text
NOTHING = '<span class="none">–</span>'
# What the table can show, in its order; the two that lead to the event always stay.
COLUMNS = {
    "when": gettext_lazy("When"),
    "account": gettext_lazy("Account"),
    "what": gettext_lazy("What"),
    "type": gettext_lazy("Type"),
    "who": gettext_lazy("Who"),
    "user_id": gettext_lazy("User id"),
    "source": gettext_lazy("Source"),
    "origin": gettext_lazy("From"),
    "summary": gettext_lazy("Details"),
    "event_id": gettext_lazy("Event id"),
}
ALWAYS = ("when", "what")
LONGEST_KEPT = 4_000  # characters of a context that is kept with what was read from it: there may be thousands
USUAL = ("when", "account", "what", "who", "source", "origin", "summary")
_TYPE = re.compile(r"[A-Za-z0-9_.]+")
_SAFE = "!$&'()*+,;=/~:@"  # what a path may hold unquoted (RFC 3986)
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")


class EventTable(tables.Table):
    """Events newest first. Every `render_` takes a row and returns escaped HTML.

    The rows of django-tables2 look at every cell's signature and attributes; at 50 rows that costs far more than the
    queries, so a row is drawn here in one go, and the library keeps the columns.
    """

    when, account, what, type, who, user_id, source, origin, summary, event_id = (
        tables.Column(verbose_name=title, orderable=False) for title in COLUMNS.values()
    )

    class Meta:
        template_name = "events/table.html"
        attrs = {"id": "events"}

    def __init__(
        self,
        data: Iterable[Row],
        *,
        accounts: Iterable[NexmoAccount],
        descriptions: Mapping[str, str] | None = None,
        params: Any = None,
        shown: Sequence[str] = USUAL,
        now: datetime | None = None,
    ) -> None:
        """
        Args:
            accounts: the accounts of the events.
            descriptions: what types mean, for events that do not say so themselves.
            params: the filter in force, which a click on a value narrows further.
            shown: the columns, by name.
            now: tell times as how long ago that is; without it, exactly.
        """
        super().__init__(list(data), exclude=[name for name in COLUMNS if name not in (*shown, *ALWAYS)])
        self.now = now
        self.language = translation.get_language()
        self.has_type = "type" in shown
        asked = (
            [(name, value) for name, values in params.lists() if name not in PAGE for value in values] if params else []
        )
        self.query = escape(f"?{urlencode(asked)}") if asked else ""  # an event's page knows the filter it came from
        # What must not be there stays so when another value joins it.
        self.exclusions = json.dumps(
            {
                name: out
                for name in CLICKABLE
                if (
                    out := ",".join(
                        item for key, value in asked if key == name for item in value.split(",") if item.startswith("-")
                    )
                )
            }
        )
        self.narrowing = {name: escape(_narrowing(asked, name)) for name in CLICKABLE}
        self.descriptions = descriptions or EVENT_TYPES
        root = reverse("events:accounts")
        self.names = {
            account.pk: (
                self.value("account", account.api_key, escape(account.name)),
                f"{root}{quote(account.api_key)}/events/",
            )
            for account in accounts
        }
        self.zone = timezone.get_current_timezone()

    def body(self) -> SafeString:
        """All rows, as HTML."""
        cells: list[tuple[str, Callable[[Row], str]]] = [
            (
                f'<td class="{column.name}" data-title="{escape(str(column.header))}">',
                getattr(self, f"render_{column.name}"),
            )
            for column in self.columns
        ]
        lines = (
            f'<tr data-event-id="{escape(row.event_id)}">'
            + "".join(f"{opening}{render(row)}</td>" for opening, render in cells)
            + "</tr>"
            for row in self.data
            if row.account_id in self.names  # not of an account that was made a moment ago
        )
        return mark_safe("\n".join(lines))  # noqa: S308 - every piece of it was escaped

    def value(self, name: str, value: str, shown: str) -> str:
        """A value that narrows the filter to itself, where there is such a filter; `shown` is HTML."""
        if name not in self.narrowing or "," in value or value != value.strip() or value.startswith("-"):
            return shown  # no filter, or none that could ask for this value
        return f'<a class="v" href="{self.narrowing[name]}{quote(value)}">{shown}</a>'

    def address(self, row: Row) -> str:
        """The event's own page."""
        event_id = row.event_id
        if not _PLAIN_ID.fullmatch(event_id):
            event_id = escape(quote(event_id, safe=_SAFE))  # as Django's reverse does
        return f"{self.names[row.account_id][1]}{event_id}/{self.query}"

    def render_when(self, row: Row) -> str:
        at = row.created_at.astimezone(self.zone)
        iso = at.isoformat(" ")
        doubt = f' <abbr title="{escape(_unreadable_time())}">≈</abbr>' if row.created_at_basis == "fetched" else ""
        exact = f"{iso[:10]}T{iso[11:]}"
        if self.now:
            words = escape(ago(row.created_at, self.now))
            told = f'<time datetime="{exact}" title="{iso[:19]} {offset(at)}">{words}</time>'
        else:
            told = f'<time datetime="{exact}">{iso[:10]} <b>{iso[11:19]}</b></time> <small>{offset(at)}</small>'
        return f'<a class="when" href="{self.address(row)}">{told}</a>{doubt}'

    def render_account(self, row: Row) -> str:
        return self.names[row.account_id][0]

    def render_what(self, row: Row) -> str:
        code = row.event_type
        told = _sentence(code, row.context, self.language) or escape(
            type_words(code, row.event_type_description or self.descriptions.get(code, "")) or _("Event without type")
        )
        link = f'<a class="what family-{_family(code)}" href="{self.address(row)}"><span>{told}</span></a>'
        return link if self.has_type else f"{link} {self.render_type(row)}"

    def render_type(self, row: Row) -> str:
        code = f"<code>{escape(row.event_type)}</code>"
        plain = row.event_type.strip()
        return self.value("event_type", plain, code) if _TYPE.fullmatch(plain) else code

    def render_who(self, row: Row) -> str:
        if row.user_email:
            name, at, domain = row.user_email.rpartition("@")
            # A long address breaks here, not within a word.
            return self.value("user_email", row.user_email, f"{escape(name)}{at}<wbr>{escape(domain)}")
        return escape(_("user %(id)s") % {"id": row.user_id}) if row.user_id else NOTHING

    def render_user_id(self, row: Row) -> str:
        return self.value("user_id", row.user_id, f"<code>{escape(row.user_id)}</code>") if row.user_id else NOTHING

    def render_event_id(self, row: Row) -> str:
        return f"<code>{escape(row.event_id)}</code>"

    def render_source(self, row: Row) -> str:
        if not row.source:
            return NOTHING
        shown = _source(row.source, self.language) or escape(row.source_description or row.source)
        return self.value("source", row.source, shown)

    def render_origin(self, row: Row) -> str:
        if not row.source_ip and not row.source_country:
            return NOTHING
        country, address = "", f"<code>{escape(row.source_ip)}</code>"
        if row.source_country:
            shown = country_name(row.source_country, self.language)
            known = is_country_code(row.source_country)
            country = (self.value("source_country", row.source_country, shown) if known else shown) + " "
        if row.source_ip and _ADDRESS.fullmatch(row.source_ip):
            address = self.value("source_ip", row.source_ip, address)
        return country + address

    def render_summary(self, row: Row) -> str:
        text = _summary(row.context, self.language) if row.context else ""
        odd = f' <span class="tag odd">{escape(_odd())}</span>' if row.odd_fields else ""
        return f'<span class="line">{text}</span>{odd}' if text or odd else NOTHING


def _narrowing(asked: list[tuple[str, str]], name: str) -> str:
    """The query string of the filter in force, ready for another value of one parameter."""
    rest = [pair for pair in asked if pair[0] != name]
    return f"?{urlencode(rest)}{'&' if rest else ''}{name}="


def _unreadable_time() -> str:
    return _("Nexmo sent no readable time; this is when the event was fetched.")


def _odd() -> str:
    return _("odd")


@lru_cache(maxsize=256)
def _source(code: str, language: str | None) -> str:
    return escape(source_title(code))


@lru_cache(maxsize=256)
def _family(code: str) -> str:
    return family(code)[0]


@lru_cache(maxsize=512)
def country_name(code: str, language: str | None) -> str:
    """A country with its flag, as HTML; whatever is no country's code stays as it is."""
    name = countries.name(code)
    if not name:
        return f'<span class="country">{escape(code)}</span>'
    flag = static(f"flags/{code.lower()}.gif")
    return (
        f'<span class="country" title="{escape(code)}"><img src="{escape(flag)}" alt="" width="16" height="11"> '
        f"{escape(name)}</span>"
    )


def _sentence(code: str, context: str | None, language: str | None) -> str:
    read = _read_sentence if len(context or "") <= LONGEST_KEPT else _read_sentence.__wrapped__
    return read(code, context, language)


@lru_cache(maxsize=4096)
def _read_sentence(code: str, context: str | None, language: str | None) -> str:
    return sentence(code, load_json(context))


def _summary(context: str, language: str | None) -> str:
    read = _read_summary if len(context) <= LONGEST_KEPT else _read_summary.__wrapped__
    return read(context, language)


@lru_cache(maxsize=4096)
def _read_summary(context: str, language: str | None) -> str:
    return escape(summarise(load_json(context)))
