"""Filters together, no filter at all, and what the form says of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import NexmoAccount
from tests.tools.filters import Add, Login, found, number_of, refusal
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids


@pytest.fixture
def other(cast: dict[str, Any]) -> NexmoAccount:
    return NexmoAccount.objects.get(api_key="demo0002")


def test_no_filter_shows_everything(client: Client, account: NexmoAccount, other: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    add_event(other, 2)

    assert found(client, "") == {1, 2}


def test_empty_parameters_are_no_filters(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    empty = "account=&event_type=&search_text=&date_from=&date_to=&period=&user_email=&source=&source_ip="
    assert found(client, f"{empty}&source_country=&size=") == {1}
    assert found(client, "event_type=,&account=,%20,&user_email=,&source=,&source_ip=,&source_country=,,") == {1}


def test_unknown_parameters_are_told_and_refuse_an_export(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)

    page = client.get("/events/?utm_source=mail&account_id=demo0003")

    assert b"data-event-id" in page.content
    assert "utm_source" in text_of(page) and "account_id" in text_of(page)
    assert client.get("/events/export.csv?account_id=demo0003").status_code == 400


# --- together -----------------------------------------------------------------------------------------------------


def test_filters_narrow_one_another(client: Client, account: NexmoAccount, other: NexmoAccount, add_event: Add) -> None:
    matching: dict[str, Any] = {
        "event_type": "USER_LOGIN",
        "created_at": "2026-01-31T14:05:00",
        "user_email": "a@example.com",
        "source": "DEVAPI",
        "source_ip": "198.51.100.7",
        "source_country": "ES",
        "context": {"note": "needle"},
    }
    query = {
        "event_type": "USER_LOGIN",
        "date_from": "2026-01-31",
        "date_to": "2026-01-31",
        "user_email": "a@example.com",
        "source": "DEVAPI",
        "source_ip": "198.51.100.0/24",
        "source_country": "ES",
        "search_text": "needle",
        "account": "demo0001",
    }
    add_event(account, 1, **matching)
    # Each of these fails one condition.
    for number, miss in enumerate(
        (
            {"event_type": "USER_LOGOUT"},
            {"created_at": "2026-01-30T14:05:00"},
            {"created_at": "2026-02-01T14:05:00"},
            {"user_email": "b@example.com"},
            {"source": "CD"},
            {"source_ip": "198.51.101.7"},
            {"source_country": "FR"},
            {"context": {"note": "straw"}},
        ),
        start=2,
    ):
        add_event(account, number, **matching | miss)
    add_event(other, 10, **matching)

    assert found(client, query) == {1}
    # And each condition is needed: without it, its near miss comes back.
    assert {name: found(client, {key: value for key, value in query.items() if key != name}) for name in query} == {
        "event_type": {1, 2},
        "date_from": {1, 3},
        "date_to": {1, 4},
        "user_email": {1, 5},
        "source": {1, 6},
        "source_ip": {1, 7},
        "source_country": {1, 8},
        "search_text": {1, 9},
        "account": {1, 10},
    }


def test_period_narrows_dates(login: Login, account: NexmoAccount, add_event: Add) -> None:
    for number, at in enumerate(("2026-03-01T00:00:00", "2026-03-10T00:00:00", "2026-03-14T00:00:00"), start=1):
        add_event(account, number, created_at=at)

    with time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False):
        assert found(login("alice"), "period=7d&date_to=2026-03-12") == {2}


def test_every_wrong_field_is_told_at_once(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    wrong = "event_type=x&account=x&source_ip=x&date_from=x&date_to=x&period=x&search_text=%00"

    page = client.get(f"/events/?{wrong}")

    told = set(re.findall(r'id="error-(\w+)"', page.content.decode()))
    assert told == {"event_type", "account", "source_ip", "date_from", "date_to", "period", "search_text"}
    assert shown_ids(page) == []


def test_one_wrong_value_hides_rows_that_the_others_match(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)

    assert refusal(client, "search_text=447700900000&source_ip=wrong", "source_ip")


def test_wrong_field_is_marked_for_screen_readers(client: Client, cast: dict[str, Any]) -> None:
    page = client.get("/events/?source_ip=x").content.decode()
    (field,) = re.findall(r'<input[^>]*name="source_ip"[^>]*>', page)

    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="error-source_ip"' in field
    assert page.count('aria-invalid="true"') == 1


def test_conditions_are_counted_and_their_part_of_the_form_is_open_for_errors_only(
    client: Client, cast: dict[str, Any]
) -> None:
    plain = client.get("/events/?search_text=x&period=7d").content.decode()
    filtered = client.get("/events/?source=CD&user_email=a@example.com").content.decode()
    wrong = client.get("/events/?source_ip=x").content.decode()
    wrong_time = client.get("/events/?period=x").content.decode()

    assert '<details class="more">' in plain
    assert '<span class="badge">' not in plain
    assert '<details class="more">' in filtered  # the pills say which
    assert '<span class="badge">2</span>' in filtered
    assert '<details class="more" open>' in wrong
    assert '<details class="more">' in wrong_time
    assert '<details class="menu boxes when" open>' in wrong_time
    assert '<span class="badge">' not in client.get("/events/?date_from=2026-01-31").content.decode()


def test_filters_work_on_an_accounts_own_page(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source="CD")
    add_event(account, 2, source="DEVAPI")

    assert [number_of(found) for found in shown_ids(client.get("/accounts/demo0001/events/?source=cd"))] == [1]
    assert [number_of(found) for found in shown_ids(client.get("/accounts/demo0001/events/?account=demo0001"))] == [
        2,
        1,
    ]
    assert client.get("/accounts/demo0001/events/export.csv?source_ip=x").status_code == 400
