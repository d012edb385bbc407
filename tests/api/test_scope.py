"""A token sees no account that it is not for: neither by ids nor by counts, tags, cursors or errors."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from tests.api.conftest import Program
from tests.conftest import event_json
from tests.tools.export import add_many
from tests.tools.findings import make_finding
from tests.tools.pages import Add

LISTS = (
    "/beta/audit/events",
    "/beta/audit/events?size=1",
    "/beta/audit/events?cursor=",
    "/beta/audit/events?event_type=NUMBER_UPDATED",
    "/beta/audit/events?search_text=447700900000",
    "/api/v1/events",
    "/api/v1/events?order=oldest&format=ndjson",
    "/api/v1/events?order=arrival",
    "/api/v1/events?user_email=yourname@example.com",
    "/api/v1/accounts/",
    "/api/v1/findings/?state=all",
    "/api/v1/views/numbers/events",
)


@pytest.fixture
def accounts(cast: dict[str, Any]) -> dict[str, NexmoAccount]:
    """One event in each account."""
    every = {account.api_key: account for account in NexmoAccount.objects.all()}
    for number, account in enumerate(every.values(), start=1):
        add_many(account, [number], account_id=account.api_key)
    return every


def told(client: Client, path: str) -> tuple[bytes, str | None, str | None]:
    """All that an answer says, without what is the asker's own."""
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.content)
    body = re.sub(rb'"last_success_at": [^,]*', b"", answer.content)
    return body, answer.headers.get("ETag"), answer.headers.get("X-Total-Count")


def test_answers_are_the_same_whatever_hidden_accounts_hold(
    accounts: dict[str, NexmoAccount], add_event: Add, program: Program
) -> None:
    readers = [program("bob"), program("alice", accounts=["demo0001"]), program("audrey", accounts=["demo0001"])]
    before = [[told(reader, path) for path in LISTS] for reader in readers]
    for key in ("demo0002", "demo0003"):
        add_many(accounts[key], range(50, 60), account_id=key)
        make_finding([add_event(accounts[key], 70, account_id=key)])

    assert [[told(reader, path) for path in LISTS] for reader in readers] == before
    assert all(b"demo0002" not in body and b"demo0003" not in body for answers in before for body, *_ in answers)


def test_hidden_and_nonexistent_are_told_apart_by_nothing(
    accounts: dict[str, NexmoAccount], add_event: Add, program: Program
) -> None:
    finding = make_finding([add_event(accounts["demo0003"], 80)])
    pairs = [
        (f"/beta/audit/events/{event_json(3)['id']}", "/beta/audit/events/nosuch"),
        (f"/beta/audit/events/{event_json(1)['id']}?account_id=demo0003",
         f"/beta/audit/events/{event_json(1)['id']}?account_id=nosuch"),
        ("/beta/audit/events?account_id=demo0003", "/beta/audit/events?account_id=nosuch"),
        ("/api/v1/events?account=demo0003", "/api/v1/events?account=nosuch"),
        ("/api/v1/accounts/demo0003", "/api/v1/accounts/nosuch"),
        (f"/api/v1/findings/{finding.pk}", "/api/v1/findings/98765"),
        ("/api/v1/findings/?account=demo0003", "/api/v1/findings/?account=nosuch"),
    ]  # fmt: skip
    for reader in (program("bob"), program("audrey", accounts=["demo0001"])):
        for hidden, missing in pairs:
            answers = [reader.get(path) for path in (hidden, missing)]
            texts = [re.sub(r"demo0003|nosuch|[0-9a-f-]{36}", "…", answer.content.decode()) for answer in answers]
            assert answers[0].status_code == answers[1].status_code
            assert answers[0].status_code in (400, 404)
            assert texts[0] == texts[1]


def test_a_cursor_of_one_who_sees_more_opens_nothing(accounts: dict[str, NexmoAccount], program: Program) -> None:
    auditor, bob = program("audrey"), program("bob")
    for order in ("newest", "oldest", "arrival"):
        cursor = auditor.get(f"/api/v1/events?size=1&order={order}").json()["cursor"]
        events = bob.get(f"/api/v1/events?cursor={cursor}").json()["events"]
        assert {event["account_id"] for event in events} <= {"demo0001"}


def test_what_a_person_loses_the_token_loses(accounts: dict[str, NexmoAccount], program: Program) -> None:
    client = program("bob")
    assert len(client.get("/api/v1/events").json()["events"]) == 1
    accounts["demo0001"].teams.clear()

    assert client.get("/api/v1/events").json()["events"] == []
    assert client.get("/beta/audit/events").json()["page"]["totalElements"] == 0
    assert client.get(f"/beta/audit/events/{event_json(1)['id']}").status_code == 404
