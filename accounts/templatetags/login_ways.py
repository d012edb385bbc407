"""How people may log in, for the login page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.urls import reverse

register = template.Library()


@register.simple_tag
def login_ways(page: str | None = None) -> dict[str, Any]:
    """The providers of single sign-on with the address where a login begins, and who may use a password. `page` is
    where people come back to."""
    query = f"?{urlencode({'next': page})}" if page else ""
    ways = ((settings.SINGLE_SIGN_ON.openid, "sso:openid"), (settings.SINGLE_SIGN_ON.saml, "sso:saml"))
    return {
        "providers": [{"label": way.label, "address": f"{reverse(name)}{query}"} for way, name in ways if way],
        "superusers_only": settings.LOCAL_LOGIN == "superusers",
    }
