"""The page that creates the first administrator."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from allauth.account.internal.flows.login import record_authentication
from allauth.core import ratelimit
from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import UserCreationForm
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.form_parts import mark_errors
from accounts.login import sessions
from accounts.validators import name_validator
from auditsite.login import first_run
from auditsite.server.proxy import client_address

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("auditsite.welcome")

TOO_MANY = _("Too many attempts. Wait a minute, then try again.")


class AdministratorForm(UserCreationForm):
    """The first administrator. Passwords are never sent back to the page."""

    class Meta:
        model = get_user_model()
        fields = ("username", "email")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        email, username = self.fields["email"], self.fields["username"]
        email.label = _("Email address")
        email.required = True
        email.help_text = _("For administrators who need to reach you. Nothing is sent to it.")
        username.validators.append(name_validator)
        self.fields["password2"].label = _("Password again")
        self.fields["password2"].help_text = ""
        wrong = [name for name in self.fields if self.is_bound and name in self.errors]
        mark_errors(self)
        username.widget.attrs.pop("autofocus", None)  # Django's, whatever is wrong
        self.fields[(wrong or ["password1" if self.is_bound else "username"])[0]].widget.attrs["autofocus"] = True


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password1", "password2")
def welcome(request: HttpRequest) -> HttpResponse:
    """Creates the first administrator, for whoever has the link that the server printed.

    As soon as anybody exists there is no such page.
    """
    if not first_run.is_pending():
        raise Http404
    if not first_run.is_invited(request.GET.get("token", "")):
        return render(request, "welcome/closed.html", status=403)
    if request.method != "POST":
        return render(request, "welcome/administrator.html", {"form": AdministratorForm()})
    form = AdministratorForm(request.POST)
    if not ratelimit.consume(request, action="login"):
        form.add_error(None, TOO_MANY)
        return render(request, "welcome/administrator.html", {"form": form}, status=429)
    if not form.is_valid():
        return render(request, "welcome/administrator.html", {"form": form})
    user = form.save(commit=False)
    try:
        first_run.make_administrator(user)
    except first_run.AlreadyBegun:
        raise Http404 from None
    logger.warning("The first administrator, %s, was created from %s.", user.get_username(), client_address(request))
    login(request, user)
    sessions.note_browser(request)
    record_authentication(request, user, method="password", reauthenticated=True)  # it was typed twice just now
    return redirect("events:account_new")
