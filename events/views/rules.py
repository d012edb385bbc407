"""Detection rules: the list of all, one with what it means, its versions, and the switch.

Everybody who logs in may read the rules that ship. What people of this site wrote is for those who see all accounts,
because it may name any: others are told the title and explanation of what has found something in their accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from events.detection.rules import own_rules, rule_list
from events.models import OwnRule
from events.views.scope import require_rule_writer

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse

MOST_VERSIONS = 100  # on a rule's page


@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """All rules: shipped, from the folder, and own ones."""
    listed = rule_list.entries(request.user)
    filters = rule_list.RuleFilter(request.GET, auto_id="filter-%s")
    context: dict[str, Any] = {
        "all": len(listed),
        "on": sum(entry.is_on for entry in listed),
        "shown": filters.chosen(listed),
        "filters": filters,
        "may_write": own_rules.may_write(request.user),
        "problems": own_rules.told(rule_list.problems()) if own_rules.may_read_texts(request.user) else (),
    }
    return render(request, "rules/list.html", context)


@require_safe
@never_cache
def rule_page(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """One rule: what it means, what it found, and for those who may read it its text with all versions."""
    entry = _entry(request, uid)
    may_read = entry.origin == "shipped" or own_rules.may_read_texts(request.user)
    context: dict[str, Any] = {
        "entry": entry,
        "may_write": own_rules.may_write(request.user),
        "facts": entry.facts if may_read else (),
        "text": entry.text if may_read else "",
        "problems": own_rules.told(entry.problems) if may_read else (),
        "changes": own_rules.history(entry.own, MOST_VERSIONS) if entry.own and may_read else (),
    }
    return render(request, "rules/rule.html", context)


@require_safe
@never_cache
def version_page(request: HttpRequest, uid: uuid.UUID, number: int) -> HttpResponse:
    """What one version of an own rule said, and what it changed."""
    if not own_rules.may_read_texts(request.user):
        raise Http404
    own = get_object_or_404(OwnRule, uid=str(uid))
    version = get_object_or_404(own.versions.select_related("changed_by"), version=number)
    before = own.versions.filter(version__lt=number).first()
    context = {
        "own": own,
        "version": version,
        "change": own_rules.change_of(version, before),
        "before": before,
        "lines": own_rules.comparison(before.text, version.text) if before else (),
        "is_current": version.version == own.version,
        "may_write": own_rules.may_write(request.user),
    }
    return render(request, "rules/version.html", context)


@require_POST
def switch(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """Switch a rule on (`on` not empty) or off."""
    entry = _entry(request, uid)
    require_rule_writer(request)
    on = bool(request.POST.get("on"))
    try:
        if entry.own:
            own_rules.switch_own(entry.own, request.user, on=on)
        else:
            own_rules.switch(entry.uid, entry.title, request.user, on=on)
    except own_rules.Refused as error:
        for problem in own_rules.told(error.problems):
            messages.error(request, str(problem))
        return redirect("events:rule", uid)
    said = (
        _("The rule %(title)s is on: each event is compared with it as it arrives.")
        if on
        else _("The rule %(title)s is off. What it found stays.")
    )
    messages.success(request, said % {"title": entry.title})
    return redirect("events:rule", uid)


def _entry(request: HttpRequest, uid: uuid.UUID) -> rule_list.Entry:
    entry = rule_list.entry(request.user, str(uid))
    if entry is None:
        raise Http404
    return entry
