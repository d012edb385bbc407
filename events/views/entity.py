"""The page of one user, address, number or application: everything known of it across the accounts one may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from events.detection.findings.marks import marks_of
from events.display.cells import country_name
from events.display.event_table import USUAL, EventTable
from events.entities.configuration import configuration
from events.entities.entity import entity, key_of
from events.entities.lookup import MOST_FOLDED, companions, ends, look_alikes, read_about, sample_of
from events.entities.table import SteppedTable
from events.export.files import FORMATS
from events.filters.query_string import PAGE_PARAMS, page_links, with_params
from events.filters.summary import picture
from events.health.completeness import completeness, coverage_sentence
from events.reading import Cursor, Page, read_page_at
from events.reading.applications import names_for, names_of
from events.reading.filterable import ENTITIES, FACETS
from events.views.scope import filtered_events
from events.wording.codes import grouped
from events.wording.times import parse_moment, show

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from events.entities.configuration import Setting
    from events.entities.entity import Entity
    from events.entities.lookup import Companion
    from events.filters.form import EventFilter
    from events.reading.applications import Names
    from events.reading.conditions import Conditions
    from events.reading.facets import Sample

SIZE = 50
SHOWN = 12  # companions of a kind
BESIDES = {"user": ("source_ip", "source_country"), "ip": ("user_email",)}
KINDS = {dimension.name: slug for slug, dimension in ENTITIES.items()}
HIDDEN = {slug: {dimension.name} for slug, dimension in ENTITIES.items()}


@dataclass(frozen=True)
class Lookup:
    """The entity the page is about, and the events of it that the reader may see."""

    request: HttpRequest
    entity: Entity
    event_filter: EventFilter
    conditions: Conditions
    params: QueryDict  # of the list of its events; none where the list's form does not take its name


@require_safe
def entity_page(request: HttpRequest, kind: str, value: str) -> HttpResponse:
    """Everything known of one user, ip, number or application over all accounts the reader may see; `at`: as it was set
    up then."""
    subject = entity(kind, value)
    if subject is None:
        raise Http404
    lookup = _lookup(request, subject)
    sampled, newest = sample_of(subject, lookup.conditions)
    seen = ends(subject, lookup.conditions, sampled)
    if seen is None:
        raise Http404
    page, page_error = _page(lookup, newest)
    context = _overview(lookup, sampled)
    context |= {
        "entity": subject,
        "name": _name(lookup),
        "coverage": coverage_sentence(completeness(list(lookup.event_filter.accounts.values()))),
        "seen": [
            (title, end, lookup.event_filter.accounts_by_pk.get(end.account))
            for title, end in zip((_("First seen"), _("Last seen")), seen, strict=True)
        ],
        "figures": _figures(lookup, sampled),
        "look_alikes": look_alikes(subject, lookup.conditions.accounts),
        "beside": [_beside(lookup, sampled, name) for name in BESIDES.get(subject.slug, ())],
        "page": page,
        "page_error": page_error,
        "links": page_links(request.path, request.GET, page),
        "searched_to": show(page.searched_back_to or page.searched_up_to),
        "sampled_to": "" if sampled.complete or not sampled.reached else show(sampled.reached),
    }
    context |= _events(lookup, page) if subject.is_looked_up else _configuration(lookup, newest, page)
    return render(request, "events/entity.html", context)


def _lookup(request: HttpRequest, subject: Entity) -> Lookup:
    ((name, value),) = subject.params.items()
    params = QueryDict(urlencode(subject.params))
    event_filter = filtered_events(request, params=params)
    if not event_filter.takes(name, value):  # a comma in an e-mail address would make two of it
        params = QueryDict()
        event_filter = filtered_events(request, params=params)
    accounts = None if event_filter.everything else tuple(event_filter.accounts_by_pk)
    return Lookup(request, subject, event_filter, replace(subject.conditions, accounts=accounts), params)


def _name(lookup: Lookup) -> str:
    """What it is called, where it is an application that the reader's accounts have named."""
    if lookup.entity.slug != "application":
        return ""
    app = key_of(lookup.entity.value)
    names = names_of((pk, app) for pk in lookup.event_filter.accounts_by_pk)
    return next(iter(names.values()), "")


def _page(lookup: Lookup, newest: Page) -> tuple[Page, str]:
    """The requested page of its events."""
    before, after = (lookup.request.GET.get(name) for name in PAGE_PARAMS)
    if not before and not after and not lookup.entity.is_looked_up:
        if len(newest.rows) <= SIZE:
            return newest, ""
        return Page(newest.rows[:SIZE], older=Cursor.of(newest.rows[SIZE - 1])), ""
    return read_page_at(lookup.request.GET, partial(read_about, lookup.entity, lookup.conditions, SIZE))


def _overview(lookup: Lookup, sampled: Sample) -> dict[str, Any]:
    """The picture of its events, the list of them and its exports."""
    path, query = reverse("events:list"), with_params(lookup.params)
    hidden = HIDDEN.get(lookup.entity.slug, set())
    conditions = lookup.conditions
    if sampled.complete and sampled.rows:  # from the first to the last, down to minutes
        end = sampled.rows[0][-1] + timedelta(minutes=1)
        conditions = replace(conditions, start=sampled.oldest, end=end)
    context = picture(lookup.event_filter, conditions, sampled, path, lookup.params, hidden)
    context |= {"open_facets": True, "sample_size": len(sampled.rows)}
    if lookup.params:
        exports = [
            (file_format.title, reverse("events:export", args=[kind]) + query) for kind, file_format in FORMATS.items()
        ]
        return context | {"list_url": path + query, "exports": exports, "mentions": _mentions(lookup.entity)}
    for facet in context["facets"]:
        for line in (*facet["shown"], *facet["more"]):
            line["href"] = ""
    legend = [(*entry[:3], "") for entry in context["legend"]]
    return context | {"list_url": "", "legend": legend, "without_noise": ""}


def _mentions(subject: Entity) -> str:
    """The events that contain its name anywhere: of a user also what others did to it."""
    if not subject.is_looked_up or ":" in subject.value:  # the search box would read a word before a colon
        return ""
    return reverse("events:list") + "?" + urlencode({"search_text": subject.value})


def _figures(lookup: Lookup, sampled: Sample) -> list[tuple[str, str]]:
    """How many there are of each; a + where there may be more."""
    titles = {
        "account": _("Accounts"),
        "event_type": _("Types"),
        "source_country": _("Countries"),
        "source_ip": _("IP addresses"),
        "user_email": _("Users"),
    }
    names = list(FACETS)
    counts = {name: len({row[names.index(name)] for row in sampled.rows} - {""}) for name in titles}
    hidden = HIDDEN.get(lookup.entity.slug, set())
    more = "" if sampled.complete else "+"
    figures = [(_("Events"), f"{grouped(len(sampled.rows))}{more}")]
    return figures + [(title, f"{grouped(counts[name])}{more}") for name, title in titles.items() if name not in hidden]


def _beside(lookup: Lookup, sampled: Sample, name: str) -> dict[str, Any]:
    beside = companions(lookup.conditions, sampled, name, timezone.now())
    titles = {
        "source_ip": (_("Seen from these IP addresses"), _("IP address")),
        "source_country": (_("Seen in these countries"), _("Country")),
        "user_email": (_("Users seen there"), _("User")),
    }
    title, column = titles[name]
    return {
        "name": name,
        "title": title,
        "column": column,
        "lines": [(companion, *_link(lookup, name, companion)) for companion in beside[:SHOWN]],
        "left_out": max(len(beside) - SHOWN, 0),
    }


def _link(lookup: Lookup, name: str, companion: Companion) -> tuple[str, str]:
    """Where a companion leads, and how it is shown."""
    if name == "source_country":
        takes = lookup.params and lookup.event_filter.takes(name, companion.value)
        href = reverse("events:list") + with_params(lookup.params, **{name: companion.value}) if takes else ""
        return href, mark_safe(country_name(companion.value, translation.get_language()))  # noqa: S308 - escaped there
    other = entity(KINDS[name], companion.value)
    return other.get_absolute_url() if other else "", companion.value


def _events(lookup: Lookup, page: Page) -> dict[str, Any]:
    shown = [name for name in USUAL if not (lookup.entity.slug == "user" and name == "who")]
    return {"table": EventTable(page.rows, shown=shown, **_of_table(lookup, page))}


def _of_table(lookup: Lookup, page: Page) -> dict[str, Any]:
    return {
        "marks": marks_of(page.rows),
        "applications": names_for(page.rows),
        "accounts": lookup.event_filter.accounts.values(),
        "descriptions": lookup.event_filter.type_descriptions,
        "params": lookup.params,
        "list_url": reverse("events:list"),
    }


def _configuration(lookup: Lookup, newest: Page, page: Page) -> dict[str, Any]:
    """How it is set up at the requested moment, and its events with what each of them changed."""
    at, error = _moment(lookup.request)
    folded, set_up = newest, configuration(lookup.entity, newest.rows, at)
    steps = set_up.steps
    if any(row.pk not in steps for row in page.rows):  # further back than was folded
        steps = configuration(lookup.entity, page.rows).steps
    if at and newest.older and (not newest.rows or at < newest.rows[-1].created_at):
        folded = read_about(lookup.entity, replace(lookup.conditions, end=at), MOST_FOLDED)
        set_up = configuration(lookup.entity, folded.rows)
    names = names_of(
        (setting.row.account_id, key_of(value))
        for setting in set_up.settings
        if setting.slug == "application"
        for value in setting.values
    )
    return {
        "table": SteppedTable(page.rows, steps=steps, **_of_table(lookup, page)),
        "configuration": set_up,
        "settings": [_setting(lookup, setting, names) for setting in set_up.settings],
        "at": at,
        "at_error": error,
        "at_value": timezone.localtime(at).strftime("%Y-%m-%dT%H:%M"),
        "folded_from": folded.rows[-1].created_at if folded.older and folded.rows else None,
        "most_folded": len(folded.rows),
    }


def _moment(request: HttpRequest) -> tuple[datetime | None, str]:
    text = request.GET.get("at", "").strip()
    try:
        return (parse_moment(text).last if text else None), ""
    except ValueError as error:
        return None, str(error)


def _setting(lookup: Lookup, setting: Setting, names: Names) -> dict[str, Any]:
    account = lookup.event_filter.accounts_by_pk.get(setting.row.account_id)
    values = [(value, entity(setting.slug, value)) for value in setting.values]
    return {
        "label": setting.label,
        "values": [
            (
                value,
                other.get_absolute_url() if other else "",
                names.get((setting.row.account_id, key_of(value)), "") if setting.slug == "application" else "",
            )
            for value, other in values
        ],
        "account": account,
        "user": setting.row.user_email,
        "when": setting.row.created_at,
        "href": reverse("events:event", args=[account.api_key, setting.row.event_id]) if account else "",
    }
