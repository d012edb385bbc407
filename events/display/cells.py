"""The columns of events: each says what people read of it on pages, and what files hold.

A column's `render` returns escaped HTML; `value` returns the text of a cell of CSV and Excel. Both take a row and the
table that it is drawn for (`events.display.event_table`), which knows the accounts, the zone, and the filter in force.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import quote

from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django_countries import countries

from events.display.drawing import EventColumn
from events.masking import both, mask_jsons, shown, with_valid_numbers
from events.nexmo.catalog import family
from events.nexmo.values import ip_key
from events.reading.applications import LONGEST_KEPT
from events.wording import severity
from events.wording.codes import is_country_code, source_title, type_words
from events.wording.context_line import summarise
from events.wording.marking import coded, marked, marked_address
from events.wording.sentences import plain_sentence, sentence
from events.wording.times import ago, offset

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from events.display.event_table import EventTable
    from events.reading import Row
    from events.reading.marks import Mark

NOTHING = SafeString('<span class="none">–</span>')
_TYPE = re.compile(r"[A-Za-z0-9_.]+")


class When(EventColumn):
    """When it happened, in the table's zone. Pages name the day where it changes, and the zone in the heading."""

    attrs: ClassVar[Any] = {
        **EventColumn.attrs,
        "th": {**EventColumn.attrs["th"], "aria-sort": lambda table: _sorted(table) if table.turned else None},
    }

    def heading_state(self, table: EventTable) -> Hashable:
        return bool(table.turned), table.oldest_first

    def heading(self, table: EventTable) -> str:
        title, zone = escape(str(self.verbose_name)), f" <small>{escape(table.offset)}</small>" if table.offset else ""
        if table.turned:
            tip = _("Show the newest first") if table.oldest_first else _("Show the oldest first")
            arrow = "↑" if table.oldest_first else "↓"
            title = (
                f'<a href="{escape(table.turned)}" title="{escape(tip)}">{title} <i aria-hidden="true">{arrow}</i></a>'
            )
        return title + zone

    def render(self, record: Row, table: EventTable) -> SafeString:
        at = record.created_at.astimezone(table.zone)
        iso = at.isoformat(" ")
        doubt = f' <abbr title="{escape(_unreadable_time())}">≈</abbr>' if record.created_at_basis == "fetched" else ""
        if record.created_at > table.latest:
            in_the_future = escape(_("in the future"))
            doubt = f' <span class="tag odd">{in_the_future}</span>'
        exact, from_utc = f"{iso[:10]}T{iso[11:]}", offset(at)
        if table.now:
            words = escape(ago(record.created_at, table.now))
            shown = f'<time datetime="{exact}" title="{iso[:19]} {from_utc}">{words}</time>'
        else:
            day = f'<span class="same">{iso[:10]}</span>' if record.pk in table.same_day else iso[:10]
            shown = f'<time datetime="{exact}">{day} <b>{iso[11:19]}</b></time>'
            if from_utc != table.offset:
                shown += f" <small>{from_utc}</small>"
        return SafeString(f'<a class="when" href="{table.address(record)}">{shown}</a>{doubt}')

    def value(self, record: Row, table: EventTable) -> str:
        return record.created_at.astimezone(table.zone).isoformat()


class Account(EventColumn):
    """The account: its name on pages, its key in files."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        return table.account_links[record.account_id]

    def value(self, record: Row, table: EventTable) -> str:
        return table.accounts[record.account_id].api_key


class AccountName(EventColumn):
    """The account's name, in files."""

    def value(self, record: Row, table: EventTable) -> str:
        return table.accounts[record.account_id].name


class Type(EventColumn):
    """The code of the event's type."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        html, ending = _type_code(record.event_type)
        return SafeString(table.narrowing["event_type"] + ending) if ending else html


class What(EventColumn):
    """What happened: as a sentence on pages, as Nexmo describes the type in files."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        code = record.event_type
        app = table.application_of(record)
        shown = _sentence(code, record.context, table.language, app) or marked(
            type_words(code, record.event_type_description or table.descriptions.get(code, ""))
            or _("Event without type")
        )
        link = f'<a class="what family-{_family(code)}" href="{table.address(record)}"><span>{shown}</span></a>'
        if table.marks and (mark := table.marks.get(record.pk)):
            link = f"{_mark(mark)} {link}"
        # What has no column of its own stands beside the sentence.
        if record.odd_fields and not table.has_details:
            link += _odd_tag()
        if table.has_type:
            return SafeString(link)
        html, ending = _type_code(code)
        return SafeString(f"{link} {table.narrowing['event_type']}{ending}" if ending else f"{link} {html}")


class WhatHappened(EventColumn):
    """What happened, in words, in files: the sentence that pages have."""

    def value(self, record: Row, table: EventTable) -> str:
        code = record.event_type
        return (
            plain_sentence(code, shown(record.context), table.application_of(record))
            or type_words(code, record.event_type_description or table.descriptions.get(code, ""))
            or code
            or _("Event without type")
        )


class Who(EventColumn):
    """The user's e-mail address, or on pages the number where there is none."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        if record.user_email:
            html, ending = _user(record.user_email)
            return SafeString(table.narrowing["user_email"] + ending) if ending else html
        return (marked(_("user %(id)s") % {"id": record.user_id})) if record.user_id else NOTHING


class Code(EventColumn):
    """A text as it stands, on pages as code."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        text = self.value(record, table)
        return SafeString(f"<code>{marked(text)}</code>") if text else NOTHING


class UserId(Code):
    """The user's number, which narrows the filter where there is one for it."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        html = super().render(record, table)
        opening = table.narrowing.get("user_id")
        ending = _ending(record.user_id, html) if opening and record.user_id else ""
        return SafeString(f"{opening}{ending}") if ending else html


class Source(EventColumn):
    """Where it was done: in words on pages, as Nexmo's code in files."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        if not record.source:
            return NOTHING
        html, ending = _source(record.source, table.language)
        if not html:
            html = marked(record.source_description or record.source)  # as long as Nexmo likes, so not kept
            ending = _ending(record.source, html)
        return SafeString(table.narrowing["source"] + ending) if ending else html


class Origin(EventColumn):
    """Country and address on pages, the address in files."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        if not record.source_ip and not record.source_country:
            return NOTHING
        country = ""
        if record.source_country:
            html, ending = _country(record.source_country, table.language)
            country = f"{table.narrowing['source_country']}{ending} " if ending else f"{html} "
        html, ending = _address(record.source_ip)
        return SafeString(country + (table.narrowing["source_ip"] + ending if ending else html))


class CountryName(EventColumn):
    """The country's name, in files; empty where there is none of that code."""

    def value(self, record: Row, table: EventTable) -> str:
        return _plain_country_name(record.source_country, table.language)


class Details(EventColumn):
    """The context: in one line on pages, as JSON without credentials in files."""

    def render(self, record: Row, table: EventTable) -> SafeString:
        text = _summary(record.context, table.language) if record.context else ""
        odd = _odd_tag() if record.odd_fields else ""
        return SafeString(f'<span class="line">{text}</span>{odd}') if text or odd else NOTHING

    def value(self, record: Row, table: EventTable) -> str:
        return self.values([record], table)[0]

    def values(self, records: Sequence[Row], table: EventTable) -> Sequence[str]:
        return list(mask_jsons(with_valid_numbers(record.context or "") for record in records))


def _sorted(table: EventTable) -> str:
    return "ascending" if table.oldest_first else "descending"


class Shown(NamedTuple):
    """A value as cells show it. Most rows of a page show what another one did, so these are kept, by values that are
    short; the filter in force, which may be long, stands apart: a table has the openings of its links.

    Attributes:
        html: by itself.
        ending: of a link that narrows the filter to it; "" where no filter asks for just this value.
    """

    html: SafeString
    ending: str


def _ending(value: str, html: str) -> str:
    if "," in value or value != value.strip() or value.startswith("-"):
        return ""  # no filter could ask for this value
    return f'{quote(value)}">{html}</a>'


def account_link(opening: str, key: str, name: str) -> SafeString:
    """An account's name, which narrows the filter to it."""
    html, ending = _account(key, name)
    return SafeString(opening + ending) if ending else html


@lru_cache(maxsize=1024)
def _account(key: str, name: str) -> Shown:
    html = marked(name)
    return Shown(html, _ending(key, html))


@lru_cache(maxsize=1024)
def _type_code(code: str) -> Shown:
    html, plain = SafeString(f"<code>{marked(code)}</code>"), code.strip()
    return Shown(html, _ending(plain, html) if _TYPE.fullmatch(plain) else "")


@lru_cache(maxsize=4096)
def _user(email: str) -> Shown:
    html = marked_address(email)
    return Shown(html, _ending(email, html) if narrows("user_email", email) else "")


@lru_cache(maxsize=256)
def _source(code: str, language: str | None) -> Shown:
    """Nothing for codes without words of ours."""
    html = SafeString(escape(source_title(code)))
    return Shown(html, _ending(code, html) if html else "")


@lru_cache(maxsize=512)
def _country(code: str, language: str | None) -> Shown:
    html = SafeString(country_name(code, language))
    return Shown(html, _ending(code, html) if is_country_code(code) else "")


@lru_cache(maxsize=4096)
def _address(ip: str) -> Shown:
    html = SafeString(f"<code>{marked(ip)}</code>")
    return Shown(html, _ending(ip, html) if narrows("source_ip", ip) else "")


def _mark(mark: Mark) -> str:
    """The way to the finding that an event led to."""
    words = _("Finding %(number)s, %(severity)s: %(title)s") % {
        "number": mark.finding,
        "severity": severity.title(mark.severity).lower(),
        "title": coded(mark.title),
    }
    done = " done" if mark.is_finished else ""
    address = escape(reverse("events:finding", args=[mark.finding]))
    return (
        f'<a class="mark {severity.slug(mark.severity)}{done}" href="{address}" title="{escape(words)}">'
        f'<i aria-hidden="true"></i><span class="sr-only">{escape(words)}</span></a>'
    )


def _unreadable_time() -> str:
    return _("Nexmo sent no readable time; this is when the event was fetched.")


def _odd_tag() -> str:
    word = escape(_("odd"))
    return f' <span class="tag odd">{word}</span>'


@lru_cache(maxsize=8192)
def narrows(name: str, value: str) -> bool:
    """Whether the filter takes a user or an address for just this one: others would lead to an error or to more events.

    `EventFilter.takes` says so of every parameter, at the price of a form.
    """
    if not value or "," in value or value != value.strip() or value.startswith("-"):
        return False
    if name == "user_email":
        return "@" in value and "*" not in value and value.strip("@.") != ""
    return ip_key(value) != ""


@lru_cache(maxsize=256)
def _family(code: str) -> str:
    return family(code)[0]


@lru_cache(maxsize=512)
def country_name(code: str, language: str | None) -> str:
    """A country with its flag, as HTML; whatever is not a country's code stays as it is."""
    name = countries.name(code)
    if not name:
        return f'<span class="country">{marked(code)}</span>'
    flag = static(f"flags/{code.lower()}.gif")
    return (
        f'<span class="country" title="{escape(code)}"><img src="{escape(flag)}" alt="" width="16" height="11"> '
        f"{escape(name)}</span>"
    )


@lru_cache(maxsize=512)
def _plain_country_name(code: str, language: str | None) -> str:
    return str(countries.name(code))


def _sentence(code: str, context: str | None, language: str | None, app: str) -> str:
    read: Any = _read_sentence if len(context or "") <= LONGEST_KEPT else _read_sentence.__wrapped__
    text: str = read(code, context, language, app)
    return text


@lru_cache(maxsize=4096)
def _read_sentence(code: str, context: str | None, language: str | None, app: str) -> str:
    return sentence(code, shown(context), app)


def _summary(context: str, language: str | None) -> str:
    read: Any = _read_summary if len(context) <= LONGEST_KEPT else _read_summary.__wrapped__
    text: str = read(context, language)
    return text


@lru_cache(maxsize=4096)
def _read_summary(context: str, language: str | None) -> str:
    real, told = both(context)
    return summarise(told, real)
