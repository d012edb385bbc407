"""The inside of the filter form, drawn by functions: templates for some eighty boxes and fields would cost more time
than the rest of the page."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString, mark_safe

from events.moments import PERIODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django import forms

    from events.filters import Choices, EventFilter


def draw(found: EventFilter, *, one_account: bool, sizes: Sequence[int], size: int) -> SafeString:
    """Search, period, and the fold-out part with everything else."""
    form = found.form
    badge = f' <span class="badge">{found.condition_count}</span>' if found.condition_count else ""
    own = [(account.api_key, account.name) for account in found.accounts.values()]
    accounts = _errors(form["account"]) if one_account else _boxes(form["account"], (("", tuple(own)),))
    options = "".join(
        f'<option value="{choice}"{" selected" if choice == size else ""}>{choice}</option>' for choice in sizes
    )
    return mark_safe(  # noqa: S308 - every piece of it was escaped
        f'<div class="filter-main">{_labelled(form["search_text"], "field grow")}{_periods(form["period"])}</div>'
        f'<details class="more"{" open" if found.wants_open else ""}><summary>Filters{badge}</summary>'
        f'<div class="filter-more">{accounts}{_boxes(form["event_type"], found.event_types)}'
        + "".join(_labelled(form[name], "field") for name in TEXT_FIELDS)
        + _choice(form["new"])
        + '<div class="field"><label for="page-size">Rows</label>'
        f'<select name="size" id="page-size">{options}</select></div></div></details>'
    )


TEXT_FIELDS = ("user_email", "source", "source_ip", "source_country", "date_from", "date_to")


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
    words = " ".join(escape(str(error)) for error in field.errors)
    return f'<p class="error" id="error-{field.name}" role="alert">{words}</p>'


def _periods(field: forms.BoundField) -> str:
    chosen = field.value() or ""
    radios = "".join(
        f'<label><input type="radio" name="period" value="{escape(str(value))}"{" checked" if value == chosen else ""}>'
        f"<span>{escape(str(title))}</span></label>"
        for value, title in (("", "All"), *PERIODS.items())
    )
    return (
        f'<fieldset class="field"><legend class="label">Period</legend><div class="periods">{radios}</div>'
        f"{_errors(field)}</fieldset>"
    )


def _choice(field: forms.BoundField) -> str:
    """A drop-down to choose one of."""
    chosen = field.value() or ""
    known: Any = field.field
    options = "".join(
        f'<option value="{escape(str(value))}"{" selected" if value == chosen else ""}>{escape(str(title))}</option>'
        for value, title in known.choices
    )
    return (
        f'<div class="field"><label for="{field.auto_id}">{escape(str(field.label))}</label>'
        f'<select name="{field.html_name}" id="{field.auto_id}">{options}</select>{_errors(field)}</div>'
    )


def _boxes(field: forms.BoundField, groups: Choices) -> str:
    """A drop-down of boxes to tick."""
    name, chosen = field.html_name, tuple(field.value() or ())
    return (
        f'<div class="field"><span class="label" id="label-{name}">{escape(str(field.label))}</span>'
        f'<details class="menu boxes"><summary aria-labelledby="label-{name} chosen-{name}">'
        f'<span id="chosen-{name}">{f"{len(chosen)} chosen" if chosen else "All"}</span></summary>'
        f'<div class="sheet" role="group" aria-labelledby="label-{name}">{_ticks(name, groups, chosen)}</div></details>'
        f"{_errors(field)}</div>"
    )


@lru_cache(maxsize=256)
def _ticks(name: str, groups: Choices, chosen: tuple[str, ...]) -> str:
    # Whole groups (NUMBER_*) and what must not be there (-CODE) are no boxes of their own until they are asked for.
    known = {code for _, choices in groups for code, _ in choices}
    parts = [
        f'<label><input type="checkbox" name="{name}" value="{escape(item)}" checked>'
        f" <span>{'not ' if item.startswith('-') else ''}<code>{escape(item.removeprefix('-'))}</code></span></label>"
        for item in chosen
        if item not in known
    ]
    for title, choices in groups:
        boxes = "".join(
            f'<label><input type="checkbox" name="{name}" value="{escape(code)}"{" checked" if code in chosen else ""}>'
            f" <span>{escape(words)} <code>{escape(code)}</code></span></label>"
            for code, words in choices
        )
        parts.append(f"<fieldset><legend>{escape(title)}</legend>{boxes}</fieldset>" if title else boxes)
    return "".join(parts)
