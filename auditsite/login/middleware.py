"""How people get in: allauth, without sign-up, with the second factor's secrets encrypted like all others."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import Permission
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedRedirect
from django.db import OperationalError, connection
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure

from accounts import kept_forms
from accounts.access.signals import note_locked_out
from accounts.encryption import decrypt, encrypt
from accounts.login import second_factor, sessions
from accounts.login.notice import at_the_top, current_page, page_before
from accounts.models import Profile
from accounts.prepared import Prepared
from auditsite.login import first_run, limits
from auditsite.rights.addresses import TABLE
from auditsite.server.proxy import client_address
from events.storage.transactions import impatient

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

METHODS = ("GET", "HEAD", "OPTIONS", "POST")  # views of other packages would take PUT for POST, and others for GET


logger = logging.getLogger("auditsite.login")

NOTED_WITHIN_MS = 100


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
        if answer is None and getattr(view_func, "login_required", True) and sessions.is_activity(request):
            _note_activity(request)
        return answer

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request"):
            page = current_page(request)
            query = f"?{urlencode({REDIRECT_FIELD_NAME: page})}" if page else ""
            context = {"login": f"{resolve_url(settings.LOGIN_URL)}{query}", "why": why_ended(request)}
            return at_the_top(request, "account/_logged_out.html", context)
        if first_run.is_pending():
            return redirect("welcome")
        if why := why_ended(request):
            messages.info(request, why)
        if request.method == "POST":
            return _to_login_after_form(request, kept_forms.keep(request))
        if "." in request.path.rpartition("/")[2]:
            # A file: a browser would stay at the login while it arrives, as if nothing had happened.
            return _to_login(page_before(request))
        try:
            return super().handle_no_permission(request, view_func)
        except DisallowedRedirect:  # the address to come back to is longer than Django lets a redirect be
            return redirect(settings.LOGIN_URL)


def _note_activity(request: HttpRequest) -> None:
    """No page waits for it: while a long sync holds SQLite's lock, the next page notes it."""
    try:
        with impatient(NOTED_WITHIN_MS):
            sessions.note_activity(request)
    except OperationalError as error:
        logger.info("That a session is used was not noted: %s", error)


def why_ended(request: HttpRequest) -> str:
    """Why the browser's session counts no more, as a sentence; "" where it had none."""
    return getattr(request.session, "ended", "")


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """What a form without a valid token leads to: it was sent after the login had ended, or after another one."""
    page = kept_forms.keep(request)
    if request.user.is_authenticated:
        return redirect(page) if page else csrf_failure(request, reason)
    view = request.resolver_match.func if request.resolver_match else None
    if page or getattr(view, "login_required", True):
        return _to_login_after_form(request, page)
    return csrf_failure(request, reason)  # the login itself


def _to_login_after_form(request: HttpRequest, page: str) -> HttpResponseBase:
    """The way to the login, and from there to the page of the form; `page`: of one that asked to be kept, else ""."""
    if not page:
        messages.info(request, _("Nothing was changed, because you are not logged in. Log in and do it again."))
    return _to_login(page or page_before(request))


def _to_login(page: str) -> HttpResponseBase:
    try:
        return redirect_to_login(page, resolve_url(settings.LOGIN_URL))
    except DisallowedRedirect:  # as above
        return redirect(settings.LOGIN_URL)


class Backend(AuthenticationBackend):
    """allauth's, which looks a person up together with their profile and permissions: every page needs them."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """By password: where single sign-on is the way in, for superusers alone (LOCAL_LOGIN)."""
        person = super().authenticate(request, **credentials)
        return person if person is not None and may_log_in_here(person) else None

    def get_user(self, user_id: Any) -> Any:
        is_ruled = settings.REQUIRE_MFA != second_factor.OFF
        rows = (_RULED_PERSON if is_ruled else _PERSON).rows(user_id)
        if not rows:
            return None
        names, of_profile = _person_fields()
        user = get_user_model().from_db(connection.alias, names, rows[0][: len(names)])
        end = len(names) + len(of_profile)
        has_profile = rows[0][len(names)] is not None
        profile = Profile.from_db(connection.alias, of_profile, rows[0][len(names) : end]) if has_profile else None
        Profile._meta.get_field("user").remote_field.set_cached_value(user, profile)
        if is_ruled:
            second_factor.remember(user, *rows[0][end:])
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


def may_log_in_here(person: Any) -> bool:
    """Whether somebody may log in without single sign-on (LOCAL_LOGIN)."""
    return settings.LOCAL_LOGIN == "everyone" or bool(person.is_superuser)


@lru_cache
def _person_fields() -> tuple[list[str], list[str]]:
    return (
        [field.attname for field in get_user_model()._meta.concrete_fields],
        [field.attname for field in Profile._meta.concrete_fields],
    )


def _person(user: int, *more: Any) -> QuerySet[Any]:
    of_user, of_profile = _person_fields()
    people = get_user_model()._default_manager.filter(pk=user)
    return people.values_list(*of_user, *(f"profile__{name}" for name in of_profile), *more)


def _ruled_person(user: int) -> QuerySet[Any]:
    """With what REQUIRE_MFA asks of everybody."""
    return _person(user, *second_factor.standing_columns())


def _permissions(user: int) -> QuerySet[Any]:
    # Two lists: one with "or" in it would look through all permissions there are.
    own, of_groups = Permission.objects.filter(user=user), Permission.objects.filter(group__user=user)
    columns = ("content_type__app_label", "codename")
    return own.order_by().values_list(*columns).union(of_groups.order_by().values_list(*columns))


_PERSON, _RULED_PERSON, _PERMISSIONS = Prepared(_person), Prepared(_ruled_person), Prepared(_permissions)


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
        # A passkey does not pass the backend below: LOCAL_LOGIN holds for it too.
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
