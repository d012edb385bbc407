"""The addresses of stylesheet and script, for templates."""

from __future__ import annotations

from django import template

from auditsite import assets

register = template.Library()


@register.simple_tag
def asset(kind: str) -> str:
    """`{% asset "css" %}` or `{% asset "js" %}`."""
    return assets.address(kind)
