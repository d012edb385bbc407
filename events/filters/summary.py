"""What filtered events look like from further away: over time, and by type, account, user and so on.

Every bar and every value is a link that narrows the filter.
"""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from events.display.cells import country_name
from events.display.histogram import draw, in_words, label, later_in_words, legend
from events.filters.fields import NONE, split_list, unsigned
from events.filters.query_string import PAGE_PARAMS, with_params
from events.nexmo.catalog import FAMILIES, SOURCES
from events.reading.facets import SAMPLE, facets
from events.reading.filterable import DIMENSIONS
from events.reading.histogram import histogram
from events.wording.codes import source_title

if TYPE_CHECKING:
    from django.http import QueryDict

    from events.filters.form import EventFilter
    from events.reading.conditions import Conditions
    from events.reading.facets import Facet, Sample
    from events.reading.histogram import Bar, Histogram

SHOWN, MORE = 10, 40
MOST_BOXES = 1_000
# The types of each family, as the filter takes them.
FAMILY_TYPES = {slug: f"{prefix}*" for prefix, slug, _ in FAMILIES} | {"account": "ACCOUNT_*,-ACCOUNT_SECRET_*"}
NOISE = ("USER_LOGIN", "USER_LOGOUT", "USER_PRODUCT_SEARCH")
CLEAR: dict[str, str | None] = dict.fromkeys(PAGE_PARAMS)


def picture(
    event_filter: EventFilter, conditions: Conditions, sampled: Sample, page: str, params: QueryDict, hidden: set[str]
) -> dict[str, Any]:
    """What templates/events/_summary.html needs.

    Args:
        page, params: the list of these events, which bars and values narrow.
        hidden: facets that would tell nothing new.
    """
    chosen = conditions.accounts or [account.pk for account in event_filter.accounts.values()]
    chart = histogram(conditions, sampled, accounts=chosen)

    def address(bar: Bar) -> str:
        # No further than the filter: the first and the last bar count only that.
        first = max(filter(None, (bar.start, conditions.start)))
        last = min(filter(None, (bar.end.astimezone(UTC) - timedelta(microseconds=1), conditions.end)))
        narrowed = {"date_from": first.isoformat(), "date_to": last.isoformat(), "period": None}
        return page + with_params(params, **(CLEAR | narrowed))

    return {
        "chart": chart,
        "drawing": draw(chart, address) if chart else "",
        "legend": [
            (slug, title, number, page + with_params(params, **(CLEAR | {"event_type": FAMILY_TYPES[slug]})))
            if slug in FAMILY_TYPES
            else (slug, title, number, "")
            for slug, title, number in (legend(chart) if chart else ())
        ],
        "without_noise": _without_noise(page, params, chart),
        "words": in_words(chart) if chart else _("Nothing to show."),
        "bars": [(label(bar.start, chart.unit), address(bar), bar) for bar in chart.bars] if chart else [],
        "first": label(chart.bars[0].start, chart.unit) if chart else "",
        "last": label(chart.bars[-1].start, chart.unit) if chart else "",
        "most": max(bar.total for bar in chart.bars) if chart else 0,
        "uncovered": chart is not None and any(not bar.covered for bar in chart.bars),
        "later": later_in_words(chart.later) if chart and chart.later else "",
        "unknown": chart is not None and any(not bar.known for bar in chart.bars),
        "facets": [
            _facet(params, event_filter, facet, page)
            for facet in facets(conditions, sampled)
            if facet.name not in hidden
        ],
        "sample_size": SAMPLE,
        "complete": sampled.complete,
    }


def _without_noise(page: str, params: QueryDict, chart: Histogram | None) -> str:
    """The same list without what makes up most of it and says least; "" where nothing of that is in it."""
    types = split_list(params.getlist("event_type"))
    if not chart or any(unsigned(item)[0] for item in types) or all(f"-{code}" in types for code in NOISE):
        return ""
    left_out = dict.fromkeys((*types, *(f"-{code}" for code in NOISE)))
    return page + with_params(params, **(CLEAR | {"event_type": ",".join(left_out)}))


def _facet(params: QueryDict, event_filter: EventFilter, facet: Facet, page: str) -> dict[str, Any]:
    known: dict[str, dict[Any, str]] = {
        "account": {pk: account.name for pk, account in event_filter.accounts_by_pk.items()},
        "event_type": event_filter.type_descriptions,
        "source": {code: source_title(code) for code in SOURCES},
    }
    titles = known.get(facet.name, {})
    lines = []
    left_out = max(len(facet.values) - SHOWN - MORE, 0)
    for value, count in facet.values[: SHOWN + MORE]:
        if facet.name == "account" and value not in event_filter.accounts_by_pk:
            continue  # made a moment ago
        code = event_filter.accounts_by_pk[value].api_key if facet.name == "account" else value
        # Values are Nexmo's, and some are not what the form's field takes.
        field = event_filter.form.fields[facet.name]
        link = field.link(code) if value else NONE
        is_taken = event_filter.takes(facet.name, link) if value else field.is_none(link)
        href = page + with_params(params, **(CLEAR | {facet.name: link})) if is_taken else ""
        title = titles.get(value, value) or _("(none)")
        if facet.name == "source_country" and value:
            title = mark_safe(country_name(value, get_language()))  # noqa: S308 - escaped there
        lines.append({"title": title, "code": code, "count": count, "href": href})
    return {
        "name": facet.name,
        "title": DIMENSIONS[facet.name].facet,
        "exact": facet.exact,
        # The values' counts are those of all events, and what is not listed has none.
        "whole": facet.exact and facet.name not in event_filter.active,
        "shown": lines[:SHOWN],
        "more": lines[SHOWN:],
        "left_out": left_out,
        # For the boxes of the filter, which are beside those that are not listed too.
        "rest": json.dumps(rest) if (rest := _rest(event_filter, facet)) else "",
    }


def _rest(event_filter: EventFilter, facet: Facet) -> dict[str, str]:
    """The counts of the values that are not listed, by code, where the form has a box for each."""
    if not facet.exact or facet.name not in ("account", "event_type"):
        return {}
    known = event_filter.accounts_by_pk
    rest = facet.values[SHOWN + MORE :]
    if facet.name == "account":
        rest = [(known[value].api_key, count) for value, count in rest if value in known]
    return {code: intcomma(count) for code, count in rest[:MOST_BOXES]}
