"""The inside of the filter form, drawn by functions behind Django's seam for that: a form renderer.

Templates for some eighty boxes and fields would cost more time than the rest of the page.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from django.forms.renderers import DjangoTemplates
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from events.filters.dates import TIMES, in_words, shown_as
from events.filters.event_types import whole_family
from events.reading.filterable import DATES, DIMENSIONS, FIRSTS
from events.wording.marking import marked
from events.wording.times import PERIOD, PERIODS, period_title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django import forms

    from events.filters.event_types import Choices
    from events.filters.form import EventFilter


FORM = "events/filter_form"  # the name that stands for a template


class FormRenderer(DjangoTemplates):
    """Django's renderer, except that `draw`, which takes the context, draws the filter form."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        if template_name == FORM:
            return draw(**context)
        rendered: str = super().render(template_name, context, request)
        return rendered


class Words(NamedTuple):
    """The form's own words, as HTML."""

    filters: str
    rows: str
    everything: str
    without: str
    find: str
    help: str
    period: str
    any_time: str
    range: str
    time: str
    whole_days: str
    apply: str
    periods: tuple[tuple[str, str], ...]
    choices: tuple[tuple[str, str], ...]  # of what may be new


@lru_cache(maxsize=16)
def _words(language: str | None) -> Words:
    """In the language in use, looked up once for each."""
    everything, any_time = gettext("All"), gettext("Any time")
    return Words(
        escape(gettext("Filters")),
        escape(gettext("Rows")),
        escape(everything),
        escape(gettext("not")),
        escape(gettext("Find")),
        escape(gettext("Search help")),
        escape(gettext("Period")),
        escape(any_time),
        escape(gettext("From and to")),
        escape(gettext("time (optional)")),
        escape(gettext("Leave the time empty for whole days.")),
        escape(gettext("Apply")),
        _titled({"": any_time, **PERIODS}),
        _titled({"": everything, **FIRSTS}),
    )


def _titled(titles: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((value, escape(str(title))) for value, title in titles.items())


def draw(event_filter: EventFilter, *, one_account: bool, sizes: Sequence[int], size: int) -> SafeString:
    """Search, time, and the fold-out part with everything else."""
    form, words = event_filter.form, _words(get_language())
    badge = f' <span class="badge">{event_filter.condition_count}</span>' if event_filter.condition_count else ""
    own = [(account.api_key, account.name) for account in event_filter.accounts.values()]
    accounts = _errors(form["account"]) if one_account else _boxes(form["account"], (("", tuple(own)),), words)
    options = "".join(
        f'<option value="{choice}"{" selected" if choice == size else ""}>{choice}</option>' for choice in sizes
    )
    search, when = _labelled(form["search_text"], "field grow"), _when(event_filter, words)
    return mark_safe(  # noqa: S308 - every piece of it was escaped
        f'<div class="filter-main">{search}{_help(words)}{when}</div>'
        f'<details class="more"{" open" if event_filter.wants_open else ""}><summary>{words.filters}{badge}</summary>'
        f'<div class="filter-more">{accounts}{_boxes(form["event_type"], event_filter.event_types, words)}'
        + "".join(_labelled(form[name], "field") for name in TEXT_FIELDS)
        + _choice(form["new"], words)
        + _kept(form["order"])
        + f'<div class="field"><label for="page-size">{words.rows}</label>'
        f'<select name="size" id="page-size">{options}</select></div></div></details>'
    )


@lru_cache(maxsize=16)
def _help(words: Words) -> str:
    """What can be written in the box: fetched when it is unfolded; without scripts, a link."""
    address = reverse("events:search_help")
    return (
        f'<details class="menu help"><summary aria-label="{words.help}" title="{words.help}">?</summary>'
        f'<div class="sheet" hx-get="{address}" hx-trigger="toggle from:closest details once" hx-select="#search-help">'
        f'<a href="{address}">{words.help}</a></div></details>'
    )


BOXES = ("account", "event_type")
TEXT_FIELDS = tuple(name for name in DIMENSIONS if name not in BOXES)
MOST_SHOWN = 80  # characters of what cannot be read as a time


def _labelled(field: forms.BoundField, kind: str) -> str:
    return (
        f'<div class="{kind}"><label for="{field.auto_id}">{escape(str(field.label))}</label>'
        f"{_input(field)}{_errors(field)}</div>"
    )


def _input(field: forms.BoundField) -> str:
    """A line of text, as the field's widget has it."""
    widget: Any = field.field.widget
    drawn = widget.get_context(field.html_name, field.value(), {"id": field.auto_id})["widget"]
    attributes = {"type": drawn["type"], "name": field.html_name, "value": drawn["value"], **drawn["attrs"]}
    written = "".join(
        f' {name}="{escape(str(value))}"' for name, value in attributes.items() if value not in (None, False, "")
    )
    return f"<input{written}>"


def _errors(field: forms.BoundField) -> str:
    if not field.errors:
        return ""
    words = " ".join(marked(error) for error in field.errors)
    return f'<p class="error" id="error-{field.name}" role="alert">{words}</p>'


def _when(event_filter: EventFilter, words: Words) -> str:
    """The one control for time: periods to choose from, and the first and the last day or time of one's own."""
    form = event_filter.form
    fields = [form["period"], *(form[name] for name in DATES)]
    chosen = str(fields[0].value() or "")
    periods = words.periods
    if PERIOD.fullmatch(chosen) and chosen not in PERIODS:
        periods = (*periods, (escape(chosen), escape(period_title(chosen))))  # it is not among those that are offered
    radios = "".join(
        f'<label><input type="radio" name="period" value="{value}"{" checked" if value == chosen else ""}>'
        f" {title}</label>"
        for value, title in periods
    )
    is_open = " open" if any(field.errors for field in fields) else ""
    return (
        f'<details class="menu boxes when"{is_open}><summary><span class="sr-only">{words.period}:</span>'
        f"<span>{marked(_time_in_words(event_filter.data)) or words.any_time}</span></summary>"
        f'<div class="sheet"><fieldset class="periods"><legend>{words.period}</legend>{radios}{_errors(fields[0])}'
        f'</fieldset><fieldset class="range"><legend>{words.range}</legend>{_moment(fields[1], words)}'
        f'{_moment(fields[2], words)}<p class="quiet">{words.whole_days}</p>'
        f'<button type="submit" class="primary">{words.apply}</button></fieldset></div></details>'
    )


def _time_in_words(params: Any) -> str:
    """What the control says while it is closed: of what the search box says too."""
    start, end = (in_words(name, (params.get(name) or "").strip()) for name in DATES)
    period = params.get("period") or ""
    parts = [period_title(period) if period in PERIODS or PERIOD.fullmatch(period) else period]
    if start and end:
        parts.append(f"{start} – {end}" if start != end else start)
    elif start:
        parts.append(gettext("From %(moment)s") % {"moment": start})
    elif end:
        parts.append(gettext("Up to %(moment)s") % {"moment": end})
    return ", ".join(filter(None, parts))[:MOST_SHOWN]


def _moment(field: forms.BoundField, words: Words) -> str:
    """The fields of a day and its time, or a line of text for what these cannot say."""
    day, time = shown_as(field.name, str(field.value() or ""))
    marks = "".join(f' {name}="{escape(str(value))}"' for name, value in field.field.widget.attrs.items())
    kind, value = "date" if time is not None else "text", f' value="{escape(day)}"' if day else ""
    inputs = f'<input type="{kind}" name="{field.html_name}"{value} id="{field.auto_id}"{marks}>'
    label = escape(str(field.label))
    if time is not None:
        value = f' value="{time}"' if time else ""
        step = ' step="1"' if time.count(":") > 1 else ""  # else its field has no place for seconds
        inputs += f'<input type="time" name="{TIMES[field.name]}"{value}{step} aria-label="{label}: {words.time}">'
    return f'<div class="edge"><label for="{field.auto_id}">{label}</label><div>{inputs}</div>{_errors(field)}</div>'


def _choice(field: forms.BoundField, words: Words) -> str:
    """A drop-down to choose one of."""
    chosen = field.value() or ""
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{title}</option>'
        for value, title in words.choices
    )
    return (
        f'<div class="field"><label for="{field.auto_id}">{escape(str(field.label))}</label>'
        f'<select name="{field.html_name}" id="{field.auto_id}">{options}</select>{_errors(field)}</div>'
    )


def _kept(field: forms.BoundField) -> str:
    """A value that is chosen elsewhere on the page."""
    value = field.value()
    hidden = f'<input type="hidden" name="{field.html_name}" value="{escape(value)}">' if value else ""
    return f"{hidden}{_errors(field)}"


def _boxes(field: forms.BoundField, groups: Choices, words: Words) -> str:
    """A drop-down of boxes to tick."""
    name, chosen = field.html_name, tuple(field.value() or ())
    state = escape(_count(len(chosen))) if chosen else words.everything
    ticks = _ticks(name, groups, chosen, words.without)
    return (
        f'<div class="field"><span class="label" id="label-{name}">{escape(str(field.label))}</span>'
        f'<details class="menu boxes"><summary aria-labelledby="label-{name} chosen-{name}">'
        f'<span id="chosen-{name}">{state}</span></summary>'
        f'<div class="sheet" role="group" aria-labelledby="label-{name}" data-find="{words.find}">{ticks}</div>'
        f"</details>{_errors(field)}</div>"
    )


def _count(chosen: int) -> str:
    return ngettext("%(count)s selected", "%(count)s selected", chosen) % {"count": chosen}


@lru_cache(maxsize=256)
def _ticks(name: str, groups: Choices, chosen: tuple[str, ...], without: str) -> str:
    """A box for each value and for each family of several; which of them belong together a script knows too."""
    known = {code for _, choices in groups for code, _ in choices}
    families = {title: whole_family([code for code, _ in choices]) for title, choices in groups if title}
    # Parts of groups (NUMBER_U*) and what must not be there (-CODE) are no boxes of their own until they are asked for.
    others = [item for item in chosen if item not in known and item not in families.values()]
    parts = [_box(name, item, _unknown_item(item, without), chosen) for item in others]
    for title, choices in groups:
        boxes = "".join(
            _box(name, code, f"{marked(words)} <code>{marked(code)}</code>", chosen)
            for code, words in choices
            if code == code.strip() or code.strip() not in known  # else its twin finds both
        )
        heading = escape(title)
        if title and len(choices) > 1:
            heading = _box(name, families[title], heading, chosen, " data-family")
        parts.append(f"<fieldset><legend>{heading}</legend>{boxes}</fieldset>" if title else boxes)
    return "".join(parts)


def _box(name: str, value: str, words: str, chosen: tuple[str, ...], mark: str = "") -> str:
    checked = " checked" if value in chosen else ""
    box = f'<input type="checkbox" name="{name}" value="{escape(value)}"{checked}{mark}>'
    return f"<label>{box} <span>{words}</span></label>"


def _unknown_item(item: str, without: str) -> str:
    return f"{f'{without} ' if item.startswith('-') else ''}<code>{marked(item.removeprefix('-'))}</code>"
