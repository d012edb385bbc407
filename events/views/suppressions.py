"""Suppressing findings like one, and the list of what is suppressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.kept_forms import restored
from events.detection.findings import suppress, triage
from events.detection.findings.inbox import lines
from events.detection.findings.suppress_form import SuppressForm
from events.detection.rules import known_rules
from events.models import Finding, Suppression
from events.views.scope import sight_of, visible_finding

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from events.detection.findings.sight import Sight

MOST_SHOWN = 20
MOST_LISTED = 200


@require_http_methods(["GET", "HEAD", "POST"])
def suppress_like(request: HttpRequest, number: int) -> HttpResponse:
    """Suppress findings like this one: first what that would cover, then the deed."""
    sight = sight_of(request)
    line = visible_finding(sight, number)
    _require_triage(sight)
    finding = line.finding
    if line.standing.state == Finding.State.WITHDRAWN:
        raise Http404
    shared = suppress.shared_of(finding, line.part.accounts)
    data = request.POST if request.method == "POST" else restored(request)
    form = SuppressForm(finding, shared, line.accounts, everywhere=sight.sees_all, data=data)
    advice = known_rules.advice_of(known_rules.rule_of(finding.rule))
    version = (data.get("version") if data else "") or triage.version_of(line.part)
    context: dict[str, Any] = {
        "line": line,
        "finding": finding,
        "title": advice.title if advice else finding.title,
        "form": form,
        "shared": shared,
        "version": version,
    }
    if request.method == "POST" and form.is_valid():
        if request.POST.get("shown") == form.digest and "save" in request.POST:
            return _saved(request, sight, form, version)
        found = suppress.covered(sight, form.suppression, finding)
        context |= {
            "covered": lines(sight, list(found.findings)[:MOST_SHOWN]),
            "number": len(found.findings),
            "left_out": len(found.findings) - MOST_SHOWN,
            "more": found.more,
            "titles": known_rules.titles(),
            "digest": form.digest,
        }
    return render(request, "findings/suppress.html", context)


def _saved(request: HttpRequest, sight: Sight, form: SuppressForm, version: str) -> HttpResponse:
    suppression = form.suppression
    try:
        outcome = suppress.save(sight, suppression, form.finding, version, suppression.reason)
    except suppress.Overtaken as error:
        messages.error(request, str(error))
        return redirect(form.finding)
    number = len(outcome.changed)
    text = ngettext(
        "The suppression was saved. It covers %(count)s finding now.",
        "The suppression was saved. It covers %(count)s findings now.",
        number,
    )
    messages.success(request, text % {"count": number})
    return redirect("events:suppressions")


@require_safe
def suppression_list(request: HttpRequest) -> HttpResponse:
    """What is suppressed, by whom and until when."""
    sight = sight_of(request)
    listed = Suppression.objects.visible_to(request.user).select_related("created_by", "account")
    now, titles = timezone.now(), known_rules.titles()
    rows = [
        {
            "suppression": each,
            "title": titles.get(each.rule) or each.rule,
            "account": sight.accounts.get(each.account_id or 0),
            "values": [(suppress.title_of(n), suppress.value_in_words(n, value)) for n, value in each.fields.items()],
            "by": each.created_by if each.created_by and sight.knows(each.created_by_id) else None,
            "is_over": each.expires_at is not None and each.expires_at <= now,
        }
        for each in listed[:MOST_LISTED]
    ]
    return render(request, "findings/suppressions.html", {"rows": rows, "may_triage": sight.may_triage})


@require_POST
def suppression_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a suppression cover nothing more."""
    suppression = get_object_or_404(Suppression.objects.visible_to(request.user), pk=pk)
    _require_triage(sight_of(request))
    suppress.end(suppression)
    messages.success(
        request, _("The suppression has ended. New findings like these will be open; those already suppressed stay so.")
    )
    return redirect("events:suppressions")


def _require_triage(sight: Sight) -> None:
    if not sight.may_triage:
        raise PermissionDenied(
            _("You can read findings but not change them. Ask an administrator for a role that can.")
        )
