"""What people do with findings: acknowledge, assign, resolve, reopen, note, suppress. Nothing else writes it.

Each change is made from the state that its author saw: where somebody else was faster, nothing is overwritten, and the
author is told who did what. A change of a finding, of its parts and of its history are one transaction.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from events.detection import watching
from events.detection.findings import writing
from events.detection.findings.open_findings import forget
from events.detection.rules.known_rules import rule_of
from events.models import Finding, FindingAccount, FindingChange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from events.detection.findings.sight import Part, Person, Sight
    from events.models import Suppression

logger = logging.getLogger(__name__)

ACTIONS, STATES = FindingChange.Action, Finding.State
MOST_NOTE = 4_000  # characters
# What a change is made from.
_SEEN = ("state", "resolution", "assigned_to_id", "acknowledged_at", "resolved_at", "suppression_id")


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


def version_of(finding: Finding) -> str:
    """What a form remembers of the state that it shows; it tells nothing else."""
    seen = "\0".join(str(getattr(finding, name)) for name in ("pk", *_SEEN))
    return salted_hmac("events.detection.triage", seen).hexdigest()[:16]


def act(sight: Sight, deed: Deed, versions: Mapping[int, str]) -> Outcome:
    """Do something with findings, as one whom they are visible to.

    Args:
        versions: by number, the `version_of` each as its author saw it. Those he may not see are passed over.

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
            try:
                changed = _apply(sight, finding, part, deed, versions[finding.pk], now)
            except Refused as refusal:
                outcome.refused[finding.pk] = str(refusal)
                continue
            (outcome.changed if changed else outcome.already).append(finding.pk)
    forget(sight.user)
    if outcome.changed:
        # Settled, they are no longer a reason to ask Nexmo more often; reopened, they are one again.
        watching.watch(FindingAccount.objects.filter(finding__in=outcome.changed).values_list("account", flat=True))
        numbers = ", ".join(map(str, outcome.changed))
        logger.info("%s: %s findings %s", sight.user.get_username(), deed.action.value, numbers)
    return outcome


def _apply(sight: Sight, finding: Finding, part: Part, deed: Deed, version: str, now: datetime) -> bool:
    """Change one finding; False where it is so already. Raises Refused."""
    details = ""
    values: dict[str, Any]
    if deed.action != ACTIONS.NOTED:
        values, details = _change(finding, deed, now)
        if all(getattr(finding, name) == value for name, value in values.items() if not name.endswith("_at")):
            return False
        if not constant_time_compare(version, version_of(finding)):
            raise Refused(_overtaken(sight, finding, part))
        as_seen = {name: getattr(finding, name) for name in _SEEN}
        if not Finding.objects.filter(pk=finding.pk, **as_seen).update(**values):
            raise Refused(_overtaken(sight, finding, part))
        if "state" in values:
            FindingAccount.objects.filter(finding=finding.pk).update(state=values["state"])
        rule = rule_of(finding.rule) if deed.action == ACTIONS.REOPENED else None
        if rule and rule.severity != finding.severity:  # settled, it did not follow its rule's level
            writing.set_level([finding], rule.severity, now)
    FindingChange.objects.create(
        finding=finding,
        at=now,
        by=sight.user,
        by_name=sight.user.get_username(),
        action=deed.action,
        details=details[:200],
        note=deed.note,
        accounts=list(part.accounts),
    )
    return True


def _change(finding: Finding, deed: Deed, now: datetime) -> tuple[dict[str, Any], str]:
    """The new values, and what the history says of them. Raises Refused."""
    if finding.state == STATES.WITHDRAWN:
        raise Refused(_("It was withdrawn: given events that arrived later, the rule no longer matches."))
    values: dict[str, Any]
    first_seen = {"acknowledged_at": finding.acknowledged_at or now}
    if deed.action == ACTIONS.ACKNOWLEDGED:
        if finding.state not in Finding.UNFINISHED:
            raise Refused(_("It is no longer open."))
        return {"state": STATES.ACKNOWLEDGED, **first_seen}, ""
    if deed.action == ACTIONS.ASSIGNED:
        name = deed.person.name if deed.person else ""
        return {"assigned_to_id": deed.person.pk if deed.person else None}, name
    if deed.action == ACTIONS.RESOLVED:
        values = {"state": STATES.RESOLVED, "resolution": deed.resolution, "suppression_id": None}
        return {**values, **first_seen, "resolved_at": now}, deed.resolution
    if deed.action == ACTIONS.SUPPRESSED and deed.suppression:
        values = {"state": STATES.SUPPRESSED, "suppression_id": deed.suppression.pk, "resolution": ""}
        return {**values, **first_seen, "resolved_at": None}, ""
    if deed.action == ACTIONS.REOPENED:
        return {"state": STATES.OPEN, "resolution": "", "suppression_id": None, "resolved_at": None}, ""
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
