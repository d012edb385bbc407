"""The pages of one's sessions, and the one that asks who is there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from allauth.account.views import reauthenticate
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.login import confirm as confirm_first
from accounts.login import sessions
from accounts.login.device import device
from accounts.own_pages import own_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def confirm(request: HttpRequest) -> HttpResponse:
    """Asks for the password again before something sensitive, or leads to another way: allauth's page."""
    if not confirm_first.has_way(request.user):
        minutes = sessions.duration(timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT))
        page = own_page(request, request.GET.get(REDIRECT_FIELD_NAME, ""), "")
        return render(request, "login/no_way_to_confirm.html", {"minutes": minutes, "page": page}, status=403)
    answer: HttpResponse = reauthenticate(request)
    return answer


class ConfirmWithPasskeyView(ReauthenticateWebAuthnView):
    """allauth's, but where the passkey does not fit one tries again and goes on from there."""

    def form_invalid(self, form: Any) -> HttpResponse:
        for message in form.errors.get("credential", []):
            messages.error(self.request, message)
        return redirect(self.passthrough_next_url(self.request.path))


class LoginWithPasskeyView(LoginWebAuthnView):
    """allauth's, but where the passkey does not fit one tries again, and still comes to the page that was asked for."""

    def form_invalid(self, form: Any) -> HttpResponse:
        for message in form.errors.get("credential", []):
            messages.error(self.request, message)
        wanted = self.request.POST.get(REDIRECT_FIELD_NAME) or self.request.GET.get(REDIRECT_FIELD_NAME, "")
        page, login = own_page(self.request, wanted, ""), reverse("account_login")
        return redirect(f"{login}?{urlencode({REDIRECT_FIELD_NAME: page}, safe='/')}" if page else login)


@require_safe
def own_sessions(request: HttpRequest) -> HttpResponse:
    """Where the reader is logged in: this browser first, then the last ones that were used."""
    user: Any = request.user
    if not UserSession.objects.filter(session_key=request.session.session_key).exists():
        sessions.note_browser(request)
    found = UserSession.objects.purge_and_list(user)
    found.sort(key=lambda session: (session.is_current(), session.last_seen_at), reverse=True)
    shown = [
        {
            "session": session,
            "device": device(session.user_agent),
            "address": "" if session.ip == sessions.NO_ADDRESS else session.ip,
        }
        for session in found
    ]
    context = {
        "sessions": shown,
        "ends_at": sessions.ends_at(request.session),
        "idle": sessions.duration(settings.SESSION_IDLE),
    }
    return render(request, "login/sessions.html", context)


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one session; its browser is nobody's at its next request."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    sessions.end(request, request.user, [session])
    if request.user.is_authenticated:
        messages.success(request, _("That session was ended."))
    return redirect("accounts:sessions")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    sessions.end(request, request.user)
    messages.success(request, _("All other sessions were ended."))
    return redirect("accounts:sessions")
