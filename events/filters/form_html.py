"""The inside of the filter form, drawn by functions behind Django's seam for that: a form renderer.

Templates for some eighty boxes and fields would cost more time than the rest of the page.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from django.forms.renderers import DjangoTemplates
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

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
    periods: tuple[tuple[str, str], ...]
    choices: tuple[tuple[str, str], ...]  # of what may be new


@lru_cache(maxsize=16)
def _words(language: str | None) -> Words:
    """In the language in use, looked up once for each."""
    everything = gettext("All")
    return Words(
        escape(gettext("Filters")),
        escape(gettext("Rows")),
        escape(everything),
        escape(gettext("not")),
        _titled({"": everything, **PERIODS}),
        _titled({"": everything, **FIRSTS}),
    )


def _titled(titles: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((value, escape(str(title))) for value, title in titles.items())


def draw(event_filter: EventFilter, *, one_account: bool, sizes: Sequence[int], size: int) -> SafeString:
    """Search, period, and the fold-out part with everything else."""
    form, words = event_filter.form, _words(get_language())
    badge = f' <span class="badge">{event_filter.condition_count}</span>' if event_filter.condition_count else ""
    own = [(account.api_key, account.name) for account in event_filter.accounts.values()]
    accounts = _errors(form["account"]) if one_account else _boxes(form["account"], (("", tuple(own)),), words)
    options = "".join(
        f'<option value="{choice}"{" selected" if choice == size else ""}>{choice}</option>' for choice in sizes
    )
    search, periods = _labelled(form["search_text"], "field grow"), _periods(form["period"], words)
    return mark_safe(  # noqa: S308 - every piece of it was escaped
        f'<div class="filter-main">{search}{periods}</div>'
        f'<details class="more"{" open" if event_filter.wants_open else ""}><summary>{words.filters}{badge}</summary>'
        f'<div class="filter-more">{accounts}{_boxes(form["event_type"], event_filter.event_types, words)}'
        + "".join(_labelled(form[name], "field") for name in TEXT_FIELDS)
        + _choice(form["new"], words)
        + _kept(form["order"])
        + f'<div class="field"><label for="page-size">{words.rows}</label>'
        f'<select name="size" id="page-size">{options}</select></div></div></details>'
    )


BOXES = ("account", "event_type")
TEXT_FIELDS = (*(name for name in DIMENSIONS if name not in BOXES), *DATES)


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


def _periods(field: forms.BoundField, words: Words) -> str:
    chosen = field.value() or ""
    periods = words.periods
    if PERIOD.fullmatch(str(chosen)) and chosen not in PERIODS:
        periods = (*periods, (escape(chosen), escape(period_title(chosen))))  # it has no button of its own
    radios = "".join(
        f'<label><input type="radio" name="period" value="{value}"{" checked" if value == chosen else ""}>'
        f"<span>{title}</span></label>"
        for value, title in periods
    )
    return (
        f'<fieldset class="field"><legend class="label">{escape(str(field.label))}</legend>'
        f'<div class="periods">{radios}</div>{_errors(field)}</fieldset>'
    )


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
        f'<div class="sheet" role="group" aria-labelledby="label-{name}">{ticks}</div></details>'
        f"{_errors(field)}</div>"
    )


def _count(chosen: int) -> str:
    return ngettext("%(count)s selected", "%(count)s selected", chosen) % {"count": chosen}


@lru_cache(maxsize=256)
def _ticks(name: str, groups: Choices, chosen: tuple[str, ...], without: str) -> str:
    negation = f"{without} "
    # Whole groups (NUMBER_*) and what must not be there (-CODE) are no boxes of their own until they are asked for.
    known = {code for _, choices in groups for code, _ in choices}
    parts = [
        f'<label><input type="checkbox" name="{name}" value="{escape(item)}" checked>'
        f" <span>{negation if item.startswith('-') else ''}<code>{marked(item.removeprefix('-'))}</code></span></label>"
        for item in chosen
        if item not in known
    ]
    for title, choices in groups:
        boxes = "".join(
            f'<label><input type="checkbox" name="{name}" value="{escape(code)}"{" checked" if code in chosen else ""}>'
            f" <span>{marked(words)} <code>{marked(code)}</code></span></label>"
            for code, words in choices
            if code == code.strip() or code.strip() not in known  # else its twin finds both
        )
        parts.append(f"<fieldset><legend>{escape(title)}</legend>{boxes}</fieldset>" if title else boxes)
    return "".join(parts)
