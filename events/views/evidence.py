"""Evidence packs: asking for one, watching it being made, fetching and deleting it."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts import permissions
from events.evidence import packs
from events.export.limits import LimitedStream, TooManyExports, blocks, take_place
from events.export.names import file_name
from events.export.refusal import busy, refusal
from events.filters.form import EventFilter
from events.filters.pills import pills
from events.models import EvidencePack
from events.operations import tasks
from events.views.scope import chosen_account, filtered_events, visible_accounts, visible_pack

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

logger = logging.getLogger(__name__)

MOST_LISTED = 200


@require_POST
def evidence(request: HttpRequest, api_key: str | None = None) -> HttpResponse:
    """Ask for a pack of the filtered events of one account, or of all accounts the reader may see."""
    account = chosen_account(request, api_key)
    _require_auditor(request)
    event_filter = filtered_events(request, account)
    if answer := refusal(request, event_filter, account):
        return answer
    name = file_name(event_filter, account, "zip", holds="evidence")
    try:
        pack = packs.request(request.user, account, event_filter, name)
    except packs.OneAtATime as error:
        messages.warning(request, str(error))
        return redirect(error.pack) if error.pack else redirect("events:packs")
    except packs.Refused as error:
        messages.error(request, str(error))
        return redirect("events:packs")
    logger.info("%s asks for evidence pack %s", request.user.get_username(), pack.pk)
    return redirect(pack)


@require_safe
@never_cache
def pack_list(request: HttpRequest) -> HttpResponse:
    """The packs the reader may fetch: own ones, and everybody's for those who see all accounts."""
    _require_auditor(request)
    listed = EvidencePack.objects.visible_to(request.user).select_related("requested_by", "account")
    return render(request, "evidence/list.html", {"packs": listed[:MOST_LISTED]})


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def pack_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One pack: how far it is, or where to fetch it. To htmx only the part that changes."""
    pack = visible_pack(request, pk)
    context: dict[str, Any] = {
        "pack": pack,
        "may_delete": _may_delete(request, pack),
        "no_worker": pack.is_unfinished and not tasks.worker_is_alive(),
    }
    if request.headers.get("HX-Request"):
        return render(request, "evidence/_pack.html", context)
    accounts = [pack.account] if pack.account else visible_accounts(request)
    with timezone.override(pack.time_zone):
        context["pills"] = pills(EventFilter(QueryDict(pack.query), accounts=accounts))
    return render(request, "evidence/pack.html", context)


@require_safe
@never_cache
def pack_file(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The pack itself."""
    pack = visible_pack(request, pk)
    file = packs.open_file(pack)
    if file is None:
        raise Http404
    logger.info("%s fetches evidence pack %s", request.user.get_username(), pack.pk)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    response: HttpResponseBase
    if request.method == "HEAD":
        file.close()
        response = HttpResponse(content_type="application/zip")
    else:
        try:
            place = take_place(request.user.pk, pack.name, partial(packs.may_fetch, request.user.pk, pack.pk))
        except TooManyExports as error:
            file.close()
            return busy(request, error.names, pack.get_absolute_url())
        response = StreamingHttpResponse(LimitedStream(blocks(file), place, file.close), content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(True, pack.name) or "attachment"
    response["Content-Length"] = str(size)
    return response


@require_POST
def pack_delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete a pack, or stop its making."""
    pack = visible_pack(request, pk)
    if not _may_delete(request, pack):
        raise Http404
    packs.delete(pack)
    messages.success(request, _("The evidence pack %(name)s was deleted.") % {"name": pack.name})
    return redirect("events:packs")


def _require_auditor(request: HttpRequest) -> None:
    if not request.user.has_perm(permissions.EXPORT_EVIDENCE):
        raise PermissionDenied(_("Evidence packs are for auditors: ask an administrator for that role."))


def _may_delete(request: HttpRequest, pack: EvidencePack) -> bool:
    return request.user.is_superuser or pack.requested_by_id == request.user.pk
