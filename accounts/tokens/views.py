"""The pages of tokens: one's own, those on one's accounts, a new one, and revoking."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.note import note
from accounts.access.words import Action, Kind
from accounts.kept_forms import restored
from accounts.models import NexmoAccount
from accounts.tokens import lifecycle, sight
from accounts.tokens.forms import TokenForm

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse

    from accounts.models import ApiToken

ENDED_SHOWN = timedelta(days=90)
ENDS_SOON = timedelta(days=14)
SAMPLE = "/beta/audit/events?size=10"  # what the example on the page asks for


@require_safe
def own_tokens(request: HttpRequest) -> HttpResponse:
    """The reader's tokens: those that stand, and those that ended lately."""
    now = timezone.now()
    tokens = list(sight.own(request.user))
    standing = [token for token in tokens if token.revoked_at is None and token.expires_at > now]
    ended = [token for token in tokens if token not in standing and _ended_at(token) > now - ENDED_SHOWN]
    context = {
        "tokens": [(token, True) for token in standing],
        "ended": ended,
        "soon": now + ENDS_SOON,
        "may_see_others": sight.may_see_others(request.user),
    }
    return render(request, "tokens/own.html", context)


@require_safe
def others_tokens(request: HttpRequest, api_key: str | None = None) -> HttpResponse:
    """Whose tokens read the reader's accounts, or one of them."""
    account = None
    if api_key is not None:
        account = NexmoAccount.objects.get_visible_to(request.user, api_key)
        if account is None or not sight.may_see_those_of(request.user, account):
            raise Http404
    tokens = list(sight.on_accounts(request.user, account).order_by("person__username", "name", "id"))
    revocable = sight.revocable(request.user, tokens)
    context = {
        "account": account,
        "tokens": [(token, token.pk in revocable) for token in tokens],
        "soon": timezone.now() + ENDS_SOON,
        "sees_all": NexmoAccount.objects.sees_all(request.user),
    }
    return render(request, "tokens/others.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("credentials", "context")
def new_token(request: HttpRequest) -> HttpResponse:
    """Make a token, and show its secret once, in the answer. It asks first who is there (`accounts.login.confirm`)."""
    data = request.POST if request.method == "POST" else restored(request)
    form = TokenForm(data, user=cast("User", request.user))
    if request.method == "POST" and form.is_valid():
        token, credentials = form.make()
        note(request, Action.CREATED, Kind.TOKEN, obj=token, accounts=form.api_keys)
        context = {"token": token, "credentials": credentials, "address": request.build_absolute_uri(SAMPLE)}
        return render(request, "tokens/made.html", context)
    return render(request, "tokens/new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def revoke_token(request: HttpRequest, identifier: str) -> HttpResponse:
    """Ask first, and say what follows; then revoke."""
    token = sight.get_revocable(request.user, identifier)
    if token is None:
        raise Http404
    is_own = token.person_id == request.user.pk
    back = "accounts:tokens" if is_own else "accounts:others_tokens"
    if request.method == "POST":
        note(request, Action.DELETED, Kind.TOKEN, obj=token, person_of_token=token.person.get_username())
        if lifecycle.revoke(token, cast("User", request.user)):
            messages.success(request, _("%(name)s was revoked and is refused from now on.") % {"name": token.name})
        else:
            messages.info(request, _("%(name)s had already been revoked.") % {"name": token.name})
        return redirect(back)
    return render(request, "tokens/revoke.html", {"token": token, "is_own": is_own, "back": back})


def _ended_at(token: ApiToken) -> datetime:
    return min(token.revoked_at or token.expires_at, token.expires_at)
