"""`{% translate %}` that looks a text up once for each language: a page has dozens, each taking forty calls.

No library of its own, which every template would have to load: it takes the tag's place in Django's `i18n`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.templatetags import i18n
from django.utils.translation import get_language

if TYPE_CHECKING:
    from django.template.base import Parser, Token
    from django.template.context import Context


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


def translate(parser: Parser, token: Token) -> template.Node:
    """Django's node; one that keeps its text where this stands in the template itself."""
    node = i18n.do_translate(parser, token)
    said = node.filter_expression
    is_text = isinstance(getattr(said.var, "literal", None), str)
    return Kept(node) if is_text and not (said.filters or node.asvar or node.message_context) else node


def install() -> None:
    """Put it in the place of Django's own, for all templates that are read from now on."""
    for name in ("translate", "trans"):
        i18n.register.tag(name, translate)
