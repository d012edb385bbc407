"""Adding an account: its credentials are tried while they are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import permissions
from accounts.access.note import note
from accounts.access.words import Action, Kind
from accounts.forms import REFUSED, NewAccountForm
from accounts.kept_forms import restored
from events.nexmo.errors import CredentialsRefused
from events.operations import tasks
from events.sync import asking, connection
from events.views.scope import visible_accounts
from events.wording.codes import grouped

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse

    from accounts.models import NexmoAccount


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("api_secret")
def new(request: HttpRequest) -> HttpResponse:
    """Add an account. What Nexmo refuses is said beside the field, and saved only if one wants."""
    if not request.user.has_perm(permissions.ADD_ACCOUNTS):
        raise PermissionDenied(_("You cannot add accounts: ask an administrator."))
    user = cast("User", request.user)
    if request.method != "POST":
        return _page(request, NewAccountForm(restored(request), user=user))
    form = NewAccountForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, form)
    if form.cleaned_data["save_anyway"]:
        outcome = None
    else:
        outcome = _try(request, form)
        if outcome is None or not outcome.works:
            note(request, Action.TESTED, Kind.ACCOUNT, works=False)
            return _page(request, form, failed=True)
    if form.has_hidden_twin:
        form.blame("api_secret", str(REFUSED))
        return _page(request, form)
    account = _saved(request, form)
    if account is None:
        return _page(request, form)
    note(request, Action.CREATED, Kind.ACCOUNT, obj=account, accounts=[account.api_key], works=outcome is not None)
    tasks.request_sync(account, user)
    messages.success(request, _announcement(account, outcome))
    return redirect(account)


def _page(request: HttpRequest, form: NewAccountForm, *, failed: bool = False) -> HttpResponse:
    """The form. Everything typed stands in it but the secret."""
    form.prepare()
    context = {
        "form": form,
        "first": not visible_accounts(request),
        # Offered once it failed, and kept as long as it is ticked.
        "may_insist": failed or bool(form.data.get("save_anyway")),
    }
    return render(request, "accounts/new.html", context)


def _try(request: HttpRequest, form: NewAccountForm) -> connection.Outcome | None:
    """Ask Nexmo with what was typed; what is wrong is put beside its field. None where Nexmo was not asked."""
    try:
        with asking.turn(request.user):
            outcome = connection.try_credentials(form.cleaned_data["api_key"], form.cleaned_data["api_secret"])
    except asking.NotAsked as error:
        form.blame("", str(error))
        return None
    if not outcome.works:
        is_refused = outcome.code == CredentialsRefused.code
        form.blame(outcome.field, str(REFUSED) if is_refused else outcome.sentence)
    return outcome


def _saved(request: HttpRequest, form: NewAccountForm) -> NexmoAccount | None:
    """Save the account and note it in the admin's log; None, and an error, where its key was taken meanwhile."""
    try:
        with transaction.atomic():
            account: NexmoAccount = form.save()
            LogEntry.objects.log_actions(
                account.owner_id, [account], ADDITION, change_message=[{"added": {}}], single_object=True
            )
    except IntegrityError:
        form.blame("api_secret", str(REFUSED))
        return None
    return account


def _announcement(account: NexmoAccount, outcome: connection.Outcome | None) -> str:
    if outcome is None:
        return _("%(account)s is saved. Its credentials were not tested; the first sync tries them.") % {
            "account": account.name
        }
    if outcome.total is None:
        return _("%(account)s is saved, and its credentials work.") % {"account": account.name}
    text = ngettext(
        "%(account)s is saved, and its credentials work. Nexmo lists %(count)s event.",
        "%(account)s is saved, and its credentials work. Nexmo lists %(count)s events.",
        outcome.total,
    )
    return text % {"account": account.name, "count": grouped(outcome.total)}
