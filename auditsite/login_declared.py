"""The settings of logging in, as `auditsite/env.py` declares all others: name, default, what it is for."""

from __future__ import annotations

SETTINGS: tuple[tuple[str, str, str], ...] = (
    ("PASSWORD_LENGTH", "12", "Minimum length of a new password; without a second factor 15 are advised."),
    (
        "REQUIRE_MFA",
        "off",
        "Who must have a second factor: off, staff (whoever may enter the admin, superusers too) or everyone.",
    ),
    (
        "REQUIRE_MFA_GRACE",
        "7d",
        "How long each person may go on without, from their first page under REQUIRE_MFA; 0s: no time.",
    ),
    (
        "REAUTHENTICATION_TIMEOUT",
        "15m",
        "How long a confirmation of who is there counts, before API secrets, tokens, evidence and permissions.",
    ),
    ("REAUTHENTICATE_ROWS", "100000", "Exports of more rows than this ask for such a confirmation too."),
    ("SESSION_IDLE", "12h", "After this time without activity people are logged out."),
    ("SESSION_MAX", "14d", "How long a login lasts at most, used or not (by single sign-on: SSO_SESSION)."),
    ("REQUIRE_MFA_EXCEPT_SSO", "false", "true: not in logins by single sign-on, where the provider asks for factors."),
)
