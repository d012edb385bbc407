"""Values that Nexmo might write in another way than documented, from the API to the page that finds them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from events.models import AuditEvent
from events.sandbox import Sandbox
from events.sync.engine import sync_account
from tests.conftest import event_json

pytestmark = pytest.mark.django_db


def synced(account: Any, make_sandbox: Any, **fields: Any) -> AuditEvent:
    sandbox: Sandbox = make_sandbox()
    sandbox.add_events(
        "demo0001", [json.dumps(event_json(1, id="plain")), json.dumps(event_json(2, id="odd", **fields))]
    )
    sync_account(account)
    return AuditEvent.objects.get(event_id="odd")


def rows(login: Any, query: str) -> set[str]:
    page = login("bob").get(f"/events/?{query}").content.decode()
    return {event_id for event_id in ("plain", "odd") if f"/events/{event_id}/" in page}


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("192.0.2.77:60162", "192.0.2.77"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("192.0.2.77, 10.0.0.1", "192.0.2.77"),
        ("unknown, 192.0.2.77", "192.0.2.77"),
        (" 192.0.2.77", "192.0.2.77"),
    ],
)
def test_address_with_a_port_or_in_a_list_is_found_by_filter_and_told(
    account: Any, login: Any, make_sandbox: Any, sent: str, address: str
) -> None:
    event = synced(account, make_sandbox, source_ip=sent)
    assert (event.source_ip, event.odd_fields) == (sent.strip(), "source_ip")
    assert rows(login, f"source_ip={address}") == {"odd"}
    page = login("bob").get("/accounts/demo0001/events/odd/")
    assert page.status_code == 200
    assert reverse("events:about", args=["ip", address]) in page.content.decode()


def test_event_type_with_a_blank_behind_is_filtered_like_its_twin(account: Any, login: Any, make_sandbox: Any) -> None:
    event = synced(account, make_sandbox, event_type="NUMBER_UPDATED ")
    assert (event.event_type, event.odd_fields) == ("NUMBER_UPDATED", "event_type")
    assert rows(login, "event_type=NUMBER_UPDATED") == {"plain", "odd"}
    assert 'NUMBER_UPDATED "' in event.raw


@pytest.mark.parametrize(("sent", "reported"), [("DEMO0001", ""), ("Demo0001 ", ""), ("other001", "other001")])
def test_account_id_in_another_case_is_not_another_account(
    account: Any, make_sandbox: Any, sent: str, reported: str
) -> None:
    assert synced(account, make_sandbox, account_id=sent).reported_account == reported
