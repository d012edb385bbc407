"""`/api/v1/findings/`: findings read and acknowledged by programs."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from events.api import texts
from events.api.answers import answer
from events.api.cursors import FINDINGS, Place
from events.api.errors import JSON, ApiError, problem_body, wrong_parameters
from events.api.operation import operations
from events.api.parameters import MOST_FINDINGS, USUAL, check, finding_parameters, read_number, read_place
from events.detection.findings import inbox, triage
from events.detection.findings.inbox_filter import FindingFilter
from events.detection.findings.story import evidence_of
from events.detection.findings.triage import MOST_NOTE, Deed
from events.detection.rules import known_rules
from events.models import FindingChange
from events.views.scope import visible_finding

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from events.api.operation import Access
    from events.detection.findings.inbox import Line


def list_findings(request: HttpRequest, access: Access) -> HttpResponse:
    """Findings of all accounts that the token may see, newest first; without `state` those that are unresolved."""
    params, sight = request.GET, access.sight
    check(params, finding_parameters())
    size = read_number(params, "size", USUAL, MOST_FINDINGS)
    place = read_place(params)
    if place and place.order != FINDINGS:
        raise wrong_parameters([("cursor", _("This is not a cursor of findings."))])
    finding_filter = FindingFilter(params, sight)
    question = finding_filter.question
    if finding_filter.form.errors:
        errors = finding_filter.form.errors.items()
        raise wrong_parameters([(name, " ".join(map(str, its))) for name, its in errors])
    page = inbox.read_page(sight, question, size, before=place.beyond if place else None)
    titles = known_rules.titles()
    body = {
        "findings": [texts.finding(line, titles.get(line.finding.rule, "")) for line in page.rows],
        "cursor": str(Place(FINDINGS, beyond=page.older)) if page.older else None,
        "has_more": page.older is not None,
    }
    return answer(request, texts.as_json(body), JSON)


def one_finding(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One finding, with the ids of the events that led to it."""
    check(request.GET, ())
    return _finding(request, access, visible_finding(access.sight, number))


def _finding(request: HttpRequest, access: Access, line: Line) -> HttpResponse:
    advice = known_rules.advice_of(known_rules.rule_of(line.finding.rule))
    body = texts.finding(line, advice.title if advice else "")
    body |= texts.evidence(evidence_of(line.finding.pk, line.part.accounts), access.by_pk)
    return answer(request, texts.as_json(body), JSON)


def acknowledge(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Acknowledge a finding, with a note if its author likes: `{"note": "..."}`."""
    check(request.GET, ())
    sight = access.sight
    line = visible_finding(sight, number)
    if not access.token.may_acknowledge:
        raise ApiError(403, _("This token can only read. Make one that may acknowledge findings."))
    if not sight.may_triage:
        raise ApiError(403, _("You can read findings but not change them. Ask an administrator for a role that can."))
    deed = Deed(FindingChange.Action.ACKNOWLEDGED, note=_note(request))
    outcome = triage.act(sight, deed, {number: triage.version_of(line.part)})
    if refusal := outcome.refused.get(number):
        raise ApiError(409, refusal)
    return _finding(request, access, visible_finding(access.sight, number))


def _note(request: HttpRequest) -> str:
    """The note in a request's body; "" without one. Raises ApiError."""
    if not request.body:
        return ""
    if request.content_type != JSON:
        raise ApiError(415, _("Send the note as application/json, or no body at all."))
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        sent = None
    note = sent.get("note", "") if isinstance(sent, dict) and sent.keys() <= {"note"} else None
    if not isinstance(note, str) or len(note) > MOST_NOTE or "\0" in note:
        sentence = _('Send {"note": "..."}, with at most %(most)s characters.') % {"most": MOST_NOTE}
        raise wrong_parameters([("note", sentence)])
    return note.strip()


findings = operations(problem_body, {"GET": list_findings}, zone=lambda: UTC)
finding = operations(problem_body, {"GET": one_finding}, zone=lambda: UTC)
acknowledgement = operations(problem_body, {"POST": acknowledge}, zone=lambda: UTC)
