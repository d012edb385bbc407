"""How people get in: allauth, without sign-up, with the second factor's secrets encrypted like all others."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import Permission
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedRedirect
from django.db import connection
from django.db.models import Q
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.csrf import csrf_failure

from accounts import kept_forms
from accounts.fields import decrypt, encrypt
from accounts.models import Profile
from accounts.prepared import Prepared
from auditsite import first_run, login_limits
from auditsite.permissions import TABLE
from auditsite.proxy import client_address

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

METHODS = ("GET", "HEAD", "OPTIONS", "POST")  # views of other packages would take PUT for POST, and others for GET


class LoginMiddleware(LoginRequiredMiddleware):
    """Django's, which sends whoever is not logged in to the login. A request for a part of a page gets a notice
    instead: a login page inside the table would be absurd, and leaving the page would lose what is being read."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        if request.method not in METHODS:
            row = TABLE.get(match.view_name) if match else None
            return HttpResponseNotAllowed(row.methods if row else METHODS)
        if match and match.view_name == settings.LOGIN_URL and first_run.is_pending():
            return redirect("welcome")  # nobody can log in yet
        answer: HttpResponseBase | None = super().process_view(request, view_func, view_args, view_kwargs)
        return answer

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        if not request.headers.get("HX-Request"):
            if first_run.is_pending():
                return redirect("welcome")
            if request.method == "POST":
                return _to_login(kept_forms.keep(request) or _page_before(request))
            try:
                return super().handle_no_permission(request, view_func)
            except DisallowedRedirect:  # the address to come back to is longer than Django lets a redirect be
                return redirect(settings.LOGIN_URL)
        try:
            split = urlsplit(request.headers.get("HX-Current-URL", ""))
        except ValueError:
            split = urlsplit("")
        here = urlunsplit(("", "", split.path, split.query, ""))
        own = url_has_allowed_host_and_scheme(here[:2_000], None)  # Django takes no longer one for safe
        query = urlencode({REDIRECT_FIELD_NAME: here}) if own else ""
        response = render(request, "account/_logged_out.html", {"login": f"{resolve_url(settings.LOGIN_URL)}?{query}"})
        # Shown at the top of the page, whatever part was requested; 286 ends htmx's polling.
        response.status_code = 286
        response["HX-Retarget"], response["HX-Reselect"], response["HX-Reswap"] = "#notice", "#logged-out", "innerHTML"
        return response


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """What a form without a valid token leads to: it was sent after the login had ended, or after another one."""
    page = kept_forms.keep(request)
    if request.user.is_authenticated:
        return redirect(page) if page else csrf_failure(request, reason)
    view = request.resolver_match.func if request.resolver_match else None
    if page or getattr(view, "login_required", True):
        return _to_login(page or _page_before(request))
    return csrf_failure(request, reason)  # the login itself


def _to_login(page: str) -> HttpResponseBase:
    try:
        return redirect_to_login(page, resolve_url(settings.LOGIN_URL))
    except DisallowedRedirect:  # as above
        return redirect(settings.LOGIN_URL)


def _page_before(request: HttpRequest) -> str:
    """The page that a form was sent from, as the browser says; most addresses that are posted to show nothing. Without
    its word it is the address itself."""
    try:
        split = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        split = urlsplit("")
    page = urlunsplit(("", "", split.path, split.query, ""))
    is_own = split.netloc == request.get_host() and url_has_allowed_host_and_scheme(page[:2_000], None)
    return page if is_own else request.get_full_path()


class Backend(AuthenticationBackend):
    """allauth's, which looks a person up together with their profile and permissions: every page needs them."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """By password: where single sign-on is the way in, for superusers alone (LOCAL_LOGIN)."""
        person = super().authenticate(request, **credentials)
        return person if person is None or settings.LOCAL_LOGIN == "everyone" or person.is_superuser else None

    def get_user(self, user_id: Any) -> Any:
        rows = _PERSON.rows(user_id)
        if not rows:
            return None
        names, of_profile = _person_fields()
        user = get_user_model().from_db(connection.alias, names, rows[0][: len(names)])
        has_profile = rows[0][len(names)] is not None
        profile = Profile.from_db(connection.alias, of_profile, rows[0][len(names) :]) if has_profile else None
        Profile._meta.get_field("user").remote_field.set_cached_value(user, profile)
        return user if self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """As Django's, but one query that is compiled once; superusers have them all without any."""
        if not user_obj.is_active or user_obj.is_anonymous or user_obj.is_superuser or obj is not None:
            granted: set[str] = super().get_all_permissions(user_obj, obj)
            return granted
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in _PERMISSIONS.rows(user_obj.pk)}
        known: set[str] = user_obj._perm_cache
        return known


@lru_cache
def _person_fields() -> tuple[list[str], list[str]]:
    return (
        [field.attname for field in get_user_model()._meta.concrete_fields],
        [field.attname for field in Profile._meta.concrete_fields],
    )


def _person(user: int) -> QuerySet[Any]:
    of_user, of_profile = _person_fields()
    people = get_user_model()._default_manager.filter(pk=user)
    return people.values_list(*of_user, *(f"profile__{name}" for name in of_profile))


def _permissions(user: int) -> QuerySet[Any]:
    granted = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return granted.order_by().values_list("content_type__app_label", "codename")


_PERSON, _PERMISSIONS = Prepared(_person), Prepared(_permissions)


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

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        # Where allauth looks for what it takes back after a login that succeeds.
        self._login_failed_rl_usage = login_limits.take(request, credentials.get("username", ""))
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        response = super().post_login(request, user, **kwargs)
        login_limits.remember(request, response, user.get_username())
        return response


class MFAAdapter(DefaultMFAAdapter):
    """Authenticator secrets and recovery codes are stored encrypted with CREDENTIAL_KEYS."""

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)
