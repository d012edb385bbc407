"""allauth's forms without its links to a password reset by e-mail: an administrator sets passwords here. And the second
factor's secret, kept encrypted from its beginning."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, TOTP, generate_totp_secret
from django.utils.translation import gettext_lazy as _

from accounts.encryption import SecretUnreadable, decrypt, encrypt


class _WithoutResetLink:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["label_suffix"] = ""
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.widget.attrs.pop("placeholder", None)
            if name in ("password", "oldpassword"):
                field.help_text = ""


class LoginForm(_WithoutResetLink, forms.LoginForm):
    pass


class ReauthenticateForm(_WithoutResetLink, forms.ReauthenticateForm):
    pass


class ChangePasswordForm(_WithoutResetLink, forms.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Its own have capitals as titles do.
        self.fields["oldpassword"].label = _("Current password")
        self.fields["password1"].label = _("New password")
        self.fields["password2"].label = _("New password again")


IN_SESSION = f"session.{SECRET_SESSION_KEY}"  # what is encrypted there counts nowhere else


class ActivateSecondFactorForm(ActivateTOTPForm):
    """allauth's, with the secret encrypted while it waits in the session, and a code that counts once: whoever looked
    over the shoulder cannot log in with it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["label_suffix"] = ""
        session = context.request.session
        stored = session.get(SECRET_SESSION_KEY)
        super().__init__(*args, **kwargs)
        if self.is_bound and stored:
            try:
                self.secret = decrypt(stored, IN_SESSION)
                return
            except SecretUnreadable:  # of an earlier version, or of keys that are gone: another one is set up
                self.secret = generate_totp_secret()
        session[SECRET_SESSION_KEY] = encrypt(self.secret, IN_SESSION)

    def clean_code(self) -> str:
        code: str = super().clean_code()
        if not TOTP(Authenticator(user=self.user))._mark_code_used(code):
            raise get_adapter().validation_error("incorrect_code")
        return code
