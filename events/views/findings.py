"""The inbox of findings, one finding, and what is done with them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access.note import note
from accounts.access.words import Action, Kind
from accounts.kept_forms import restored
from accounts.models import Profile, profile_of
from accounts.own_pages import own_page
from events.detection.findings import inbox, triage
from events.detection.findings.inbox_filter import WORST, FindingFilter
from events.detection.findings.inbox_table import EvidenceTable, FindingTable, state_badge
from events.detection.findings.similar import similar_to
from events.detection.findings.story import compared, entities_of, evidence_of, story
from events.detection.findings.triage_form import TriageForm, chosen
from events.detection.rules import known_rules
from events.display.page_size import read_size
from events.filters.event_types import descriptions, event_type_choices
from events.filters.parameters import unknown
from events.filters.query_string import PAGE_PARAMS, page_links, with_params
from events.models import Finding
from events.reading.applications import names_for
from events.views.scope import sight_of, visible_finding
from events.wording.times import length, show

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from events.detection.findings.inbox import InboxPage, Line
    from events.detection.findings.sight import Sight


@require_safe
def finding_list(request: HttpRequest) -> HttpResponse:
    """The findings of all accounts that the reader may see, newest first."""
    sight = sight_of(request)
    finding_filter = FindingFilter(request.GET, sight)
    question = finding_filter.question
    size, _size_note = read_size(request.GET)
    page, page_error = inbox.read_page_at(request.GET, sight, question, size)
    is_first = not any(request.GET.get(name) for name in PAGE_PARAMS)
    count = inbox.count(question, page, is_first=is_first)
    profile = profile_of(request.user)
    may_triage = sight.may_triage
    typed = restored(request) if may_triage else None
    context: dict[str, Any] = {
        "form": finding_filter.form,
        "narrows": finding_filter.narrows,
        "page": page,
        "page_error": page_error,
        "count": count,
        "count_shown": intcomma(count.number) + ("+" if count.at_least else ""),
        "worst_first": question.worst_first,
        "turned": with_params(request.GET, **dict.fromkeys(PAGE_PARAMS), order=None if question.worst_first else WORST),
        "subject": _("Filter: %(conditions)s.") % {"conditions": finding_filter.in_words},
        "findings_table": FindingTable(
            page.rows,
            titles=finding_filter.rules,
            density=profile.density,
            now=timezone.now() if profile.times == Profile.Times.RELATIVE else None,
            pickable=may_triage,
            picked=chosen(typed) if typed else (),
            one_account=len(sight.accounts) == 1,
        ),
        "triage": TriageForm(sight, sight.accounts, typed=typed) if may_triage else None,
        "unknown": unknown(request.GET, {*finding_filter.filters, *PAGE_PARAMS, "size"}),
        "links": page_links(request.path, request.GET, page),
        "searched_to": show(page.searched_back_to or page.searched_up_to),
        "here": request.get_full_path(),
    }
    if not page.rows and not page_error:
        context["empty"] = _why_empty(sight, finding_filter, page, is_first=is_first)
    return render(request, "findings/list.html", context)


def _why_empty(sight: Sight, finding_filter: FindingFilter, page: InboxPage, *, is_first: bool) -> str:
    """Which of the empty states it is."""
    if not sight.accounts:
        return "no-accounts"
    if not finding_filter.form.is_valid():
        return "invalid"
    if page.searched_back_to or page.searched_up_to:
        return "searching"
    if finding_filter.narrows:
        return "no-match"
    return "nothing-open" if is_first else "past-the-end"


@require_safe
def finding_page(request: HttpRequest, number: int) -> HttpResponse:
    """One finding: what happened, why it matters, what to do, and what was done."""
    sight = sight_of(request)
    line = visible_finding(sight, number)
    finding, part, standing = line.finding, line.part, line.standing
    rule = known_rules.rule_of(finding.rule)
    advice = known_rules.advice_of(rule)
    evidence = evidence_of(finding.pk, part.accounts)
    types = descriptions(event_type_choices(list(part.accounts)))
    title = advice.title if advice else finding.title
    context: dict[str, Any] = {
        "line": line,
        "finding": finding,
        "part": part,
        "standing": standing,
        "differing": inbox.differing(line),
        "title": title,
        "subject": _("Finding #%(number)s: %(title)s.") % {"number": finding.pk, "title": title},
        "state": state_badge(standing),
        "story": story(line, evidence.rows, types),
        "rule": rule,
        "advice": advice,
        "dashboard": rule.dashboard if rule and rule.dashboard.startswith("https://") else "",
        "evidence": evidence,
        "table": EvidenceTable(
            evidence,
            steps=known_rules.steps_of(rule),
            accounts=line.accounts,
            descriptions=types,
            list_url=reverse("events:list"),
            applications=names_for(evidence.rows),
        ),
        # Of all its accounts: only for who sees them.
        "compared": compared(finding.details) if part.is_whole else [],
        "entities": entities_of(evidence.rows),
        "around": _around(line),
        "similar": similar_to(sight, line),
        "titles": known_rules.titles(),
        "history": sight.history_of(finding, part),
        "waited": _waited(line),
        "first": show(part.first_at),
        "last": show(part.last_at),
        "found": show(part.found_at),
        "triage": TriageForm(sight, part.accounts, typed=restored(request)) if sight.may_triage else None,
        "version": f"{finding.pk}.{triage.version_of(part)}",
        "is_unfinished": standing.is_unfinished,
        "is_withdrawn": standing.state == Finding.State.WITHDRAWN,
        "here": request.get_full_path(),
    }
    return render(request, "findings/finding.html", context)


def _waited(line: Line) -> str:
    """How long it took until somebody acknowledged it; "" while nobody has."""
    at = line.standing.acknowledged_at
    return length(max(at - line.part.found_at, timedelta())) if at else ""


def _around(line: Line) -> str:
    """All events of its accounts from its first event to its last, and ten minutes on either side."""
    margin = timedelta(minutes=10)
    query = {
        "account": ",".join(account.api_key for account in line.accounts),
        "date_from": (line.part.first_at - margin).isoformat(),
        "date_to": (line.part.last_at + margin).isoformat(),
    }
    return f"{reverse('events:list')}?{urlencode(query)}"


@require_POST
def triage_findings(request: HttpRequest) -> HttpResponse:
    """Do something with one or several findings, and return to `next`."""
    sight = sight_of(request)
    if not sight.may_triage:
        raise PermissionDenied(
            _("You can read findings but not change them. Ask an administrator for a role that can.")
        )
    versions = chosen(request.POST)
    parts = sight.parts_of(versions)
    if versions and not parts:
        raise Http404
    answer = redirect(own_page(request, request.POST.get("next", ""), reverse("events:findings")))
    form = TriageForm(sight, {account for part in parts.values() for account in part.accounts}, request.POST)
    if not versions:
        messages.warning(request, _("Select findings first: tick the boxes in front of them."))
        return answer
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(map(str, errors)))
        return answer
    outcome = triage.act(sight, form.asked, versions)
    note(request, Action.CHANGED, Kind.FINDING, numbers=sorted(outcome.changed), refused=sorted(outcome.refused))
    _tell(request, outcome)
    return answer


def _tell(request: HttpRequest, outcome: triage.Outcome) -> None:
    """Say what became of it."""
    if number := len(outcome.changed):
        text = ngettext("%(count)s finding updated.", "%(count)s findings updated.", number)
        messages.success(request, text % {"count": number})
    if number := len(outcome.already):
        text = ngettext("%(count)s finding needed no change.", "%(count)s findings needed no change.", number)
        messages.info(request, text % {"count": number})
    for pk, sentence in outcome.refused.items():
        messages.warning(request, f"#{pk}: {sentence}")
