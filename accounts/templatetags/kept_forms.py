"""The mark of forms whose fields outlast a login that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html

from accounts import kept_forms

if TYPE_CHECKING:
    from django.forms import BaseForm
    from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def something_kept(context: dict[str, Any]) -> bool:
    """`{% something_kept as kept %}`: whether a form waits in this session for its owner to log in."""
    return kept_forms.has_kept(context["request"])


@register.simple_tag(takes_context=True)
def keep_form(context: dict[str, Any], form: BaseForm | None = None) -> SafeString:
    """`{% keep_form %}`, inside of a form. Its secrets are never kept: `{% keep_form form %}` where one has a name that
    does not tell."""
    return format_html(
        '<input type="hidden" name="{}" value="{}">', kept_forms.FIELD, kept_forms.mark(context["request"], form)
    )
