"""Proofs for people: seals to take away, and asking Nexmo about one event now."""

from __future__ import annotations

import contextlib
import difflib
import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.encryption import SecretUnreadable
from accounts.models import NexmoAccount
from events.archive import seals
from events.masking import for_reader
from events.models import Seal
from events.sync import asking
from events.sync.check_event import check_event
from events.views.scope import visible_account, visible_events
from events.wording.json_layout import pretty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

    from events.models import AuditEvent
    from events.nexmo.client import AuditClient


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
def check(request: HttpRequest, api_key: str, event_id: str) -> HttpResponse:
    """Ask Nexmo for the event now and say whether it is the same, altered or gone."""
    account = visible_account(request, api_key)
    if not NexmoAccount.objects.syncable_by(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied(_("You can read this account but not ask Nexmo about it: its owner or team can."))
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
    before, after = (
        pretty(for_reader(raw, lambda: NexmoAccount.objects.sees_sensitive(request.user))).splitlines()
        for raw in (event.raw, checked.raw)
    )
    diff = list(difflib.unified_diff(before, after, _("archived"), _("at Nexmo now"), lineterm=""))
    return {"outcome": "altered", "diff": diff or [_("They differ in passwords or tokens, which are hidden here.")]}
