"""ECS output has the fields of the reference, with their types, and beside them only ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from accounts.access.words import Action
from events.nexmo.catalog import EVENT_TYPES, FAMILIES
from events.streams.formats import FORMATS, ecs, meanings
from events.streams.formats.page import ACCESS
from tests.streams.formats.ecs_fields import CATEGORIES, FIELDS, KINDS, OUTCOMES
from tests.tools.records import event, finding, of_each_type, of_the_sandbox

FORMAT = FORMATS["ecs"]


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).utcoffset() is not None


def _is_ip(value: Any) -> bool:
    # What Elasticsearch's type `ip` reads: no zone of an address.
    return isinstance(value, str) and "%" not in value and bool(ipaddress.ip_address(value))


FITS = {
    "date": _is_date,
    "ip": _is_ip,
    "keyword": lambda value: isinstance(value, str) and value != "",
    "match_only_text": lambda value: isinstance(value, str) and value != "",
    "long": lambda value: type(value) is int and abs(value) < 2**63,
}
# Of ours: each name always has one type, so that no index refuses an event for another one's sake.
OWN = {
    "auditsite.accounts": "keyword[]",
    "auditsite.allowed_address": "keyword",
    "auditsite.application.id": "keyword",
    "auditsite.application.name": "keyword",
    "auditsite.changes": "keyword[]",
    "auditsite.context": "keyword",
    "auditsite.created_at_basis": "keyword",
    "auditsite.digest": "keyword",
    "auditsite.event_count": "long",
    "auditsite.events": "object[]",
    "auditsite.detail": "keyword",
    "auditsite.next_steps": "keyword[]",
    "auditsite.number": "keyword",
    "auditsite.object_id": "keyword",
    "auditsite.object_name": "keyword",
    "auditsite.odd_fields": "keyword[]",
    "auditsite.previous_sequence": "long",
    "auditsite.record_hash": "keyword",
    "auditsite.reported_account": "keyword",
    "auditsite.resolution": "keyword",
    "auditsite.secret.id": "keyword",
    "auditsite.severity": "keyword",
    "auditsite.source_description": "keyword",
    "auditsite.state": "keyword",
    "auditsite.tags": "keyword[]",
    "auditsite.via": "keyword",
    "auditsite.via_id": "keyword",
    "auditsite.what": "keyword",
}
FOUND = {
    **dict.fromkeys(("account", "id", "type", "user_email", "step", "digest"), "keyword"),
    "created_at": "date",
    "source_ip": "ip",
    "sequence": "long",
}


def leaves(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from leaves(item, f"{path}{name}.")
        else:
            yield f"{path}{name}", item


def fits(value: Any, kind: str) -> bool:
    if kind == "object[]":
        return all(FITS[FOUND[name]](each) for item in value for name, each in item.items())
    if kind.endswith("[]"):
        return isinstance(value, list) and all(FITS[kind[:-2]](item) for item in value)
    return FITS[kind](value)


def wrong(made: dict[str, Any]) -> list[str]:
    types = FIELDS | OWN
    faults = [f"{name}: {value!r:.80}" for name, value in leaves(made) if not fits(value, types[name])]
    of_event = made["event"]
    (category,) = of_event["category"]
    faults += [f"{name} is not expected in {category}" for name in of_event["type"] if name not in CATEGORIES[category]]
    if of_event["kind"] not in KINDS or of_event.get("outcome", "unknown") not in OUTCOMES:
        faults.append("kind or outcome")
    return faults


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_known_type_has_fields_of_the_reference_in_their_types(event_type: str) -> None:
    made = FORMAT.event(of_each_type()[event_type])

    assert wrong(made) == []
    assert made["event"]["outcome"] == "success"


def test_whatever_the_sandbox_sends_has_them_too() -> None:
    made = [(record.event_id, FORMAT.event(record)) for record in of_the_sandbox()]

    assert [(name, faults) for name, each in made if (faults := wrong(each))] == []


def test_findings_have_them_too() -> None:
    for record in (
        finding(),
        finding(events=(), tags=(), accounts=(("a", "A"), ("b", "B")), changed_at=finding().found_at, is_test=True),
    ):
        assert wrong(FORMAT.finding(record)) == []


@pytest.mark.parametrize("action", Action.values)
def test_the_access_log_has_them_too(action: str) -> None:
    made = FORMAT.access(replace(ACCESS, action=action))

    assert wrong(made) == []


def test_the_access_log_has_them_where_little_is_known() -> None:
    empty = replace(ACCESS, person="", accounts=(), address="unknown", agent="", status=None, detail="", via_id="")

    assert wrong(FORMAT.access(empty)) == []


def test_the_reference_is_what_is_checked() -> None:
    made = FORMAT.event(event())

    assert wrong(made | {"cloud": {"provider": 1}})
    assert wrong(made | {"event": made["event"] | {"type": ["start"]}})
    with pytest.raises(KeyError):
        wrong(made | {"surprise": 1})
    declared = {field.path for shape in (ecs.EVENT, ecs.FINDING, ecs.ACCESS) for field in shape.fields}
    assert declared == FIELDS.keys() | OWN.keys()


def test_account_sequence_and_digest_have_their_places() -> None:
    record = event()
    made = FORMAT.event(record)

    assert made["cloud"]["account"] == {"id": "abcd1234", "name": "Shop"}
    assert made["event"]["sequence"] == record.sequence
    assert made["auditsite"]["digest"] == record.digest
    assert made["auditsite"]["previous_sequence"] == 16

    first, second = FORMAT.finding(finding())["auditsite"]["events"]
    assert (first["account"], first["sequence"], first["digest"]) == ("abcd1234", 16, record.digest)
    assert "sequence" not in second


def test_a_linked_number_as_ecs_tells_it() -> None:
    made = FORMAT.event(event("NUMBER_LINKED", {"msisdn": "447700900000", "app_id": "a1", "name": "Shop"}))

    assert made["@timestamp"] == "2026-11-25T16:34:22Z"
    assert made["message"] == "Linked number 447700900000 to application Shop"
    assert (made["event"]["action"], made["event"]["category"]) == ("number-linked", ["configuration"])
    assert made["event"]["code"] == "NUMBER_LINKED"
    assert made["auditsite"]["number"] == "447700900000"
    assert made["auditsite"]["application"] == {"id": "a1", "name": "Shop"}
    assert made["related"] == {"user": ["ann@example.com", "1234567"], "ip": ["192.0.2.7"]}


def test_users_that_are_changed_are_targets() -> None:
    made = FORMAT.event(event("USER_CREATE", {"email": "bob@example.com", "name": "Bob"}))

    assert made["user"]["email"] == "ann@example.com"
    assert made["user"]["target"] == {"email": "bob@example.com"}
    assert "bob@example.com" in made["related"]["user"]
    assert "application" not in made["auditsite"]


@pytest.mark.parametrize("address", ["not an address", "fe80::1%eth0", ""])
def test_what_is_no_address_is_never_in_a_field_of_addresses(address: str) -> None:
    made = FORMAT.event(event(source_ip=address))

    assert "ip" not in made.get("source", {})
    assert made.get("source", {}).get("address", "") == address


def test_changes_are_told_and_contexts_are_one_text() -> None:
    made = FORMAT.event(event("APP_UPDATE", {"before": {"name": "Shop"}, "after": {"name": "Shop 2"}}))

    assert made["auditsite"]["changes"] == ["name: Shop → Shop 2"]
    assert made["auditsite"]["context"] == '{"before":{"name":"Shop"},"after":{"name":"Shop 2"}}'


def test_an_unknown_type_keeps_its_family_and_its_outcome_is_unknown() -> None:
    number, new = (FORMAT.event(event(code)) for code in ("USER_EXPORTED", "ESIM_ACTIVATE"))

    assert (number["event"]["category"], number["event"]["type"]) == (["iam"], ["info"])
    assert (new["event"]["category"], new["event"]["outcome"]) == (["configuration"], "unknown")
    assert new["event"]["action"] == "esim-activate"


def test_each_known_type_and_each_family_is_declared() -> None:
    assert meanings.BY_TYPE.keys() == EVENT_TYPES.keys()
    assert meanings.BY_FAMILY.keys() == {slug for _, slug, _ in FAMILIES} | {"other"}
