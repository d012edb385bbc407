"""How people get in: allauth, without sign-up, with the second factor's secrets encrypted like all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth import get_user_model

from accounts.fields import decrypt, encrypt

if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest


class Backend(AuthenticationBackend):
    """allauth's, which looks a person up together with their profile: every page needs both."""

    def get_user(self, user_id: Any) -> Any:
        user = get_user_model()._default_manager.select_related("profile").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


class AccountAdapter(DefaultAccountAdapter):
    """People are added by an administrator, never by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class MFAAdapter(DefaultMFAAdapter):
    """Authenticator secrets and recovery codes are stored encrypted with CREDENTIAL_KEYS."""

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)
