"""The list of events: its rows, and what it says where there are none."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import SyncRun
from events.nexmo.errors import CredentialsRefused
from events.sync import coverage, state
from tests.conftest import NOON
from tests.tools.export import add_raw
from tests.tools.pages import Add, Login, finished, text_of


def empty_state(response: Any) -> str:
    found = re.findall(r'data-state="([\w-]+)"', response.content.decode())
    assert len(found) <= 1
    return found[0] if found else ""


# --- the list -------------------------------------------------------------------------------------------------------


def test_list_has_its_table_rows_and_form(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)

    page = client.get("/events/").content.decode()

    assert page.count('<table id="events"') == 1
    assert page.count('<form id="filter"') == 1
    assert f'<tr data-event-id="{event.event_id}">' in page


def test_row_tells_when_where_what_who_and_from(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)

    page = client.get("/events/")

    (row,) = re.findall(r"<tr data-event-id.*?</tr>", page.content.decode(), re.DOTALL)
    cells = dict(re.findall(r'<td class="(\w+)" data-title="\w+">(.*?)</td>', row, re.DOTALL))
    cells = {name: cell.replace("<wbr>", "") for name, cell in cells.items()}
    words = {name: " ".join(html.unescape(re.sub(r"<[^>]*>", " ", cell)).split()) for name, cell in cells.items()}
    assert words == {
        "when": "2026-03-15 12:01:00",
        "account": "Quillfern Parcel",
        "what": "Changed number 447700900000 NUMBER_UPDATED",
        "who": "yourname@example.com",
        "source": "Dashboard",
        "origin": "United Kingdom 192.0.2.1",
    }
    assert f'href="/accounts/demo0001/events/{event.event_id}/"' in cells["when"]
    assert 'datetime="2026-03-15T12:01:00+00:00"' in cells["when"]


def test_details_are_a_column_to_choose(client: Client, account: NexmoAccount, add_event: Add) -> None:
    """The sentence has what they say in most events."""
    add_event(account, 1)
    assert "msisdn 447700900000 · country GB" not in text_of(client.get("/events/"))

    client.post("/profile/display", {"with_columns": "1", "columns": ["who", "summary"]})

    assert "msisdn 447700900000 · country GB" in text_of(client.get("/events/"))


def test_row_of_a_bare_event_says_what_is_missing(client: Client, account: NexmoAccount) -> None:
    add_raw(account, '{"id": "bare"}')

    page = client.get("/events/")

    row = page.content.decode().split("<tbody>")[1].split("</tbody>")[0]
    assert "Event without type" in row
    assert row.count('<span class="none">–</span>') == 3  # who, source, from
    assert 'title="Nexmo sent no readable time; this is when the event was fetched."' in row
    assert '<span class="tag odd">odd</span>' in row


def test_user_without_address_is_shown_by_id(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, user_email=...)

    assert '<td class="who" data-title="Who">user 1234567</td>' in client.get("/events/").content.decode()


def test_times_are_shown_in_the_sites_zone(
    client: Client, account: NexmoAccount, add_event: Add, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    event = add_event(account, 1, created_at="2026-03-15T20:00:00Z")

    assert "2026-03-16 01:30:00" in text_of(client.get("/events/"))
    assert "When ↓ +05:30" in text_of(client.get("/events/"))
    assert "2026-03-16 01:30:00 +05:30" in text_of(client.get(event.get_absolute_url()))


def test_type_without_words_of_its_own_is_described_by_the_list_of_types(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    event = add_event(account, 1, event_type="NUMBER_ASSIGN", event_type_description=...)

    assert "Number assigned NUMBER_ASSIGN" in text_of(client.get("/events/"))
    assert "Number assigned" in text_of(client.get(event.get_absolute_url()))


@pytest.mark.parametrize(
    ("spans", "sentence"),
    [
        ({}, "Not known to be complete yet."),
        ({"demo0001": None, "demo0002": None}, "Complete until 2026-03-15 12:00:00 UTC for both accounts."),
        (
            {"demo0001": None},
            "Complete until 2026-03-15 12:00:00 UTC for 1 of 2 accounts; not known for Marrowby Health.",
        ),
        (
            {"demo0001": NOON - timedelta(days=9), "demo0002": None},
            "Complete until 2026-03-15 12:00:00 UTC for both accounts. Older days are still missing for 1.",
        ),
    ],
)
def test_list_says_until_when_it_is_complete(
    client: Client, cast: dict[str, Any], spans: dict[str, datetime | None], sentence: str
) -> None:
    for number, (key, start) in enumerate(spans.items()):
        account = NexmoAccount.objects.get(api_key=key)
        state.ensure([account])
        coverage.add(account, start, NOON + timedelta(hours=number))  # the earliest end is what counts

    assert sentence in text_of(client.get("/events/"))


def test_completeness_is_that_of_the_chosen_accounts(client: Client, cast: dict[str, Any]) -> None:
    account = NexmoAccount.objects.get(api_key="demo0002")
    state.ensure([account])
    coverage.add(account, None, NOON)

    assert "Complete until 2026-03-15 12:00:00 UTC." in text_of(client.get("/events/?account=demo0002"))
    assert "Not known to be complete yet." in text_of(client.get("/events/?account=demo0001"))
    assert "Complete until 2026-03-15 12:00:00 UTC." in text_of(client.get("/accounts/demo0002/events/"))


def test_account_list_names_its_account_and_offers_no_others(client: Client, account: NexmoAccount) -> None:
    page = client.get("/accounts/demo0001/events/").content.decode()

    assert '<a href="/accounts/demo0001/">Quillfern Parcel</a>' in page
    assert 'action="/accounts/demo0001/events/"' in page
    assert 'name="account"' not in page
    assert "Marrowby" not in page


# --- empty states ---------------------------------------------------------------------------------------------------


def test_who_has_no_account_is_told_whom_to_ask(login: Login, cast: dict[str, Any]) -> None:
    cast["bob"].groups.clear()
    client = login("bob")

    for path in ("/events/", "/accounts/"):
        page = client.get(path)
        assert empty_state(page) == "no-accounts"
        assert "Ask the owner of a Nexmo account, or an administrator" in text_of(page)
        assert 'href="/admin/' not in page.content.decode()


def test_who_has_no_account_but_may_add_one_is_shown_where(login: Login, cast: dict[str, Any]) -> None:
    NexmoAccount.objects.update(owner=cast["admin"])
    cast["alice"].groups.remove(cast["alice"].groups.get(name="Messaging team"))
    client = login("alice")

    for path in ("/events/", "/accounts/"):
        page = client.get(path)
        assert empty_state(page) == "no-accounts"
        assert '<a class="button primary" href="/accounts/new">Add a Nexmo account</a>' in page.content.decode()


def test_wrong_filter_has_its_empty_state(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    page = client.get("/events/?source_ip=x")

    assert empty_state(page) == "invalid"
    assert 'href="/events/">Clear all filters</a>' in page.content.decode()


def test_filter_without_match_has_its_empty_state(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    page = client.get("/events/?source=NOPE")

    assert empty_state(page) == "no-match"
    assert "Source is NOPE" in text_of(page)
    assert "Remove a condition above with its ×." in text_of(page)
    assert "Not known to be complete yet. Remove a condition" in text_of(page)
    assert 'href="/events/">Clear all filters</a>' in page.content.decode()


def test_failing_sync_has_its_empty_state(client: Client, account: NexmoAccount) -> None:
    finished(account, CredentialsRefused("no", status=401))

    page = client.get("/accounts/demo0001/events/")

    assert empty_state(page) == "failing"
    assert "Quillfern Parcel : Nexmo refused the API key or secret (HTTP 401)." in text_of(page)
    # Among several accounts it is said too, and of the others nothing.
    merged = client.get("/events/")
    assert empty_state(merged) == "failing"
    assert "Marrowby" not in merged.content.decode().split('id="empty"')[1]


def test_account_that_was_never_synced_has_its_empty_state(client: Client, account: NexmoAccount) -> None:
    page = client.get("/accounts/demo0001/events/")

    assert empty_state(page) == "never-synced"
    assert "This account has not been synced yet." in text_of(page)
    assert 'href="/accounts/demo0001/">Watch the sync</a>' in page.content.decode()
    assert "These accounts have not been synced yet." in text_of(client.get("/events/"))


def test_running_sync_has_the_same_empty_state(client: Client, account: NexmoAccount) -> None:
    state.claim(account, SyncRun.Trigger.SCHEDULE)

    assert empty_state(client.get("/accounts/demo0001/events/")) == "never-synced"


def test_synced_account_without_events_has_its_empty_state(client: Client, account: NexmoAccount) -> None:
    finished(account)
    coverage.add(account, None, NOON)

    page = client.get("/accounts/demo0001/events/")

    assert empty_state(page) == "no-events"
    assert "Nexmo lists no events Complete until 2026-03-15 12:00:00 UTC. New events are announced here" in text_of(
        page
    )


def test_list_with_rows_has_no_empty_state(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert empty_state(client.get("/events/")) == ""
