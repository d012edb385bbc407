"""allauth's forms of passkeys and security keys, in our words. What browsers send is hostile until it was checked."""

from __future__ import annotations

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as allauth_forms
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from fido2.webauthn import UserVerificationRequirement

from accounts.validators import name_validator

LONGEST_NAME = 100
# What reading an answer of another shape ends with, in the library that reads it.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)


def _refuse_elsewhere(answer: Any) -> None:
    """Refuse what was answered to a page elsewhere: the library takes every port and subdomain for the site."""
    if settings.PASSKEY_ORIGIN and answer.response.client_data.origin != settings.PASSKEY_ORIGIN:
        raise get_adapter().validation_error("incorrect_code")


class _Named(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "label_suffix": ""})
        self.fields["name"] = forms.CharField(
            label=_("Name"),
            max_length=LONGEST_NAME,
            required=False,
            validators=[name_validator],
            help_text=_("Such as “Laptop” or “Key in the safe”, so that you know which one to remove."),
        )


class AddForm(_Named, allauth_forms.AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"] = forms.BooleanField(
            label=_("Can log in on its own"),
            required=False,
            initial=True,
            help_text=_("A passkey: without password, as the device itself asks for your finger, face or PIN."),
        )
        self.order_fields(["name", "passwordless", "credential"])

    def clean_name(self) -> str:
        return self.cleaned_data["name"] or gettext("Passkey")

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean() or {}
            if credential := cleaned.get("credential"):
                _refuse_elsewhere(auth.parse_registration_response(credential))
                # The owner's choice, where allauth looks for it: browsers say something else there, or nothing.
                said = credential.setdefault("clientExtensionResults", {})
                said["credProps"] = {"rk": bool(cleaned.get("passwordless"))}
        except _UNREADABLE:
            raise get_adapter().validation_error("incorrect_code") from None
        return cleaned


class RenameForm(_Named, allauth_forms.EditWebAuthnForm):
    def clean_name(self) -> str:
        return self.cleaned_data["name"] or gettext("Passkey")


class _Answer(allauth_forms.AuthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        try:
            _refuse_elsewhere(auth.parse_authentication_response(self.cleaned_data["credential"]))
            return super().clean_credential()
        except _UNREADABLE:
            raise get_adapter().validation_error("incorrect_code") from None


class AuthenticateForm(_Answer):
    pass


class LoginForm(_Answer, allauth_forms.LoginWebAuthnForm):
    """In place of the password, so the device must have verified who is there, and the owner have wanted it so."""

    def clean_credential(self) -> Any:
        # All forms keep their challenge in one place: another one's asks for less.
        asked = auth.get_state() or {}
        if asked.get("user_verification") != UserVerificationRequirement.REQUIRED:
            raise get_adapter().validation_error("incorrect_code")
        authenticator = super().clean_credential()
        if not authenticator.wrap().is_passwordless:
            raise get_adapter().validation_error("incorrect_code")
        return authenticator


class ReauthenticateForm(_Answer, allauth_forms.ReauthenticateWebAuthnForm):
    pass
