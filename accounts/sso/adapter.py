"""Who comes in by single sign-on: found by the provider's subject, created at the first login, or refused."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts import kept_forms
from accounts.sso import grants
from accounts.sso.refusal import Refusal, stop
from accounts.sso.told import clean

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialLogin
    from django.http import HttpRequest

    from accounts.sso.config import SingleSignOn

TIMEOUT = 10  # seconds of silence from the provider
PATIENCE = 30.0  # seconds for all of an answer's body
MOST_READ = 4_194_304  # bytes of a body, unpacked
NOT_IN_USERNAMES = re.compile(r"[^\w.@+-]")


class ProviderSession(requests.Session):
    """Requests to the provider: with limits of time and size, and to the address asked alone."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs = {"timeout": TIMEOUT, **kwargs, "allow_redirects": False, "stream": True}
        response = super().request(*args, **kwargs)
        with response:
            response._content = _bounded(response)  # where requests itself puts what it has read
        return response


def _bounded(response: requests.Response) -> bytes:
    """The body, unpacked piece by piece: a megabyte may be packed gigabytes. Raises RequestException."""
    body, until = bytearray(), time.monotonic() + PATIENCE
    for piece in response.iter_content(65_536):
        body += piece
        if len(body) > MOST_READ:
            raise requests.exceptions.ContentDecodingError(f"more than {MOST_READ:,} bytes")
        if time.monotonic() > until:
            raise requests.exceptions.ReadTimeout(f"not whole after {PATIENCE:g} seconds")
    return bytes(body)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """allauth's, with the site's rules. Providers come from the settings alone, never from the database."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[Any]:
        return [app for app in super().list_apps(request, provider, client_id) if app.pk is None]

    def get_requests_session(self) -> requests.Session:
        return ProviderSession()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False  # whoever may come in was created before allauth asks

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        return False  # an address says nothing of who holds it

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        account = sociallogin.account
        try:
            if sociallogin.state.get("process") != AuthProcess.LOGIN:
                raise Refusal("invalid", "not begun as a login")
            admit(sociallogin, settings.SINGLE_SIGN_ON)
            kept_forms.carry(request)  # a login in place of another ends the session before
        except Refusal as refusal:
            label = sociallogin.provider.name
            raise stop(request, refusal, provider=account.provider, label=label, subject=account.uid) from None

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        if isinstance(exception, Refusal):
            refusal = exception
        elif error == AuthError.CANCELLED:
            refusal = Refusal("cancelled")
        elif isinstance(exception, requests.RequestException):
            refusal = Refusal("unreachable", type(exception).__name__)
        elif exception is None and "state_id" in (extra_context or {}):
            refusal = Refusal("lost")
        else:
            refusal = Refusal("invalid", type(exception).__name__ if exception else "an error instead of a code")
        raise stop(request, refusal, provider=provider.sub_id, label=provider.name)


def admit(login: SocialLogin, rules: SingleSignOn) -> None:
    """Let somebody in whom the provider vouches for, with what their groups give, or raise Refusal.

    Whoever is known and no longer admitted loses what the groups gave, on other open sessions too.
    """
    groups = login.account.extra_data.get("groups", [])
    missing = login.account.extra_data.pop("missing", [])  # claims that the settings ask for
    known = login.account.pk is not None
    if known and not login.user.is_active:
        raise Refusal("inactive")
    without_group = rules.group_needed and not rules.group_map.names_any_of(groups)
    if missing or without_group:
        if known:
            grants.apply(login.user, [], rules.group_map)
        raise Refusal("missing_claim", f"not as required: {', '.join(missing)}") if missing else Refusal("no_group")
    if not known:
        if not rules.provisions:
            raise Refusal("not_linked")
        try:
            _create(login, groups, rules)
        except IntegrityError:  # at the same moment in another request
            raise Refusal("taken") from None
    else:
        grants.apply(login.user, groups, rules.group_map)


@transaction.atomic
def _create(login: SocialLogin, groups: list[str], rules: SingleSignOn) -> None:
    """The person of a first login. Whoever could be somebody that exists already is never made a second time, nor
    taken for them: an administrator decides."""
    said = login.account.extra_data
    username = User.normalize_username(
        NOT_IN_USERNAMES.sub("", said["username"] or said["email"] or clean(login.account.uid, 150))[:150]
    )
    people = get_user_model()._default_manager
    same = Q(username__iexact=username) | (Q(email__iexact=said["email"]) if said["email"] else Q())
    if not username or people.filter(same).exists():
        raise Refusal("taken")
    person = User(username=username, email=said["email"], first_name=said["first_name"], last_name=said["last_name"])
    person.set_unusable_password()
    person.save()
    login.user = login.account.user = person
    login.account.save()
    grants.apply(person, groups, rules.group_map)
