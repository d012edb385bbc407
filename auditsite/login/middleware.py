"""Whoever is not logged in is led to the login, and from there back to what they were doing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedRedirect
from django.db import OperationalError
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure

from accounts import kept_forms
from accounts.login import sessions
from accounts.login.notice import at_the_top, current_page, page_before
from auditsite.login import first_run
from auditsite.rights.addresses import TABLE
from events.storage.transactions import impatient

if TYPE_CHECKING:
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
