"""What was done with a finding stays as it was written: the database refuses to change it, and lets it go only with
accounts that never had an event."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, transaction

from accounts.models import NexmoAccount
from events.detection.findings import triage, writing
from events.detection.findings.triage import Deed
from events.detection.findings.writing import Evidence
from events.models import ChainHead, Finding, FindingAccount, FindingChange
from events.storage import triggers
from tests.archive.conftest import verified
from tests.conftest import NOON
from tests.detection.conftest import SightOf
from tests.tools.findings import make_finding, version_of

pytestmark = pytest.mark.django_db
ACTIONS = FindingChange.Action
FAKE = "INSERT INTO events_findingaccount (finding_id, account_id, first_at, last_at, event_count, found_at, rule, "
FAKE += "severity, state, resolution) SELECT finding_id, {}, first_at, last_at, 0, found_at, rule, severity, state, "
FAKE += "resolution FROM events_findingaccount"


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def refused(statement: str, *values: Any) -> bool:
    try:
        with transaction.atomic():
            sql(statement, *values)
    except DatabaseError as error:
        return triggers.MESSAGE in str(error)
    return False


@pytest.fixture
def finding(accounts: dict[str, NexmoAccount], add_event: Any, sight: SightOf) -> Finding:
    """One of demo0001, which somebody has dismissed."""
    made = make_finding([add_event(accounts["demo0001"], 1)])
    deed = Deed(ACTIONS.RESOLVED, resolution="false", note="nothing to see here")
    triage.act(sight("alice"), deed, {made.pk: version_of(made)})
    return made


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events_findingchange SET by_name = 'bob'",
        "UPDATE events_findingchange SET by_id = (SELECT id FROM auth_user WHERE username = 'bob')",
        "UPDATE events_findingchange SET action = 'noted'",
        "UPDATE events_findingchange SET details = 'true', note = ''",
        "UPDATE events_findingchange SET accounts = NULL, seen = NULL, at = '2020-01-01'",
        "DELETE FROM events_findingchange",
        "DELETE FROM events_findingchange WHERE action = 'resolved'",
        # and what it hangs on
        "DELETE FROM events_findingaccount",
        "UPDATE events_findingaccount SET account_id = (SELECT max(id) FROM accounts_nexmoaccount)",
        "DELETE FROM events_finding",
        "UPDATE events_finding SET id = id + 1000",
    ],
)
def test_database_refuses_to_change_a_findings_history(finding: Finding, change: str) -> None:
    before = list(FindingChange.objects.order_by("pk").values())

    assert refused(change)

    assert list(FindingChange.objects.order_by("pk").values()) == before
    assert [line["action"] for line in before] == ["found", "resolved"]


def test_a_part_of_another_account_opens_no_door(finding: Finding, accounts: dict[str, NexmoAccount]) -> None:
    sql(FAKE.format(accounts["demo0003"].pk))  # an account without any event

    assert refused("DELETE FROM events_findingaccount WHERE account_id = %s", accounts["demo0001"].pk)
    assert refused("DELETE FROM events_findingchange")


def test_state_set_by_hand_has_no_line_in_the_history(finding: Finding) -> None:
    lines = finding.changes.count()

    sql("UPDATE events_findingaccount SET state = 'open', resolution = ''")

    assert finding.changes.count() == lines
    assert verified() == "intact"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="INSERT OR REPLACE is SQLite's")
@pytest.mark.parametrize("table", ["events_findingchange", "events_findingaccount", "events_finding"])
def test_database_refuses_to_replace_a_findings_history(finding: Finding, table: str) -> None:
    assert refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="TRUNCATE is PostgreSQL's")
@pytest.mark.parametrize("table", ["events_findingchange", "events_findingaccount", "events_finding"])
def test_database_refuses_to_empty_a_findings_history(finding: Finding, table: str) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    assert refused(f"TRUNCATE {table} CASCADE")


def test_trigger_that_was_taken_away_is_named(finding: Finding) -> None:
    on = " ON events_findingchange" if connection.vendor == "postgresql" else ""
    sql("SET CONSTRAINTS ALL IMMEDIATE" if on else "SELECT 1")
    sql(f"DROP TRIGGER events_findingchange_no_update{on}")

    assert "trigger events_findingchange_no_update is missing or was replaced" in verified()


# --- what goes on all the same ----------------------------------------------------------------------------------------


def test_author_who_is_deleted_leaves_the_name(finding: Finding) -> None:
    sql("UPDATE events_findingchange SET by_id = NULL WHERE by_id IS NULL")
    FindingAccount.objects.update(assigned_to=None)
    author = get_user_model().objects.create(username="temp")
    FindingChange.objects.create(finding=finding, at=NOON, by=author, by_name="temp", action=ACTIONS.NOTED)

    author.delete()

    line = FindingChange.objects.latest("pk")
    assert (line.by, line.by_name) == (None, "temp")


def test_account_without_events_takes_its_findings_and_their_history_along(
    finding: Finding, accounts: dict[str, NexmoAccount], sight: SightOf
) -> None:
    ChainHead.objects.create(account=accounts["demo0003"])  # without any event
    gone, shared = accounts["demo0003"], make_finding(accounts=[accounts["demo0001"], accounts["demo0003"]])
    alone = make_finding(accounts=[gone])
    FindingChange.objects.create(finding=alone, at=NOON, action=ACTIONS.FOUND)
    FindingChange.objects.create(finding=shared, at=NOON, action=ACTIONS.FOUND)

    gone.delete()

    assert set(Finding.objects.values_list("pk", flat=True)) == {finding.pk, shared.pk}
    assert not FindingChange.objects.filter(finding=alone.pk).exists()
    assert FindingChange.objects.filter(finding=shared).count() == shared.changes.count() >= 1
    assert [part.account for part in shared.parts.all()] == [accounts["demo0001"]]


def test_finding_whose_events_are_of_another_account_now_goes_on(
    finding: Finding, accounts: dict[str, NexmoAccount], add_event: Any
) -> None:
    event = add_event(accounts["demo0002"], 2)
    evidence = Evidence(event.pk, "", event.account_id, event.event_id, event.created_at)

    writing.update(finding, [evidence])

    assert [part.account for part in finding.parts.all()] == [accounts["demo0002"]]
    assert finding.changes.count() == 2
