"""The menu of views above the list, drawn by a function: a template for each entry would cost more than its query."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from events.wording.marking import coded, marked

if TYPE_CHECKING:
    from events.filters.saved import View, Views


def draw_menu(views: Views, current: View | None, *, changed: bool = False) -> SafeString:
    """The views to choose from by group, the one in force marked.

    Args:
        changed: the filter is no longer that of the view.
    """
    groups = (views.starred, views.mine, views.teams, views.others)
    return _drawn(tuple(map(tuple, groups)), current, changed, reverse("events:list"), get_language())


@lru_cache(maxsize=128)
def _drawn(
    groups: tuple[tuple[View, ...], ...], current: View | None, changed: bool, events: str, language: str | None
) -> SafeString:
    """The same for these very views, in the language in use: they rarely change, and the built-in ones are everybody's.
    `events` is the address of the list."""
    titles = (_("Starred"), _("Mine"), _("My teams"), _("Built in"))
    in_force = None if changed else current
    sections = "".join(
        f"<section><h2>{escape(title)}</h2><ul>{_items(group, in_force, events)}</ul></section>"
        for title, group in zip(titles, groups, strict=True)
        if group
    )
    name = current.name if current else _("Views")
    title = f"<span>{marked(name)}</span>" + (f" <small>{escape(_('changed'))}</small>" if changed else "")
    return mark_safe(  # noqa: S308 - every piece of it was escaped
        f'<details class="menu"><summary>{title}</summary>'
        f'<div class="sheet">{sections}<p><a href="{reverse("events:views")}">{escape(_("All views"))}</a></p></div>'
        "</details>"
    )


def _items(views: tuple[View, ...], current: View | None, events: str) -> str:
    return "".join([_item(view, view == current, events) for view in views])


def _item(view: View, is_current: bool, events: str) -> str:
    in_force = ' aria-current="true"' if is_current else ""
    return f'<li><a href="{escape(view.on(events))}"{in_force}{_title(view)}>{marked(view.name)}</a></li>'


def _title(view: View) -> str:
    return f' title="{escape(coded(view.description))}"' if view.description else ""
