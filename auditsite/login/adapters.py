"""allauth as this site has it: without sign-up, with the second factor's secrets encrypted like all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.access.signals import note_locked_out
from accounts.encryption import decrypt, encrypt
from auditsite.login import limits
from auditsite.login.backend import may_log_in_here
from auditsite.server.proxy import client_address

if TYPE_CHECKING:
    from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """People are added by an administrator, never by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        # Only paths: a browser adds any other word to the address it is at. And Django takes no address beyond 2,048
        # characters for safe; what makes one unsafe stands at its beginning.
        return bool(url and url.startswith("/") and super().is_safe_url(url[:2_000]))

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_reauthentication_required(self, *, app: str = "") -> bool:
        # accounts.login.confirm asks before any of allauth's views that would. Theirs does not count a login as an
        # answer, and lets pass who has no password.
        return False

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        # A passkey does not pass the backend: LOCAL_LOGIN holds for it too.
        is_local = "sociallogin" not in (kwargs.get("signal_kwargs") or {})
        if is_local and not may_log_in_here(user):
            messages.error(request, _("Log in by single sign-on: only superusers log in here without it."))
            return redirect(settings.LOGIN_URL)
        return super().pre_login(request, user, **kwargs)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        # Where allauth looks for what it takes back after a login that succeeds.
        self._login_failed_rl_usage = limits.take(request, credentials.get("username", ""))
        if self._login_failed_rl_usage is None:
            note_locked_out(request, credentials.get("username", ""))
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        response = super().post_login(request, user, **kwargs)
        limits.remember(request, response, user.get_username())
        return response


FACTORS_KEPT_IN = "mfa.Authenticator.data"  # as accounts.rotation calls it


class MFAAdapter(DefaultMFAAdapter):
    """Authenticator secrets and recovery codes are stored encrypted with CREDENTIAL_KEYS."""

    def encrypt(self, text: str) -> str:
        return encrypt(text, FACTORS_KEPT_IN)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text, FACTORS_KEPT_IN)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        named = {**super().get_public_key_credential_rp_entity(), "name": "Auditsite"}
        if settings.PASSKEY_ORIGIN:  # rather than whatever host was asked
            named["id"] = urlsplit(settings.PASSKEY_ORIGIN).hostname or ""
        return named

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return ""  # its owner says what it is
