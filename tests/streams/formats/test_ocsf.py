"""OCSF output passes the schema of its version, as the package ocsf-json-schema compiles it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from accounts.access.words import Action, Kind, Via
from events.nexmo.catalog import EVENT_TYPES
from events.streams.formats import FORMATS, meanings, ocsf, ocsf_access
from events.streams.formats.page import ACCESS
from tests.tools.records import event, finding, of_each_type, of_the_sandbox

FORMAT = FORMATS["ocsf"]


@cache
def published() -> dict[str, Any]:
    schema: dict[str, Any] = get_ocsf_schema(ocsf.VERSION)
    return schema


@cache
def validator(class_uid: int) -> Any:
    schema = OcsfJsonSchemaEmbedded(published())
    return jsonschema_rs.validator_for(
        schema.get_class_schema(schema.lookup_class_name_from_uid(class_uid), profiles=["cloud"])
    )


def wrong(made: dict[str, Any]) -> list[str]:
    return [f"{error.instance_path}: {error.message[:200]}" for error in validator(made["class_uid"]).iter_errors(made)]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_known_type_passes_the_schema(event_type: str) -> None:
    for record in (of_each_type()[event_type], event(event_type, source_ip=None, user_email=None, user_id=None)):
        assert wrong(FORMAT.event(record)) == []


def test_whatever_the_sandbox_sends_passes_the_schema() -> None:
    made = [(record.event_id, FORMAT.event(record)) for record in of_the_sandbox()]

    assert [(name, faults) for name, each in made if (faults := wrong(each))] == []
    assert {each["class_uid"] for _, each in made} == {6003, 3001, 3002}


def test_schema_refuses_what_is_not_in_it() -> None:
    made = FORMAT.event(event())

    assert wrong(made | {"surprise": 1})
    assert wrong(made | {"time": "now"})
    assert wrong({name: value for name, value in made.items() if name != "api"})


@pytest.mark.parametrize("state", ocsf.STATES)
def test_findings_pass_the_schema_in_each_state(state: str) -> None:
    made = FORMAT.finding(finding(state=state, resolution="benign"))

    assert wrong(made) == []
    assert made["status"] == ocsf.STATES[state][2]


@pytest.mark.parametrize(
    "changes",
    [
        {"events": (), "tags": (), "explanation": "", "next_steps": ()},
        {"accounts": (("abcd1234", "Shop"), ("ef567890", "Lab"))},
        {"severity": 0},
        {"severity": 4, "is_test": True},
    ],
)
def test_findings_with_more_or_less_pass_it_too(changes: dict[str, Any]) -> None:
    assert wrong(FORMAT.finding(finding(**changes))) == []


# --- the access log -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", Action.values)
def test_each_action_of_the_access_log_passes_the_schema(action: str) -> None:
    assert action in ocsf_access.DEEDS
    for what in Kind.values:
        named = replace(ACCESS, action=action, what=what, object_id="7", object_name="bob")
        empty = replace(ACCESS, action=action, what=what, person="", accounts=(), address="unknown", agent="")
        empty = replace(empty, status=None, request_id="", detail="", via_id="", record_hash="")
        for via in Via.values:
            for entry in (named, empty):
                assert wrong(FORMAT.access(replace(entry, via=via))) == [], (what, via)


def test_actions_that_are_not_known_yet_pass_it_too() -> None:
    made = FORMAT.access(replace(ACCESS, action="teleported", what="ghost", detail="{"))

    assert wrong(made) == []
    assert (made["type_uid"], made["activity_name"], made["status"]) == (600399, "teleported", "Success")


@pytest.mark.parametrize(
    ("action", "what", "changes", "type_name", "status"),
    [
        ("login", "session", {}, "Authentication: Logon", "Success"),
        ("login_failed", "session", {"person": ""}, "Authentication: Logon", "Failure"),
        ("locked_out", "session", {}, "Authentication: Logon", "Failure"),
        ("factor_added", "factor", {"object_name": "bob"}, "Account Change: MFA Factor Enable", "Success"),
        ("created", "person", {"object_name": "bob"}, "Account Change: Create", "Success"),
        ("created", "stream", {}, "Entity Management: Create", "Success"),
        ("deleted", "token", {}, "Entity Management: Delete", "Success"),
        ("listed", "event", {}, "API Activity: Read", "Success"),
        ("changed", "account", {"status": 500}, "Entity Management: Update", "Failure"),
        ("refused", "event", {"status": 404}, "API Activity: Other", "Failure"),
        ("ran", "archive", {"detail": '{"ok":false}'}, "API Activity: Other", "Failure"),
    ],
)
def test_an_entry_says_what_was_done(
    action: str, what: str, changes: dict[str, Any], type_name: str, status: str
) -> None:
    made = FORMAT.access(replace(ACCESS, action=action, what=what, **changes))

    assert (made["type_name"], made["status"], made["metadata"]["event_code"]) == (type_name, status, action)
    assert made["metadata"]["sequence"] == 4711


def test_an_entry_says_who_whom_and_whence() -> None:
    made = FORMAT.access(replace(ACCESS, action="rights_changed", what="person", object_id="7", object_name="bob"))

    assert made["user"] == {"name": "bob"}
    assert made["actor"] == {"user": {"name": "ann"}, "session": {"uid": ACCESS.via_id}}
    assert made["src_endpoint"] == {"ip": "192.0.2.7"}
    by_token = FORMAT.access(replace(ACCESS, via="token", via_id="t1"))
    assert by_token["actor"] == {"user": {"name": "ann", "credential_uid": "t1"}}
    assert by_token["unmapped"]["detail"] == {"filter": "account=abcd1234&source=CD"}
    by_command = FORMAT.access(replace(ACCESS, via="command", via_id="restore", address=""))
    assert by_command["actor"]["app_name"] == "manage.py restore"
    assert by_command["src_endpoint"] == {"svc_name": "command line"}
    nobody = FORMAT.access(replace(ACCESS, action="login_failed", via="nobody", via_id="", person=""))
    assert (nobody["user"], nobody["actor"]) == ({"name": "unknown"}, {"app_name": "unknown"})


def test_names_are_those_of_the_schema() -> None:
    classes = {each["uid"]: each for each in published()["classes"].values()}
    for ours in meanings.CLASSES:
        attributes = classes[ours.uid]["attributes"]
        names = {int(number): enum["caption"] for number, enum in attributes["activity_id"]["enum"].items()}
        severities = {int(number): enum["caption"] for number, enum in attributes["severity_id"]["enum"].items()}

        assert (ours.name, ours.category) == (classes[ours.uid]["caption"], classes[ours.uid]["category_name"])
        assert ours.activities.items() <= names.items()
        assert meanings.SEVERITIES.items() <= severities.items()
    statuses = classes[2004]["attributes"]["status_id"]["enum"]
    assert all(statuses[str(number)]["caption"] == name for _, number, name in ocsf.STATES.values() if number != 99)


def test_account_sequence_and_digest_have_their_places() -> None:
    record = event()
    made = FORMAT.event(record)

    assert made["cloud"]["account"] == {"uid": "abcd1234", "name": "Shop"}
    assert made["metadata"]["sequence"] == record.sequence
    assert made["unmapped"]["auditsite"]["digest"] == record.digest
    assert made["unmapped"]["auditsite"]["previous_sequence"] == 16

    evidence = FORMAT.finding(finding())["evidences"]
    assert (evidence[0]["data"]["account"], evidence[0]["data"]["sequence"]) == ("abcd1234", 16)
    assert evidence[0]["data"]["digest"] == record.digest
    assert "sequence" not in evidence[1]["data"]


def test_a_linked_number_is_an_update_of_that_number_by_that_user() -> None:
    made = FORMAT.event(event("NUMBER_LINKED", {"msisdn": "447700900000", "appId": "a1"}))

    assert (made["class_name"], made["activity_name"], made["type_uid"]) == ("API Activity", "Update", 600303)
    assert made["type_name"] == "API Activity: Update"
    assert made["actor"]["user"] == {"uid": "1234567", "name": "ann@example.com", "email_addr": "ann@example.com"}
    assert made["resources"] == [{"type": "phone number", "uid": "447700900000"}]
    assert made["src_endpoint"] == {"ip": "192.0.2.7", "svc_name": "CD", "location": {"country": "GB"}}
    assert made["api"]["operation"] == "NUMBER_LINKED"
    assert made["message"] == "Linked number 447700900000 to application a1"
    assert made["time"] == 1_795_624_462_000


@pytest.mark.parametrize(
    ("status", "activity", "name"),
    [("disabled", 5, "Disable"), ("Active", 2, "Enable"), ("locked", 9, "Lock"), ("odd", 99, "Status Update")],
)
def test_a_users_status_decides_what_was_done_with_it(status: str, activity: int, name: str) -> None:
    made = FORMAT.event(event("USER_STATUS", {"email": "bob@example.com", "status": status}))

    assert (made["activity_id"], made["activity_name"], made["type_uid"]) == (activity, name, 300100 + activity)
    assert made["user"]["name"] == "bob@example.com"
    assert made["actor"]["user"]["name"] == "ann@example.com"
    assert made["status"] == "Success"


def test_users_of_account_changes_are_whom_the_context_names_or_who_is_left() -> None:
    of_account = {"account": {"uid": "abcd1234", "name": "Shop"}}

    assert FORMAT.event(event("USER_UPDATE"))["user"]["name"] == "ann@example.com"
    assert FORMAT.event(event("USER_UPDATE", user_email=None, user_id=None))["user"] == of_account
    assert FORMAT.event(event("ACCOUNT_UPDATE_SPAMMER"))["user"] == of_account
    assert FORMAT.event(event("USER_LOGIN", {"email": "bob@example.com"}))["user"]["name"] == "ann@example.com"


def test_an_unknown_type_is_api_activity_of_another_kind() -> None:
    made = FORMAT.event(event("ESIM_ACTIVATE", {"iccid": "89"}))

    assert (made["type_uid"], made["activity_name"], made["status"]) == (600399, "ESIM_ACTIVATE", "Unknown")
    assert made["unmapped"]["context"] == {"iccid": "89"}
    assert wrong(made) == []


def test_a_failure_that_the_context_tells_of_is_one() -> None:
    assert FORMAT.event(event("APP_CREATE", {"status": "Denied"}))["status_id"] == 2
    assert FORMAT.event(event("APP_CREATE", {"success": False}))["status_id"] == 2
    assert FORMAT.event(event("APP_CREATE", {"status": "live"}))["status_id"] == 1


def test_a_finding_is_created_goes_on_and_is_closed() -> None:
    found = finding()

    assert FORMAT.finding(found)["activity_name"] == "Create"
    assert FORMAT.finding(finding(changed_at=found.found_at))["activity_name"] == "Update"
    assert FORMAT.finding(finding(state="withdrawn"))["activity_name"] == "Close"
    assert FORMAT.finding(found)["severity"] == "High"
    assert [list(attack)[0] for attack in FORMAT.finding(found)["finding_info"]["attacks"]] == [
        "tactic",
        "technique",
        "sub_technique",
    ]
