"""What asks again who is there: an open browser proves nothing. Which pages do so stands in one table.

What counts as an answer is allauth's: password, code or passkey, for ACCOUNT_REAUTHENTICATION_TIMEOUT. A login counts
for as long; by single sign-on from when the provider says that it asked who is there: rarely at the login here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import DisallowedRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import kept_forms
from accounts.login.notice import at_the_top, current_page, page_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

PAGE = frozenset({"GET", "HEAD", "POST"})  # already before the page is shown: it is there for nothing else
CHANGE = frozenset({"POST"})  # before something is changed: looking is free
# By the name of the view; `tests/login/test_confirm.py` has what else can be posted to, and why it does not ask.
# Exports ask as well where they have many rows: see `REAUTHENTICATE_ROWS` in the view.
ASKS: dict[str, frozenset[str]] = {
    # API secrets of accounts, and what else opens other systems
    "events:account_new": PAGE,
    "admin:accounts_nexmoaccount_add": PAGE,
    "admin:accounts_nexmoaccount_change": CHANGE,
    "admin:accounts_nexmoaccount_delete": CHANGE,
    "admin:accounts_nexmoaccount_switch_off": CHANGE,
    # where findings go to, and the secrets that sign them
    "events:alert_channel_new": PAGE,
    "events:alert_channel_edit": PAGE,
    "events:alert_channel_secret": CHANGE,
    # API tokens, and streams, which take events away for good
    "accounts:token_new": PAGE,
    "events:stream_new": PAGE,
    "events:stream_edit": PAGE,
    "events:stream_resume": CHANGE,
    "events:stream_replay": CHANGE,
    # what is found and told, for whoever could go unseen without it
    "events:stream_pause": CHANGE,
    "events:stream_delete": CHANGE,
    "events:alert_delete": CHANGE,
    "events:alert_channel_delete": CHANGE,
    "events:rule_save": CHANGE,
    "events:rule_switch": CHANGE,
    "events:suppress": CHANGE,
    "admin:events_ownrule_changelist": CHANGE,  # its actions switch rules
    "admin:events_ownrule_add": CHANGE,
    "admin:events_ownrule_change": CHANGE,
    "admin:events_ownrule_delete": CHANGE,
    # evidence, and what keeps events from being deleted
    "events:evidence": CHANGE,
    "events:account_evidence": CHANGE,
    "events:pack_file": PAGE,
    "events:pack_delete": CHANGE,
    "events:access_export": PAGE,
    "admin:events_legalhold_add": CHANGE,
    "admin:events_legalhold_change": CHANGE,
    "admin:events_legalhold_release": CHANGE,
    # who may do what, and who may come in
    "admin:auth_user_add": PAGE,
    "admin:auth_user_change": CHANGE,
    "admin:auth_user_delete": CHANGE,
    "admin:auth_user_switch_off": CHANGE,
    "admin:auth_user_hand_over": CHANGE,
    "admin:auth_user_end_sessions": CHANGE,
    "admin:auth_user_password_change": PAGE,
    "admin:auth_group_add": PAGE,
    "admin:auth_group_change": CHANGE,
    "admin:auth_group_delete": CHANGE,
    "admin:mfa_authenticator_delete": CHANGE,
    "admin:socialaccount_socialaccount_add": PAGE,
    "admin:socialaccount_socialaccount_change": CHANGE,
    "admin:socialaccount_socialaccount_delete": CHANGE,
    # the own login; allauth itself asks nowhere (auditsite.login.adapters.AccountAdapter)
    "mfa_activate_totp": PAGE,
    "mfa_deactivate_totp": PAGE,
    "mfa_add_webauthn": PAGE,
    "mfa_edit_webauthn": PAGE,
    "mfa_remove_webauthn": PAGE,
    "mfa_generate_recovery_codes": PAGE,
    "mfa_view_recovery_codes": PAGE,
    "mfa_download_recovery_codes": PAGE,
    "accounts:session_end": CHANGE,
    "accounts:sessions_end": CHANGE,
}


def is_due(request: HttpRequest) -> bool:
    """Whether whoever is logged in must confirm who they are before something sensitive."""
    user: Any = request.user
    since = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return not any(record["at"] > since for record in get_authentication_records(request, user))


def count_single_sign_on_from(request: HttpRequest, moment: float | None) -> None:
    """Have the login by single sign-on that has just begun this session count from a moment, in seconds since the
    epoch: the provider's signed word for when it asked who is there. Without it the login confirms nothing."""
    records = get_authentication_records(request, request.user)
    for record in records:
        if record["method"] == "socialaccount":
            record["at"] = min(moment or 0, time.time())
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = records


def has_way(user: Any) -> bool:
    """Whether somebody has a password or a second factor here to confirm with; LOCAL_LOGIN may leave passwords to
    superusers."""
    by_password = settings.LOCAL_LOGIN == "everyone" or user.is_superuser
    return any(by_password or way["id"] != "reauthenticate" for way in get_reauthentication_flows(user))


def ask(request: HttpRequest, page: str = "") -> HttpResponseBase:
    """The way to the page that asks, and from there to `page`, or to where the reader is now. What was typed into a
    form that keeps it is there again then, and nothing is done by itself."""
    address = reverse("account_reauthenticate")
    if request.headers.get("HX-Request"):
        back = urlencode({REDIRECT_FIELD_NAME: current_page(request)})
        return at_the_top(request, "login/_confirm_needed.html", {"confirm": f"{address}?{back}"})
    if request.method == "POST" and not page:
        page = kept_forms.keep(request, "confirm")
        if not page:
            page = page_before(request)
            messages.info(request, _("Nothing was changed yet. Once you have confirmed, press the button again."))
    try:
        return redirect(f"{address}?{urlencode({REDIRECT_FIELD_NAME: page or request.get_full_path()})}")
    except DisallowedRedirect:  # the address to come back to is longer than Django lets a redirect be
        return redirect(address)


class ConfirmMiddleware:
    """Enforces the table."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        match: Any = request.resolver_match
        if request.method not in ASKS.get(match.view_name, ()) or not request.user.is_authenticated:
            return None
        return ask(request) if is_due(request) else None
