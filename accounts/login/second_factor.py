"""REQUIRE_MFA: who must have a second factor, by when, and what becomes of those who have none by then.

Everybody has the time of REQUIRE_MFA_GRACE, from their first page under the rule, and is told on every page. After
that, every page leads to where a factor is set up. API tokens are credentials of their own and go on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import MiddlewareNotUsed
from django.db.models import Exists, OuterRef
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import kept_forms
from accounts.login.notice import at_the_top
from accounts.models import FactorGrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

OFF, STAFF, EVERYONE = "off", "staff", "everyone"
SPENT = datetime.fromtimestamp(0, UTC)  # since when those are told who have no time left
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes alone are none

# What whoever lacks a factor may still open, by the names of the views: setting one up, ...
SET_UP = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "account_reauthenticate",
        "mfa_reauthenticate",  # with recovery codes alone
        "mfa_reauthenticate_webauthn",
    }
)
# What nobody gets before they have one, even in time: it would go on without.
WITH_FACTOR = frozenset({"accounts:token_new"})
# ... logging in and out, and what shows nothing of the archive.
OPEN = frozenset({"account_login", "account_logout", "asset", "csp_report", "healthz", "readyz"})
OPEN_NAMESPACES = frozenset({"sso"})


class Standing(NamedTuple):
    """Whether a person has a second factor, and since when they have been told that they need one."""

    has_factor: bool
    told_since: datetime | None


def standing_columns() -> tuple[Any, ...]:
    """What a `values_list` of people must end with for a Standing each."""
    return Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)), "factor_grace__since"


def remember(user: Any, has_factor: bool, told_since: datetime | None) -> None:
    """Keep with a person what was read along with them."""
    user.factor_standing = Standing(bool(has_factor), told_since)


def standing_of(user: Any) -> Standing:
    """A person's standing, asked for where it was not read along with them."""
    if not hasattr(user, "factor_standing"):
        (row,) = get_user_model()._default_manager.filter(pk=user.pk).values_list(*standing_columns())
        remember(user, *row)
    standing: Standing = user.factor_standing
    return standing


def is_required(request: HttpRequest) -> bool:
    """Whether whoever is logged in must have a second factor in this session."""
    user: Any = request.user
    if not user.is_authenticated or settings.REQUIRE_MFA == OFF:
        return False
    if settings.REQUIRE_MFA == STAFF and not (user.is_staff or user.is_superuser):
        return False
    return not (settings.REQUIRE_MFA_EXCEPT_SSO and came_by_single_sign_on(request))


def came_by_single_sign_on(request: HttpRequest) -> bool:
    """Whether this session began with single sign-on, rather than with a password that the same person may have too."""
    return any(
        record["method"] == "socialaccount" and not record.get("reauthenticated")
        for record in get_authentication_records(request, request.user)
    )


def due(request: HttpRequest) -> datetime | None:
    """When whoever is logged in must have set up a factor; None where they have one or need none.

    Their time begins with the first page that asks this. Whoever has a factor then gets none, even by losing it.
    """
    if not is_required(request):
        return None
    user: Any = request.user
    standing = standing_of(user)
    since = standing.told_since
    if since is None:
        begins = SPENT if standing.has_factor else timezone.now()
        grace, _created = FactorGrace.objects.get_or_create(user=user, defaults={"since": begins})
        since = grace.since
    if standing.has_factor:
        return None
    moment: datetime = since + settings.REQUIRE_MFA_GRACE
    return moment


class SecondFactorMiddleware:
    """The one place that enforces REQUIRE_MFA: whatever the view is, and whether it asks for a login itself. Pages find
    in `request.second_factor_due` what to tell, and in `request.needs_second_factor` whether that moment has passed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if settings.REQUIRE_MFA == OFF:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        match: Any = request.resolver_match
        if match.view_name in OPEN or OPEN_NAMESPACES.intersection(match.namespaces):
            return None
        moment = due(request)
        if moment is None:
            return None
        request.second_factor_due = moment  # type: ignore[attr-defined]
        request.needs_second_factor = moment <= timezone.now()  # type: ignore[attr-defined]
        if match.view_name in WITH_FACTOR:
            messages.info(request, _("API tokens go on without a second factor. Set one up here before you make one."))
        elif not request.needs_second_factor or match.view_name in SET_UP:  # type: ignore[attr-defined]
            return None
        if request.headers.get("HX-Request"):
            return at_the_top(request, "login/_factor_needed.html", {"set_up": resolve_url("mfa_index")})
        if request.method == "POST":
            kept_forms.keep(request, "second_factor")
        return redirect("mfa_index")
