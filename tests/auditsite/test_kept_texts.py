"""`{% translate %}` says what Django's own says, in each language, and asks for it once."""

from __future__ import annotations

from typing import Any

import pytest
from django.template import Context, engines
from django.templatetags import i18n
from django.templatetags.i18n import TranslateNode
from django.utils import translation

from auditsite.kept_texts import Kept


def _template(text: str) -> Any:
    return engines["django"].from_string("{% load i18n %}" + text).template


def test_each_language_has_its_own_text() -> None:
    template = _template("{% translate 'Sign off' %}, {% trans 'Events' %}")
    said = {"en": "Sign off, Events", "es": "Firmar revisión, Eventos"}
    for language in ("en", "es", "en"):
        with translation.override(language):
            assert template.render(Context()) == said[language]


def test_text_is_looked_up_once_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    template = _template("{% translate 'Events' %}")
    looked_up: list[str | None] = []
    render = TranslateNode.render

    def watched(node: TranslateNode, context: Context) -> str:
        looked_up.append(translation.get_language())
        text: str = render(node, context)
        return text

    monkeypatch.setattr(TranslateNode, "render", watched)
    for language in ("en", "es", "en", "es"):
        with translation.override(language):
            template.render(Context())
    with translation.override(None):
        assert template.render(Context()) == "Events"

    assert looked_up == ["en", "es", None]


@pytest.mark.parametrize(
    "text",
    [
        "{% translate 'Events' as said %}{{ said }}, {{ said }}",
        "{% translate _('Events') %}",
        "{% translate word %}",
        "{% translate word|upper %}",
        "{% translate 'Events'|upper %}",
        "{% translate 'May' context 'month' %}",
        "{% translate 'Events' noop %}",
        "{% translate '<b> & 100%' %}",
        "{% autoescape off %}{% translate '<b> & 100%' %}{% endautoescape %}",
        "{% translate '' %}",
        "{% translate 1234.5 noop %}",
    ],
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_says_what_djangos_own_says(text: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = _template(text)
    monkeypatch.setitem(i18n.register.tags, "translate", i18n.do_translate)
    theirs = _template(text)

    assert not theirs.nodelist.get_nodes_by_type(Kept)
    for word in ("Events", "<Teams>"):
        with translation.override(language):
            assert ours.render(Context({"word": word})) == theirs.render(Context({"word": word}))
