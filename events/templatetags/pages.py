"""The links from one page of a list to the pages before and after it, drawn by a function: each list has them twice."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

if TYPE_CHECKING:
    from collections.abc import Mapping

register = template.Library()


class Words(NamedTuple):
    """What the links say, as HTML."""

    first: str
    back: str
    on: str


@lru_cache(maxsize=16)
def _words(order: str, language: str | None) -> Words:
    """In the language in use, which is part of what the cache knows an answer by."""
    words = {
        "newest": (gettext("Newest"), gettext("Newer"), gettext("Older")),
        "oldest": (gettext("Oldest"), gettext("Older"), gettext("Newer")),
        "worst": (gettext("Most severe"), gettext("More severe"), gettext("Less severe")),
    }[order]
    return Words(*map(escape, words))


@lru_cache(maxsize=16)
def _label(place: str, language: str | None) -> str:
    labels = {"above": gettext("Pages, above the table"), "below": gettext("Pages, below the table")}
    return escape(labels[place])


@register.simple_tag(takes_context=True)
def page_links(context: Mapping[str, Any], place: str) -> SafeString:
    """The links, in the order of the list.

    Context: links (`events.filters.query_string.page_links`), oldest_first, worst_first.

    Args:
        place: "above" or "below" the table.
    """
    order = "worst" if context.get("worst_first") else "oldest" if context.get("oldest_first") else "newest"
    language, links = get_language(), context["links"]
    words = _words(order, language)
    before, after = (links["older"], links["newer"]) if order == "oldest" else (links["newer"], links["older"])
    first = f'<a href="{escape(links["first"])}">{words.first}</a> ' if before else ""
    back, on = _link(before, "prev", f"← {words.back}"), _link(after, "next", f"{words.on} →")
    return SafeString(f'<nav class="pages" aria-label="{_label(place, language)}">{first}{back} {on}</nav>')


def _link(address: str, relation: str, words: str) -> str:
    if not address:
        return f'<span aria-disabled="true">{words}</span>'
    return f'<a rel="{relation}" href="{escape(address)}">{words}</a>'
