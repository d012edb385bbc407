"""Template filters for events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.wording import delivery_problems, marking, severity
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

register = template.Library()
register.filter("marked", marking.marked)
register.filter("marked_address", marking.marked_address)
register.filter("marked_lines", marking.marked_lines)
register.filter("coded", marking.coded)
register.filter("with_code", marking.with_code)
register.filter("alert_problem", delivery_problems.in_words)
register.filter("stream_problem", delivery_problems.of_stream)
register.filter("report_problem", delivery_problems.of_report)
register.filter("severity_badge", severity.badge)

DEEPEST = 12
MOST_ITEMS = 500


@register.filter
def tree(value: Any, called: Mapping[str, tuple[str, str]] | None = None) -> SafeString:
    """Any JSON value as nested lists, escaped; very deep and very long parts are left to the text below.

    Args:
        called: names and pages of applications, by id in lower case, to stand beside the ids.
    """
    return _tree(value, called or {}, 0)


def _tree(value: Any, called: Mapping[str, tuple[str, str]], depth: int) -> SafeString:
    if isinstance(value, (dict, list)) and value:
        if depth >= DEEPEST:
            return format_html(
                '<span class="quiet">… {}</span>', _("nested too deep to show; see the text as received")
            )
        pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value, start=1))
        items = format_html_join(
            "",
            "<dt>{}</dt><dd>{}</dd>",
            ((marking.marked(name), _tree(item, called, depth + 1)) for name, item in pairs[:MOST_ITEMS]),
        )
        more = len(pairs) - MOST_ITEMS
        left_out = ngettext(
            "%(count)s more; see the text as received", "%(count)s more; see the text as received", more
        ) % {"count": more}
        rest = format_html("<dt>…</dt><dd>{}</dd>", left_out) if more > 0 else ""
        return format_html('<dl class="tree">{}{}</dl>', items, rest)
    if value is None or value in ({}, []):
        return format_html('<span class="none">{}</span>', "null" if value is None else _("empty"))
    if isinstance(value, bool):
        return format_html("<code>{}</code>", "true" if value else "false")
    if isinstance(value, str):
        text = format_html('<span class="break">{}</span>', marking.marked(value) or "“”")
        name, address = called.get(value.strip().lower(), ("", ""))
        return format_html('{} <a href="{}">{}</a>', text, address, marking.marked(name)) if name else text
    return format_html("<code>{}</code>", value)


@register.filter
def marked_list(items: Iterable[Any], separator: str = ", ") -> SafeString:
    """Several foreign texts, marked, one after another."""
    return SafeString(separator.join(marking.marked(item) for item in items))


@register.filter
def when(moment: datetime | None) -> str:
    """A time in the reader's zone, with its offset."""
    return show(moment)


@register.filter
def status_level(status: str) -> str:
    """The health class that a run's status is shown with."""
    levels = {"succeeded": "ok", "incomplete": "late", "failed": "problem", "running": "working"}
    return levels.get(status, "off")
