"""Django's `i18n`, whose `translate` looks a text up once for each language: a page has dozens, each forty calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.templatetags import i18n
from django.utils.translation import get_language

if TYPE_CHECKING:
    from django.template.base import Parser, Token
    from django.template.context import Context

register = template.Library()
register.tags.update(i18n.register.tags)
register.filters.update(i18n.register.filters)


class Kept(template.Node):
    """A node whose text depends on the language alone."""

    def __init__(self, node: template.Node) -> None:
        self._node = node
        self._texts: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        text = self._texts.get(language)
        if text is None:
            text = self._texts[language] = self._node.render(context)
        return text


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> template.Node:
    """As Django's. A text that stands in the template itself is kept."""
    node = i18n.do_translate(parser, token)
    text = node.filter_expression
    kept = text.var.literal is not None and not (text.filters or node.asvar or node.message_context)
    return Kept(node) if kept else node
