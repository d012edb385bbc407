"""The steps of a login by SAML, without the addresses (`accounts/sso/views.py` has those)."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.core.cache import cache
from django.shortcuts import redirect
from django.urls import reverse

from accounts.sso.refusal import Refusal
from accounts.sso.saml.response import Statement, read

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.sso.config import Saml

KEPT = 120  # seconds in which a browser must come for what was verified


def receive(request: HttpRequest, config: Saml) -> HttpResponse:
    """Verify what the provider had the browser post. That request comes from another site, so without the browser's
    session: who is waiting for it shows in the next one, which this one leads to."""
    ticket = secrets.token_urlsafe(32)
    cache.set(_key(ticket), read(request, config).as_json(), KEPT)
    response = redirect(f"{reverse('sso:saml_finish')}?ticket={ticket}")
    response.status_code = 303
    return response


def _key(ticket: str) -> str:
    """Where it is kept: no cache takes whatever characters somebody may send."""
    return f"sso:{hashlib.sha256(ticket.encode('utf-8', 'replace')).hexdigest()}"


def finish(request: HttpRequest, config: Saml) -> HttpResponse:
    """Log in whom the assertion speaks of, if this browser asked for it."""
    key = _key(request.GET.get("ticket", ""))
    kept = cache.get(key)
    if not kept:
        raise Refusal("lost", "no such ticket")
    cache.delete(key)
    statement = Statement(**kept)
    provider: Any = get_adapter().get_provider(request, provider=config.name)
    state = None
    if statement.answers:
        state = statekit.unstash_state(request, state_id=statement.answers, provider_id=config.name)
    elif config.unsolicited:
        state = {"process": AuthProcess.LOGIN}
    if state is None:
        raise Refusal("lost", "assertion: answers no request of this browser")
    login = provider.sociallogin_from_response(request, statement)
    login.state = state
    answer: HttpResponse = complete_social_login(request, login)
    return answer
