"""Proofs for people: seals and evidence packs to take away, and asking Nexmo about one event now."""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
import tempfile
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.fields import SecretUnreadable
from accounts.models import NexmoAccount
from events.archive import seals
from events.evidence.pack import make_pack
from events.export.refusal import refusal
from events.export.shape import contents
from events.models import Seal
from events.sync import asking
from events.sync.check_event import check_event
from events.views.scope import filtered_events, visible_account, visible_events
from events.wording.json_layout import pretty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from events.models import AuditEvent
    from events.nexmo.client import AuditClient

logger = logging.getLogger(__name__)


@require_safe
def seals_file(request: HttpRequest, api_key: str) -> HttpResponse:
    """All seals of an account, one JSON object a line, as `verify_archive --seals` takes them."""
    account = visible_account(request, api_key)
    lines = (
        json.dumps(seals.export(seal), sort_keys=True) + "\n"
        for seal in Seal.objects.filter(account=account).order_by("seq", "pk")
    )
    response = HttpResponse("".join(lines), content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="seals-{account.api_key}.ndjson"'
    return response


@require_POST
def merged_evidence(request: HttpRequest) -> HttpResponseBase:
    """An evidence pack of the filtered events of all accounts I may see."""
    return _evidence(request, None)


@require_POST
def account_evidence(request: HttpRequest, api_key: str) -> HttpResponseBase:
    """An evidence pack of the filtered events of one account."""
    return _evidence(request, visible_account(request, api_key))


def _evidence(request: HttpRequest, account: NexmoAccount | None) -> HttpResponseBase:
    if not request.user.has_perm("accounts.export_evidence"):
        raise PermissionDenied(_("Evidence packs are for auditors: ask an administrator for that role."))
    found = filtered_events(request, account)
    if answer := refusal(request, found, account):
        return answer
    name = f"evidence-{contents(found, account)}-{timezone.localtime():%Y%m%d-%H%M%S}.zip"
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        count = make_pack(
            file,
            found.qs,
            found.accounts.values(),
            query=request.get_full_path(),
            made_by=request.user.get_username(),
            name=name,
        )
    except seals.NoSealKey as error:
        file.close()
        messages.error(request, str(error))
        return redirect("events:account_list", account.api_key) if account else redirect("events:list")
    logger.info("%s takes evidence of %d events", request.user.get_username(), count)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


@require_POST
def check(request: HttpRequest, api_key: str, event_id: str) -> HttpResponse:
    """Ask Nexmo for the event now and say whether it is the same, altered or gone."""
    account = visible_account(request, api_key)
    if not NexmoAccount.objects.syncable_by(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied(_("Auditors change nothing and ask nobody: the account's owner or team can check this."))
    event: AuditEvent = get_object_or_404(visible_events(request).filter(account=account).with_id(event_id))
    event.account = account
    context: dict[str, Any] = {"event": event, "account": account, "asked_at": timezone.now()}
    return render(request, "events/check.html", context | _ask_nexmo(request, account, event))


def _ask_nexmo(request: HttpRequest, account: NexmoAccount, event: AuditEvent) -> dict[str, Any]:
    @contextlib.contextmanager
    def question() -> Iterator[AuditClient]:
        with asking.turn(request.user), asking.client_now(account, request.user) as client:
            yield client

    try:
        checked = check_event(event, question)
    except (asking.NotAsked, SecretUnreadable) as error:
        return {"outcome": "failed", "problem": str(error), "asked_at": None}
    if checked.outcome != "altered":
        return {"outcome": checked.outcome, "problem": checked.reason}
    before, after = pretty(event.raw).splitlines(), pretty(checked.raw).splitlines()
    return {
        "outcome": "altered",
        "diff": list(difflib.unified_diff(before, after, _("archived"), _("at Nexmo now"), lineterm="")),
    }
