"""The menu of views above the list, drawn by a function: a template for each entry would cost more than its query."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from events.filters.query_string import page_address
from events.wording.marking import coded, marked

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from events.filters.saved import View, Views


TITLES = (_("Starred"), _("Mine"), _("My teams"), _("Built in"))


def draw_menu(views: Views, current: View | None, *, changed: bool = False) -> SafeString:
    """The views to choose from by group, the one in force marked.

    Args:
        changed: the filter is no longer that of the view.
    """
    in_force, events = None if changed else current, page_address("list", None)
    *own, others = map(tuple, views.groups)
    sections = [_section(title, group, in_force, events) for title, group in zip(TITLES, own, strict=False) if group]
    if others:
        sections.append(_built_in(others, in_force if in_force in others else None, events, get_language()))
    name, all_views, said = current.name if current else gettext("Views"), gettext("All views"), gettext("changed")
    title = f"<span>{marked(name)}</span>" + (f" <small>{escape(said)}</small>" if changed else "")
    return mark_safe(  # noqa: S308 - every piece of it was escaped
        f'<details class="menu"><summary>{title}</summary><div class="sheet">{"".join(sections)}'
        f'<p><a href="{page_address("views", None)}">{escape(all_views)}</a></p></div></details>'
    )


def _section(title: StrPromise, views: tuple[View, ...], current: View | None, events: str) -> str:
    """A group of views; `events` is the address of the list."""
    items = "".join([_item(view, view == current, events) for view in views])
    return f"<section><h2>{escape(str(title))}</h2><ul>{items}</ul></section>"


@lru_cache(maxsize=64)
def _built_in(views: tuple[View, ...], current: View | None, events: str, language: str | None) -> str:
    """The group of the built-in ones in the language in use, which is part of what the cache knows an answer by."""
    return _section(TITLES[-1], views, current, events)


@lru_cache(maxsize=128)
def _item(view: View, is_current: bool, events: str) -> str:
    """A view's line: they rarely change."""
    in_force = ' aria-current="true"' if is_current else ""
    return f'<li><a href="{escape(view.on(events))}"{in_force}{_title(view)}>{marked(view.name)}</a></li>'


def _title(view: View) -> str:
    return f' title="{escape(coded(view.description))}"' if view.description else ""
