"""What people do with findings: acknowledge, assign, resolve, reopen, note, suppress. Nothing else writes it.

Each applies to the parts of a finding that its author sees, all of them together, and to no other. It is made from the
state that the author saw: where somebody else was faster, nothing is overwritten, and the author is told who did what.
A change of parts, of their finding and of its history are one transaction.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from events.detection import watching
from events.detection.findings import writing
from events.detection.findings.open_findings import forget
from events.detection.rules.known_rules import rule_of
from events.models import Finding, FindingAccount, FindingChange

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from datetime import datetime

    from events.detection.findings.sight import Part, Person, Sight
    from events.models import Suppression

logger = logging.getLogger(__name__)

ACTIONS, STATES = FindingChange.Action, Finding.State
MOST_NOTE = 4_000  # characters
# What a change is made from.
_SEEN = ("state", "resolution", "assigned_to_id", "acknowledged_at", "resolved_at", "suppression_id")
_what_is_seen = attrgetter("account_id", *_SEEN)


class Refused(Exception):
    """Why a finding is not changed, in a sentence."""


@dataclass(frozen=True)
class Deed:
    """What somebody wants to do with findings.

    Attributes:
        action: one of FindingChange.Action that people do.
        person: whom to assign to; None for nobody.
    """

    action: FindingChange.Action
    resolution: str = ""
    person: Person | None = None
    suppression: Suppression | None = None
    note: str = ""


@dataclass
class Outcome:
    """What became of it: numbers of findings, and sentences by number.

    Attributes:
        already: those that were so before.
    """

    changed: list[int] = field(default_factory=list)
    already: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def version_of(part: Part) -> str:
    """What a form remembers of the state that it shows; it tells nothing else."""
    seen = [part.rows[0].finding_id, *chain.from_iterable(map(_what_is_seen, part.rows))]
    return salted_hmac("events.detection.triage", "\0".join(map(str, seen))).hexdigest()[:16]


def act(
    sight: Sight, deed: Deed, versions: Mapping[int, str], within: Mapping[int, Container[int]] | None = None
) -> Outcome:
    """Do something with findings, as one whom they are visible to.

    Args:
        versions: by number, the `version_of` each as its author saw it. Those he may not see are passed over.
        within: by number, the accounts whose parts it is about; None: all that the author sees.

    Raises:
        PermissionDenied: the author may not.
    """
    if not sight.may_triage:
        raise PermissionDenied(
            _("You can read findings but not change them. Ask an administrator for a role that can.")
        )
    outcome = Outcome()
    with writing.turn():
        findings = Finding.objects.filter(pk__in=list(versions)).order_by("pk")
        parts = sight.parts_of(versions)
        now = timezone.now()
        for finding in findings:
            if (part := parts.get(finding.pk)) is None:
                continue
            about = [row for row in part.rows if within is None or row.account_id in within[finding.pk]]
            try:
                with transaction.atomic():  # all of its parts, or none
                    changed = _apply(sight, finding, part, about, deed, versions[finding.pk], now)
            except Refused as refusal:
                outcome.refused[finding.pk] = str(refusal)
                continue
            (outcome.changed if changed else outcome.already).append(finding.pk)
        if deed.action != ACTIONS.NOTED:
            writing.settle(outcome.changed)
        if deed.action == ACTIONS.REOPENED:
            _bring_to_level(outcome.changed, now)
    forget(sight.user)
    if outcome.changed:
        # Settled, they are no longer a reason to ask Nexmo more often; reopened, they are one again.
        watching.watch(FindingAccount.objects.filter(finding__in=outcome.changed).values_list("account", flat=True))
        numbers = ", ".join(map(str, outcome.changed))
        logger.info("%s: %s findings %s", sight.user.get_username(), deed.action.value, numbers)
    return outcome


def _apply(
    sight: Sight,
    finding: Finding,
    part: Part,
    about: list[FindingAccount],
    deed: Deed,
    version: str,
    now: datetime,
) -> bool:
    """Change one finding; False where it is so already. Raises Refused."""
    if deed.action != ACTIONS.NOTED:
        changes = _changes(about, deed, now)
        if not changes:
            return False
        if not constant_time_compare(version, version_of(part)):
            raise Refused(_overtaken(sight, finding, part))
        for row, values in changes:
            as_seen = {name: getattr(row, name) for name in _SEEN}
            if not FindingAccount.objects.filter(pk=row.pk, **as_seen).update(**values):
                raise Refused(_overtaken(sight, finding, part))
        about = [row for row, _values in changes]
    concerned: Any = [row.account_id for row in about]
    seen: Any = list(part.accounts) if len(part.accounts) > len(about) else None
    FindingChange.objects.create(
        finding=finding,
        at=now,
        by=sight.user,
        by_name=sight.user.get_username(),
        action=deed.action,
        details=_details(deed)[:200],
        note=deed.note,
        accounts=concerned,
        seen=seen,
    )
    return True


def _bring_to_level(findings: list[int], now: datetime) -> None:
    """Settled, they did not follow their rule's level."""
    for finding in Finding.objects.filter(pk__in=findings).order_by("pk"):
        if rule := rule_of(finding.rule):
            writing.set_level([finding], rule.severity, now)


def _details(deed: Deed) -> str:
    """What the history says of a deed, beside what it was."""
    if deed.action == ACTIONS.ASSIGNED and deed.person:
        return deed.person.name
    return deed.resolution if deed.action == ACTIONS.RESOLVED else ""


def _changes(parts: list[FindingAccount], deed: Deed, now: datetime) -> list[tuple[FindingAccount, dict[str, Any]]]:
    """The parts that a deed changes, each with its new values. Raises Refused."""
    if any(part.state == STATES.WITHDRAWN for part in parts):
        raise Refused(_("It was withdrawn: given events that arrived later, the rule no longer matches."))
    if deed.action == ACTIONS.ACKNOWLEDGED:
        # What is settled elsewhere stays so.
        parts = [part for part in parts if part.state in Finding.UNFINISHED]
        if not parts:
            raise Refused(_("It is no longer open."))
    changes = [(part, _change(part, deed, now)) for part in parts]
    return [
        (part, values)
        for part, values in changes
        if any(getattr(part, name) != value for name, value in values.items() if not name.endswith("_at"))
    ]


def _change(part: FindingAccount, deed: Deed, now: datetime) -> dict[str, Any]:
    """The new values of a part."""
    values: dict[str, Any]
    first_seen = {"acknowledged_at": part.acknowledged_at or now}
    if deed.action == ACTIONS.ACKNOWLEDGED:
        return {"state": STATES.ACKNOWLEDGED, **first_seen}
    if deed.action == ACTIONS.ASSIGNED:
        return {"assigned_to_id": deed.person.pk if deed.person else None}
    if deed.action == ACTIONS.RESOLVED:
        values = {"state": STATES.RESOLVED, "resolution": deed.resolution, "suppression_id": None}
        return {**values, **first_seen, "resolved_at": now}
    if deed.action == ACTIONS.SUPPRESSED and deed.suppression:
        values = {"state": STATES.SUPPRESSED, "suppression_id": deed.suppression.pk, "resolution": ""}
        return {**values, **first_seen, "resolved_at": None}
    if deed.action == ACTIONS.REOPENED:
        return {"state": STATES.OPEN, "resolution": "", "suppression_id": None, "resolved_at": None}
    raise ValueError(deed.action)


def _overtaken(sight: Sight, finding: Finding, part: Part) -> str:
    """Who was faster, as far as the author may know."""
    lines = [line for line in sight.history_of(finding, part) if line.action != ACTIONS.NOTED]
    if lines and lines[-1].by:
        return _("%(person)s changed it in the meantime (%(change)s). Nothing was overwritten.") % {
            "person": lines[-1].by,
            "change": lines[-1].title,
        }
    return _("It was changed in the meantime. Nothing was overwritten.")
