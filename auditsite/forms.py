"""allauth's forms without its links to a password reset by e-mail: an administrator sets passwords here."""

from __future__ import annotations

from typing import Any

from allauth.account import forms


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
    pass
