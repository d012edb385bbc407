"""What people do with findings: from the state that they saw, noted, and all or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import NexmoAccount
from events.detection.findings import triage
from events.detection.findings.open_findings import open_number
from events.detection.findings.sight import Person
from events.detection.findings.triage import Deed
from events.models import Finding, FindingAccount, FindingChange
from tests.detection.conftest import SightOf
from tests.tools.findings import make_finding, set_parts, version_of

ACTIONS = FindingChange.Action


@pytest.fixture
def finding(accounts: dict[str, NexmoAccount]) -> Finding:
    """One over two accounts of Alice's."""
    return make_finding(accounts=[accounts["demo0001"], accounts["demo0002"]])


def seen(*findings: Finding) -> dict[int, str]:
    return {it.pk: version_of(it) for it in findings}


def act(sight: Any, finding: Finding, action: str, **options: Any) -> triage.Outcome:
    return triage.act(sight, Deed(ACTIONS(action), **options), seen(finding))


def states(finding: Finding) -> set[str]:
    """The finding's state, and that of its parts."""
    finding.refresh_from_db()
    return {finding.state, *FindingAccount.objects.filter(finding=finding).values_list("state", flat=True)}


def test_acknowledged_is_noted_with_who_and_when(sight: SightOf, finding: Finding) -> None:
    outcome = act(sight("alice"), finding, "acknowledged", note="on it")

    assert outcome.changed == [finding.pk]
    assert states(finding) == {"acknowledged"}
    assert finding.acknowledged_at
    change = finding.changes.latest("pk")
    assert (change.action, change.by_name, change.note) == ("acknowledged", "alice", "on it")


def test_resolved_and_reopened(sight: SightOf, finding: Finding) -> None:
    alice = sight("alice")
    act(alice, finding, "resolved", resolution="false")
    assert states(finding) == {"resolved"}
    assert (finding.resolution, bool(finding.resolved_at), bool(finding.acknowledged_at)) == ("false", True, True)
    first = finding.acknowledged_at

    act(alice, finding, "reopened")
    assert states(finding) == {"open"}
    assert (finding.resolution, finding.resolved_at, finding.acknowledged_at) == ("", None, first)

    act(alice, finding, "acknowledged")
    finding.refresh_from_db()
    assert finding.acknowledged_at == first  # how long it took the first time
    assert [change.details for change in finding.changes.filter(action="resolved")] == ["false"]


def test_assigned_to_somebody_and_to_nobody(sight: SightOf, finding: Finding, cast: dict[str, Any]) -> None:
    alice = sight("alice")
    act(alice, finding, "assigned", person=Person(cast["admin"].pk, "admin"))
    finding.refresh_from_db()
    assert finding.assigned_to == cast["admin"]
    assert finding.changes.latest("pk").details == "admin"

    act(alice, finding, "assigned", person=None)
    finding.refresh_from_db()
    assert finding.assigned_to is None


def test_what_is_so_already_is_not_noted_again(sight: SightOf, finding: Finding) -> None:
    alice = sight("alice")
    act(alice, finding, "acknowledged")
    before = finding.changes.count()

    outcome = act(alice, finding, "acknowledged")

    assert (outcome.changed, outcome.already) == ([], [finding.pk])
    assert finding.changes.count() == before


def test_somebody_faster_is_not_overwritten(sight: SightOf, finding: Finding) -> None:
    versions = seen(finding)
    triage.act(sight("admin"), Deed(ACTIONS.RESOLVED, resolution="benign"), versions)

    outcome = triage.act(sight("alice"), Deed(ACTIONS.ACKNOWLEDGED), versions)
    late = triage.act(sight("alice"), Deed(ACTIONS.RESOLVED, resolution="true"), versions)

    assert outcome.changed == late.changed == []
    assert "admin changed it in the meantime (Resolved)" in late.refused[finding.pk]
    finding.refresh_from_db()
    assert (finding.state, finding.resolution) == ("resolved", "benign")


def test_change_between_reading_and_writing_is_not_overwritten(sight: SightOf, finding: Finding) -> None:
    """As where no lock keeps others from writing. What was done of it is undone."""
    versions = seen(finding)

    def meanwhile(part: Any, deed: Any, now: Any) -> Any:
        set_parts([finding], state="resolved", resolution="true")
        return {"state": "acknowledged"}

    with mock.patch.object(triage, "_change", meanwhile):
        outcome = triage.act(sight("alice"), Deed(ACTIONS.ACKNOWLEDGED), versions)

    assert "Nothing was overwritten" in outcome.refused[finding.pk]
    assert "acknowledged" not in states(finding)
    assert [change.action for change in finding.changes.all()] == ["found"]


def test_notes_are_added_whatever_happened_meanwhile(sight: SightOf, finding: Finding) -> None:
    versions = seen(finding)
    act(sight("admin"), finding, "resolved", resolution="true")

    outcome = triage.act(sight("alice"), Deed(ACTIONS.NOTED, note="looks odd"), versions)

    assert outcome.changed == [finding.pk]
    assert finding.changes.latest("pk").note == "looks odd"
    assert states(finding) == {"resolved"}


@pytest.mark.parametrize("action", ["acknowledged", "resolved", "reopened", "assigned"])
def test_withdrawn_stays_withdrawn(sight: SightOf, finding: Finding, action: str) -> None:
    set_parts([finding], state="withdrawn")

    outcome = act(sight("alice"), finding, action, resolution="true")

    assert outcome.changed == []
    assert "withdrawn" in outcome.refused[finding.pk]


def test_several_at_once_and_each_by_itself(sight: SightOf, accounts: dict[str, NexmoAccount]) -> None:
    mine, done = make_finding(accounts=[accounts["demo0001"]]), make_finding(accounts=[accounts["demo0001"]])
    hidden = make_finding(accounts=[accounts["demo0003"]])
    set_parts([done], state="resolved")

    outcome = triage.act(sight("alice"), Deed(ACTIONS.ACKNOWLEDGED), seen(mine, done, hidden))

    assert (outcome.changed, list(outcome.refused)) == ([mine.pk], [done.pk])
    assert states(hidden) == {"open"}
    assert hidden.changes.count() == 1


@pytest.mark.parametrize("person", ["bob", "audrey", "charlie"])
def test_who_may_not_does_nothing(sight: SightOf, finding: Finding, person: str) -> None:
    with pytest.raises(PermissionDenied):
        act(sight(person), finding, "acknowledged")

    assert states(finding) == {"open"}


def test_nothing_is_changed_where_the_history_cannot_be_written(sight: SightOf, finding: Finding) -> None:
    with (
        mock.patch.object(FindingChange.objects, "create", side_effect=RuntimeError),
        pytest.raises(RuntimeError),
    ):
        act(sight("alice"), finding, "acknowledged")

    assert states(finding) == {"open"}


def test_version_changes_with_what_is_seen_and_not_with_events(sight: SightOf, finding: Finding) -> None:
    before = seen(finding)
    Finding.objects.filter(pk=finding.pk).update(event_count=7, last_at=finding.last_at + timedelta(hours=1))
    assert seen(finding) == before

    act(sight("alice"), finding, "acknowledged")
    assert seen(finding) != before


def test_number_of_the_navigation_follows_at_once(sight: SightOf, finding: Finding, cast: dict[str, Any]) -> None:
    assert open_number(cast["alice"]) == "1"

    act(sight("alice"), finding, "acknowledged")

    assert open_number(cast["alice"]) == ""
