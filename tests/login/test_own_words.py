"""allauth's pages and messages, in our words and with our titles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("mfa_view_recovery_codes", "Recovery codes"),
        ("mfa_generate_recovery_codes", "Make new recovery codes"),
        ("mfa_deactivate_totp", "Remove the app"),
        ("account_change_password", "Change password"),
        ("account_inactive", "Account switched off"),
    ],
)
def test_titles(confirmed: Callable[[str], Client], cast: dict[str, Any], name: str, title: str) -> None:
    client = confirmed("bob")
    TOTP.activate(cast["bob"], generate_totp_secret())
    RecoveryCodes.activate(cast["bob"])

    page = (Client() if name == "account_inactive" else client).get(reverse(name))

    assert f"<title>{title} – Auditsite</title>" in page.content.decode()
