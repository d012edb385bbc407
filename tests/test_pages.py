"""What the pages show, how many queries they take, and what they never contain."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import AuditEvent, SyncRun, SyncState, SyncWindow, WorkerBeat
from events.nexmo.errors import CredentialsRefused, Unavailable
from events.queue import QUEUE
from events.sync import coverage, state
from tests.conftest import NOON, PASSWORD, event_json
from tests.test_export import add_many, add_raw, body
from tests.test_scope import shown_ids

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

CSP = {
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


@pytest.fixture
def worker(db: None) -> None:
    WorkerBeat.objects.create(name="test:1", seen_at=timezone.now())


def text_of(response: Any) -> str:
    """The words of a page as a reader sees them: no tags, entities resolved, blanks joined."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def empty_state(response: Any) -> str:
    found = re.findall(r'data-state="([\w-]+)"', response.content.decode())
    assert len(found) <= 1
    return found[0] if found else ""


def finished(account: NexmoAccount, error: Exception | None = None, fingerprint: str = "") -> SyncRun:
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    return state.finish(run, error=error, fingerprint=fingerprint)


# --- queries --------------------------------------------------------------------------------------------------------

# For a reader who is in no team and has no role, as most are; a page of the list that has neighbours counts its rows.
QUERIES = {
    "/events/": 10,
    "/events/?source=CD&search_text=447700900000": 10,
    "/accounts/demo0003/events/": 10,
    "/accounts/demo0003/events/{event}/": 11,
    "/events/{event}/": 6,
    "/accounts/": 9,
    "/accounts/demo0003/": 21,
}


def count_queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code in (200, 302)
    return len(queries)


@pytest.mark.parametrize("events", [1, 60])
def test_pages_take_their_queries_whatever_the_number_of_events(
    login: Login, cast: dict[str, Any], events: int
) -> None:
    add_many(NexmoAccount.objects.get(api_key="demo0003"), range(events))
    client = login("charlie")
    size = {"/events/": "?size=100", "/accounts/demo0003/events/": "?size=100"}

    taken = {
        path: count_queries(client, path.format(event=event_json(0)["id"]) + size.get(path, "")) for path in QUERIES
    }

    # 60 events are more than a page of the usual size: the search counts them.
    expected = QUERIES | ({"/events/?source=CD&search_text=447700900000": 11} if events == 60 else {})
    assert taken == expected


def test_pages_take_the_same_queries_for_five_accounts(login: Login, cast: dict[str, Any]) -> None:
    NexmoAccount.objects.update(owner=cast["charlie"])
    for account in NexmoAccount.objects.all():
        add_many(account, range(10))
        finished(account)
        coverage.add(account, None, timezone.now())
    client = login("charlie")

    assert {path: count_queries(client, path.format(event=event_json(0)["id"])) for path in QUERIES} == QUERIES


def test_admins_pages_take_no_more_queries_for_more_accounts(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")
    add_many(NexmoAccount.objects.get(api_key="demo0003"), range(3))
    paths = ("/admin/accounts/nexmoaccount/", "/admin/events/auditevent/", "/admin/events/syncrun/")
    client.get("/admin/")
    few = [count_queries(client, path) for path in paths]
    for number in range(20):
        account = NexmoAccount.objects.create(
            owner=cast["charlie"], name=f"More {number}", api_key=f"more{number:04d}", api_secret="x"
        )
        add_many(account, range(3))
        finished(account)

    assert [count_queries(client, path) for path in paths] == few


def test_list_reads_neither_verbatim_events_nor_secrets(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    with CaptureQueriesContext(connection) as queries:
        client.get("/events/")
        client.get("/accounts/")

    assert not [query for query in queries if '"events_auditevent"."raw"' in query["sql"]]
    assert not [query for query in queries if "api_secret" in query["sql"]]


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
        "when": "2026-03-15 12:01:00 UTC",
        "account": "Quillfern Parcel",
        "what": "Number updated NUMBER_UPDATED",
        "who": "yourname@example.com",
        "source": "Dashboard",
        "origin": "GB 192.0.2.1",
        "summary": "msisdn 447700900000 · country GB",
    }
    assert f'href="/accounts/demo0001/events/{event.event_id}/"' in cells["when"]
    assert 'datetime="2026-03-15T12:01:00+00:00"' in cells["when"]


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

    assert "2026-03-16 01:30:00 IST" in text_of(client.get("/events/"))
    assert "2026-03-16 01:30:00 IST" in text_of(client.get(event.get_absolute_url()))


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
        ({"demo0001": None}, "Complete until 2026-03-15 12:00:00 UTC for 1 of 2 accounts."),
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
        assert '<a class="button primary" href="/admin/accounts/nexmoaccount/add/">Add a Nexmo account</a>' in (
            page.content.decode()
        )


def test_wrong_filter_has_its_empty_state(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    page = client.get("/events/?source_ip=x")

    assert empty_state(page) == "invalid"
    assert 'href="/events/">Clear all filters</a>' in page.content.decode()


def test_filter_without_match_has_its_empty_state(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    page = client.get("/events/?source=NOPE")

    assert empty_state(page) == "no-match"
    assert "No event matches Source NOPE" in text_of(page)
    assert "Not known to be complete yet. Try a longer period or fewer conditions." in text_of(page)
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
    assert "Nexmo lists no events Complete until 2026-03-15 12:00:00 UTC. New events appear here" in text_of(page)


def test_list_with_rows_has_no_empty_state(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert empty_state(client.get("/events/")) == ""


# --- one event ------------------------------------------------------------------------------------------------------


def test_event_page_shows_every_field(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)

    page = client.get(event.get_absolute_url())

    fields = text_of(page).split("Copy JSON")[0]
    for words in (
        "Type NUMBER_UPDATED Numbers",
        "When 2026-03-15 12:01:00 UTC Nexmo's times carry no zone; read as UTC.",
        "Account Quillfern Parcel demo0001",
        "User yourname@example.com id 1234567",
        "Source CD Customer dashboard",
        "IP address 192.0.2.1",
        "Country GB",
        f"Event id {event.event_id}",
        "country GB msisdn 447700900000",
    ):
        assert words in fields
    assert "<title>Number updated, 2026-03-15 12:01:00 UTC – Auditsite</title>" in page.content.decode()


def test_event_page_leads_to_neighbours(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1, user_email="a+b&c@example.com", source_ip="2001:db8::1")

    page = client.get(event.get_absolute_url()).content.decode()

    assert 'href="/events/?user_email=a%2Bb%26c%40example.com"' in page
    assert 'href="/events/?source_ip=2001%3Adb8%3A%3A1"' in page
    for link in re.findall(r'href="(/events/\?[^"]*)"', page):
        assert shown_ids(client.get(html.unescape(link))) == [event.event_id]


def test_event_page_says_what_the_time_rests_on(client: Client, account: NexmoAccount, add_event: Add) -> None:
    bases = {
        "2026-03-15T12:00:00": "Nexmo's times carry no zone; read as UTC.",
        "2026-03-15T12:00:00Z": "As sent, with offset Z.",
        "2026-03-15T12:00:00+0200": "As sent, with offset +02:00.",
        "yesterday": "Nexmo sent no readable time; this is when the event was fetched.",
    }
    for number, (created_at, words) in enumerate(bases.items()):
        event = add_event(account, number, created_at=created_at)
        assert words in text_of(client.get(event.get_absolute_url()))


def test_event_page_shows_the_context_as_a_tree(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1, context={"a": {"b": ["x", 2.5, True, None, {}]}, "empty": "", "<k>": "<v>", "n": 0})

    page = client.get(event.get_absolute_url()).content.decode()

    assert (
        '<dl class="tree"><dt>a</dt><dd><dl class="tree"><dt>b</dt><dd><dl class="tree">'
        '<dt>1</dt><dd><span class="break">x</span></dd>'
        "<dt>2</dt><dd><code>2.5</code></dd>"
        "<dt>3</dt><dd><code>true</code></dd>"
        '<dt>4</dt><dd><span class="none">null</span></dd>'
        '<dt>5</dt><dd><span class="none">empty</span></dd>'
        "</dl></dd></dl></dd>"
        '<dt>empty</dt><dd><span class="break">“”</span></dd>'
        '<dt>&lt;k&gt;</dt><dd><span class="break">&lt;v&gt;</span></dd>'
        "<dt>n</dt><dd><code>0</code></dd></dl>"
    ) in page


def test_event_page_shows_any_context(client: Client, account: NexmoAccount, add_event: Add) -> None:
    contexts = {
        "Context This event has no context.": ...,
        "Context empty": {},
        "Context 1 1 2 two": [1, "two"],
        "Context just text": "just text",
        "Context 0": 0,
        "Context false": False,
    }
    for number, (words, context) in enumerate(contexts.items()):
        event = add_event(account, number, context=context)
        assert words in text_of(client.get(event.get_absolute_url()))
    null = add_event(account, len(contexts), context=None)
    assert "Context This event has no context." in text_of(client.get(null.get_absolute_url()))
    assert len(shown_ids(client.get("/events/"))) == len(contexts) + 1


def test_event_page_bounds_deep_and_long_contexts(client: Client, account: NexmoAccount, add_event: Add) -> None:
    deep: Any = "bottom"
    for _ in range(40):
        deep = {"down": deep}
    event = add_event(account, 1, context={"deep": deep, "long": list(range(600))})

    page = client.get(event.get_absolute_url())

    tree = page.content.decode().split('id="raw"')[0]
    assert "… deeper than shown; see the text as received" in tree
    assert "bottom" not in tree
    assert "100 more; see the text as received" in tree
    assert "bottom" in page.content.decode()


def test_event_page_shows_the_event_as_received(client: Client, account: NexmoAccount) -> None:
    event = add_raw(account, '{"id":"x-1","created_at":"2026-03-15T12:00:00","unknown":{"é":[1,2]},"t":"<b>"}')

    page = client.get(event.get_absolute_url()).content.decode()

    (raw,) = re.findall(r'<pre id="raw-json" tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert html.unescape(raw) == json.dumps(json.loads(event.raw), indent=2, ensure_ascii=False)
    assert "&lt;b&gt;" in raw


def test_event_page_shows_unreadable_events_as_they_are(client: Client, account: NexmoAccount) -> None:
    deep = '{"id":"x-1","a":' + "[" * 5_000 + "]" * 5_000 + "}"
    event = add_raw(account, deep)

    page = client.get(event.get_absolute_url())

    assert page.status_code == 200
    assert "[" * 50 in page.content.decode().split('id="raw-json"')[1]


def test_event_page_shows_the_run_and_when_it_was_fetched(
    client: Client, account: NexmoAccount, add_event: Add, cast: dict[str, Any]
) -> None:
    event = add_event(account, 1)
    run = SyncRun.objects.create(
        account=account,
        trigger=SyncRun.Trigger.PERSON,
        requested_by=cast["bob"],
        status=SyncRun.Status.SUCCEEDED,
        started_at=datetime(2026, 3, 16, 11, 59, 30, tzinfo=UTC),
    )

    assert "Fetched 2026-03-16 12:00:00 UTC By unknown" in text_of(client.get(event.get_absolute_url()))

    # As a sync would have stored it; the archive itself may refuse to change a row.
    other = add_raw_by(account, run, 2)
    words = f"By sync {run.pk} (sync now by bob), begun 2026-03-16 11:59:30 UTC, succeeded"
    assert words in text_of(client.get(other.get_absolute_url()))


def add_raw_by(account: NexmoAccount, run: SyncRun, number: int) -> AuditEvent:
    from events import archive
    from events.nexmo.parse import parse_event

    event = parse_event(json.dumps(event_json(number)), UTC)
    archive.add_events(account, [event], run=run, fetched_at=NOON)
    return AuditEvent.objects.with_id(event.event_id).get(account=account)


def test_event_page_shows_other_content_under_the_same_id(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    event = add_event(account, 1)
    assert "Other content under the same id" not in text_of(client.get(event.get_absolute_url()))
    add_event(account, 1, source="<b>changed</b>")

    page = client.get(event.get_absolute_url())

    assert "Nexmo later sent other content under this id." in text_of(page)
    shown = page.content.decode().split('<h2 id="conflicts">')[1]
    assert "Seen 2026-03-16 12:00:00 UTC" in shown
    assert "&lt;b&gt;changed&lt;/b&gt;" in shown
    assert "changed" not in page.content.decode().split('<h2 id="conflicts">')[0]


def test_event_page_names_odd_fields_and_another_account(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1, source={"odd": 1}, context=[1], account_id="a<b>c")

    page = client.get(event.get_absolute_url())

    assert "Nexmo sent something unusual in: context , source . Nothing was dropped" in text_of(page)
    assert "The event names another account, a<b>c ; Nexmo listed it for demo0001." in text_of(page)
    plain = client.get(add_event(account, 2).get_absolute_url())
    assert "unusual" not in text_of(plain)
    assert "another account" not in text_of(plain)


HOSTILE = {
    "markup": "</pre></td></table><script>alert(1)</script>\"><img src=x onerror=alert(1)>' onmouseover='alert(1)",
    "code": "javascript:alert(1);=cmd|' /C calc'!A0{{ settings.SECRET_KEY }}{% now 'Y' %}",
    "marks": "\u202egnp.exe\u202c\u2066\u200f",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_text(client: Client, account: NexmoAccount, add_event: Add, hostile: str) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(name=hostile)
    fields = dict.fromkeys(
        (
            "id",
            "event_type",
            "event_type_description",
            "user_email",
            "user_id",
            "account_id",
            "source",
            "source_description",
            "source_ip",
            "source_country",
        ),
        hostile,
    )
    event = add_event(account, 1, **fields, context={hostile: [hostile, {hostile: hostile}]})
    add_event(account, 1, **fields, context={"changed": hostile})
    other = NexmoAccount.objects.get(api_key="demo0002")
    add_event(other, 1, **fields)
    run = finished(account, Unavailable(hostile, status=500))
    state.record_window(run, SyncWindow(account=account, run=run, asked_at=NOON, verified=False, reason=hostile))
    paths = {
        "/events/": 4,
        event.get_absolute_url(): 10,
        event.get_absolute_url().replace("/accounts/demo0001", ""): 3,
        "/accounts/": 1,
        "/accounts/demo0001/": 3,
        "/accounts/demo0001/events/": 3,
    }

    for path, least in paths.items():
        page = client.get(path)
        assert page.status_code == 200
        assert violations(page) == []
        source = page.content.decode()
        spoken = html.unescape(re.sub(r"</?(?:\w+)(?:\s[^<>]*)?>", "", source))
        assert spoken.count(hostile) + spoken.count(hostile.lower()) + spoken.count(hostile.upper()) >= least
        if "<" in hostile:
            assert hostile not in source
            assert hostile.lower() not in source


# --- accounts -------------------------------------------------------------------------------------------------------


def test_overview_sums_up(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(1, 1235))

    page = client.get("/accounts/")

    assert "2 accounts with 1,234 archived events" in text_of(page)
    assert '<a href="/accounts/demo0001/events/">1,234</a>' in page.content.decode()


def states(client: Client, account: NexmoAccount) -> tuple[str, str]:
    """The account's label and level; overview and own page must agree, and the own page shows the whole sentence."""
    overview = client.get("/accounts/").content.decode()
    row = overview.split(f'data-account="{account.api_key}"')[1].split("</tr>")[0]
    own = client.get(f"/accounts/{account.api_key}/").content.decode()
    (level, label) = re.findall(r'<span class="health (\w+)">([^<]*)</span>', own)[0]
    assert (level, label) == re.findall(r'<span class="health (\w+)">([^<]*)</span>', row)[0]
    sentence = own.split(f"{label}</span>")[1].split("</p>")[0].strip()
    if level != "ok":
        assert sentence in row
    return level, f"{label}: {html.unescape(sentence)}"


def test_account_that_was_never_synced_says_so(client: Client, account: NexmoAccount, worker: None) -> None:
    assert states(client, account) == ("waiting", "Never synced: Its events have not been fetched yet.")
    assert "No sync has run yet." in text_of(client.get("/accounts/demo0001/"))


def test_account_that_waits_for_a_worker_says_how_to_start_one(client: Client, account: NexmoAccount) -> None:
    hint = "No worker is running: start one with `manage.py worker`."
    assert states(client, account) == ("waiting", f"Never synced: Its events have not been fetched yet. {hint}")

    client.post("/accounts/demo0001/sync/")

    assert states(client, account) == ("waiting", f"Waiting: The sync begins as soon as a worker is free. {hint}")


def test_account_that_waits_for_a_living_worker_only_waits(client: Client, account: NexmoAccount, worker: None) -> None:
    client.post("/accounts/demo0001/sync/")

    assert states(client, account) == ("waiting", "Waiting: The sync begins as soon as a worker is free.")


def test_worker_that_was_not_seen_for_long_is_none(client: Client, account: NexmoAccount) -> None:
    WorkerBeat.objects.create(name="gone:1", seen_at=timezone.now() - timedelta(seconds=31))

    assert "No worker is running" in states(client, account)[1]


def test_running_sync_tells_its_progress(client: Client, account: NexmoAccount) -> None:
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    assert states(client, account) == ("working", "Syncing: Starting.")
    assert "<progress" not in client.get("/accounts/").content.decode()

    state.renew(run, doing="Reading 2026-01-01 to now", expected=200, seen=50, added=1234)

    assert states(client, account) == ("working", "Syncing: Reading 2026-01-01 to now. 1,234 new so far.")
    for path in ("/accounts/", "/accounts/demo0001/"):
        assert '<progress max="100" value="25"' in client.get(path).content.decode()


def test_sync_whose_lease_ended_does_not_run(client: Client, account: NexmoAccount, worker: None) -> None:
    state.claim(account, SyncRun.Trigger.SCHEDULE)
    SyncState.objects.filter(account=account).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert states(client, account)[1].startswith("Never synced:")


def test_refused_credentials_are_told_with_what_to_do(client: Client, account: NexmoAccount) -> None:
    finished(account, CredentialsRefused("Invalid credentials", status=401), fingerprint="f")

    assert states(client, account) == (
        "problem",
        "Credentials refused: Nexmo refused the API key or secret (HTTP 401). "
        "Enter the current secret in the admin; nothing is asked again before that. Nexmo said: Invalid credentials",
    )
    page = text_of(client.get("/accounts/demo0001/"))
    assert "Failed Nexmo refused the API key or secret (HTTP 401)." in page.split("Latest syncs")[1]


def test_failures_in_a_row_are_counted(client: Client, account: NexmoAccount) -> None:
    finished(account, Unavailable("no answer"))
    assert "in a row" not in states(client, account)[1]

    finished(account, Unavailable("no answer"))

    level, sentence = states(client, account)
    assert (level, sentence.split(":")[0]) == ("problem", "Nexmo unreachable")
    assert sentence.endswith("Tried 2 times in a row.")


def test_unverified_windows_are_told_with_their_reasons(client: Client, account: NexmoAccount) -> None:
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    for verified, reason in ((False, "Nexmo counts 7, sent 6."), (True, "not shown")):
        window = SyncWindow(
            account=account,
            run=run,
            first_day=NOON.date(),
            asked_at=NOON,
            verified=verified,
            reason=reason,
        )
        state.record_window(run, window)
    state.finish(run)

    level, sentence = states(client, account)

    assert level == "late"
    assert sentence.startswith("Not all verified: Some days could not be verified")
    page = text_of(client.get("/accounts/demo0001/"))
    assert "Not verified 2026-03-15 to now : Nexmo counts 7, sent 6. Latest syncs Begun" in page
    assert "not shown" not in page


def test_account_that_is_switched_off_says_so(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    page = client.get("/accounts/demo0001/")

    assert states(client, account) == (
        "off",
        "Switched off: This account is not synced; its archived events stay readable.",
    )
    assert "Next sync none" in text_of(page)
    assert "Sync now" not in text_of(page)


def test_late_account_says_how_late(client: Client, account: NexmoAccount, worker: None) -> None:
    finished(account)
    SyncState.objects.filter(account=account).update(last_success_at=timezone.now() - timedelta(hours=5))

    assert states(client, account) == ("late", "Late: The last sync was 5\xa0hours ago.")


def test_account_in_order_says_so(client: Client, account: NexmoAccount, cast: dict[str, Any]) -> None:
    run = state.claim(account, SyncRun.Trigger.PERSON, cast["bob"])
    assert run
    state.renew(run, seen=1500, added=1200, requests=16)
    state.finish(run)
    coverage.add(account, None, NOON)

    assert states(client, account) == ("ok", "Up to date: Everything that Nexmo lists is archived.")
    page = text_of(client.get("/accounts/demo0001/"))
    assert "Complete from the beginning until 2026-03-15 12:00 UTC" in page
    assert "Succeeded Sync now by bob 1,200 1,500 16" in page
    assert "owned by alice · shared with Messaging team" in page


def test_account_page_shows_the_latest_runs_only(client: Client, account: NexmoAccount) -> None:
    for _ in range(20):
        finished(account)

    assert client.get("/accounts/demo0001/").content.decode().count('<td data-title="Begun">') == 15


@pytest.mark.parametrize(
    ("path", "part"), [("/accounts/", "accounts-table"), ("/accounts/demo0001/", "account-status")]
)
def test_polling_gets_only_the_part_that_the_page_shows(
    client: Client, account: NexmoAccount, path: str, part: str
) -> None:
    whole = client.get(path)
    partial = client.get(path, headers={"HX-Request": "true"})

    assert partial.content.decode().lstrip().startswith(f'<div id="{part}"')
    assert "<html" not in partial.content.decode()
    assert partial.content.decode().strip() in whole.content.decode()
    assert "HX-Request" in whole["Vary"]
    assert "HX-Request" in partial["Vary"]


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/demo0001/"])
def test_page_polls_only_while_something_moves(client: Client, cast: dict[str, Any], path: str) -> None:
    for account in NexmoAccount.objects.filter(owner=cast["alice"]):
        finished(account)
    still = client.get(path).content.decode()
    assert "hx-trigger" not in still
    assert "http-equiv" not in still

    state.claim(NexmoAccount.objects.get(api_key="demo0001"), SyncRun.Trigger.SCHEDULE)

    moving = client.get(path).content.decode()
    assert f'hx-get="{path}" hx-trigger="every 1s" hx-swap="outerHTML"' in moving
    assert '<noscript><meta http-equiv="refresh"' in moving  # without scripts the page reloads


def test_sync_now_queues_and_leads_back(client: Client, account: NexmoAccount, cast: dict[str, Any]) -> None:
    response = client.post("/accounts/demo0001/sync/")

    assert (response.status_code, response["Location"]) == (302, "/accounts/demo0001/")
    wanted = SyncState.objects.get(account=account)
    assert wanted.wanted_at is not None
    assert wanted.wanted_by == cast["alice"]
    assert QUEUE.pending_count() == 1
    assert "The sync begins as soon as a worker is free." in text_of(client.get("/accounts/demo0001/"))


def test_sync_now_of_an_account_that_is_switched_off_is_refused(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    page = client.post("/accounts/demo0001/sync/", follow=True)

    assert "Quillfern Parcel is switched off; its owner can make it active in the admin." in text_of(page)
    assert not SyncState.objects.exclude(wanted_at=None).exists()
    assert QUEUE.pending_count() == 0


def test_syncing_all_leaves_out_accounts_that_are_switched_off(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    page = client.post("/accounts/", follow=True)

    assert page.status_code == 200
    assert SyncState.objects.exclude(wanted_at=None).get().account.api_key == "demo0002"


def test_sync_is_refused_without_the_forms_token(login: Login, cast: dict[str, Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["alice"], backend="allauth.account.auth_backends.AuthenticationBackend")

    response = client.post("/accounts/demo0001/sync/")

    assert response.status_code == 403
    assert "This page is out of date" in text_of(response)
    assert QUEUE.pending_count() == 0


# --- login, and pages of no app ---------------------------------------------------------------------------------------


def test_login_page_asks_for_name_and_password(client: Client) -> None:
    page = Client().get("/login/?next=/accounts/")

    assert page.status_code == 200
    assert {"login", "password", "next"} <= set(re.findall(r'name="(\w+)"', page.content.decode()))
    assert 'name="next" value="/accounts/"' in page.content.decode()
    words = text_of(page)
    assert "No account, or password forgotten? Ask your administrator." in words
    assert "Sign up" not in words
    assert "reset" not in words


def test_logging_in_leads_to_where_one_wanted_to_go(cast: dict[str, Any]) -> None:
    client = Client()
    form = {"login": "bob", "password": PASSWORD}

    assert client.post("/login/", form)["Location"] == "/events/"
    assert Client().post("/login/", form | {"next": "/accounts/"})["Location"] == "/accounts/"
    assert Client().post("/login/", form | {"next": "https://evil.example/"})["Location"] == "/events/"
    assert client.get("/events/").status_code == 200


@pytest.mark.parametrize("form", [{"login": "bob", "password": "wrong"}, {"login": "nobody", "password": PASSWORD}])
def test_wrong_login_is_refused_without_saying_which_part_is_wrong(cast: dict[str, Any], form: dict[str, str]) -> None:
    client = Client()

    page = client.post("/login/", form)

    assert page.status_code == 200
    assert "The username and/or password you specified are not correct." in text_of(page)
    assert form["password"] not in page.content.decode()
    assert client.get("/events/").status_code == 302


def test_inactive_person_cannot_log_in(cast: dict[str, Any]) -> None:
    cast["bob"].is_active = False
    cast["bob"].save()
    client = Client()

    client.post("/login/", {"login": "bob", "password": PASSWORD})

    assert client.get("/events/").status_code == 302


def test_logout_asks_and_then_ends_the_session(client: Client) -> None:
    assert "Log out?" in text_of(client.get("/logout/"))
    assert client.get("/events/").status_code == 200

    response = client.post("/logout/")

    assert response["Location"] == "/login/"
    assert client.get("/events/")["Location"].startswith("/login/")


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_header_names_the_reader_and_offers_what_she_may(login: Login, person: str) -> None:
    page = login(person).get("/events/").content.decode()

    assert f"<summary>{person}</summary>" in page
    assert '<form method="post" action="/logout/">' in page
    assert ('<a href="/admin/">Admin</a>' in page) == (person == "alice")
    assert '<a href="/events/" aria-current="page">Events</a>' in page


def test_theme_can_be_chosen(client: Client) -> None:
    page = client.get("/events/").content.decode()

    assert '<script src="/static/admin/js/theme.js"></script>' in page
    assert re.search(r'<button type="button" class="theme-toggle plain" hidden>', page)
    for path in ("/static/admin/js/theme.js", "/static/auditsite/tokens.css", "/static/auditsite/site.js"):
        assert body(Client().get(path))


def test_home_leads_to_the_events_with_its_query(client: Client) -> None:
    assert client.get("/?source=CD")["Location"] == "/events/?source=CD"


def test_healthz_answers_anyone_without_a_query() -> None:
    response = Client().get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/nonsense", "/accounts/nosuchkey/", "/events/nosuchevent/", "/admin/nonsense/"])
def test_missing_page_says_what_to_do(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert "Nothing here" in text_of(response)
    assert 'href="/events/">All my events</a>' in response.content.decode()


def test_refused_page_says_why(login: Login) -> None:
    response = login("audrey").post("/accounts/demo0001/sync/")

    assert response.status_code == 403
    assert "You may not do that" in text_of(response)


def test_broken_page_says_that_nothing_is_lost(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("hidden detail")

    monkeypatch.setattr("events.views.accounts.statuses", broken)
    client.raise_request_exception = False

    response = client.get("/accounts/")

    assert response.status_code == 500
    assert "Something went wrong in Auditsite" in text_of(response)
    assert "hidden detail" not in response.content.decode()
    assert violations(response) == []


# --- what no page contains --------------------------------------------------------------------------------------------


class _Watcher(HTMLParser):
    """Collects what a strict content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.script: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "style":
            self.found.append("<style>")
        if tag == "script":
            # Data is no code: json_script writes such elements.
            self.script = "data" if values.get("type") == "application/json" else values.get("src") or ""
            if self.script == "":
                self.found.append("<script> without src")
        for name, value in attrs:
            if name.startswith("on") or name.startswith("hx-on") or name == "style":
                self.found.append(f"{tag} {name}={value}")
            if name in ("src", "href", "action", "formaction", "data", "hx-get", "hx-post", "poster"):
                address = urlsplit((value or "").strip())
                if address.scheme or address.netloc:
                    self.found.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        if self.script is not None and self.script != "data" and data.strip():
            self.found.append(f"inline script {data[:40]}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.script = None


def violations(response: Any) -> list[str]:
    """What is wrong with a page in the eyes of its own policy, and with the policy."""
    watcher = _Watcher()
    watcher.feed(response.content.decode())
    policy = {part.strip() for part in response.get("Content-Security-Policy", "none").split(";")}
    return watcher.found + ([] if policy == CSP else [f"policy {policy}"])


def test_watcher_sees_what_it_watches_for() -> None:
    watcher = _Watcher()
    watcher.feed(
        '<style>x</style><script>1</script><script src="/a.js"></script><p onclick="x" style="y">'
        '<img src="data:image/png;base64,x"/><a href="javascript:x">a</a><a href="//evil.example/">a</a>'
        '<script type="application/json">{"a": 1}</script><a href="/ok?x=1#y">'
    )

    assert watcher.found == [
        "<style>",
        "<script> without src",
        "inline script 1",
        "p onclick=x",
        "p style=y",
        "img src=data:image/png;base64,x",
        "a href=javascript:x",
        "a href=//evil.example/",
    ]


def every_page(cast: dict[str, Any], event: AuditEvent, login: Login) -> Iterator[tuple[str, Any]]:
    """Each kind of page of the site, in as many states as can be had at once."""
    admin, bob, nobody = login("admin"), login("bob"), Client()
    account, run = event.account, SyncRun.objects.first()
    assert run
    for path in ("/login/", "/login/inactive/", "/nonsense"):
        yield f"nobody {path}", nobody.get(path)
    yield "wrong login", nobody.post("/login/", {"login": "x", "password": "y"})
    for path in (
        "/events/",
        "/events/?size=1&event_type=USER_LOGIN,NUMBER_UPDATED&period=90d",
        "/events/?source_ip=x&event_type=x&size=x",
        "/events/?before=x",
        "/events/export.csv?period=x",
        f"/events/{event.event_id}/",
        event.get_absolute_url(),
        "/accounts/",
        account.get_absolute_url(),
        f"{account.get_absolute_url()}events/",
        "/accounts/demo0003/",
        "/logout/",
        "/profile/second-factor/",
        "/profile/password/",
        "/login/confirm/",
        "/accounts/nosuchkey/",
        "/admin/",
        "/admin/accounts/",
        "/admin/accounts/nexmoaccount/",
        "/admin/accounts/nexmoaccount/?q=x&is_active__exact=1",
        "/admin/accounts/nexmoaccount/add/",
        f"/admin/accounts/nexmoaccount/{account.pk}/change/",
        f"/admin/accounts/nexmoaccount/{account.pk}/delete/",
        f"/admin/accounts/nexmoaccount/{account.pk}/history/",
        "/admin/events/auditevent/",
        f"/admin/events/auditevent/{event.pk}/change/",
        "/admin/events/eventtype/",
        "/admin/events/syncrun/",
        f"/admin/events/syncrun/{run.pk}/change/",
        "/admin/auth/user/",
        "/admin/auth/user/add/",
        f"/admin/auth/user/{cast['bob'].pk}/change/",
        f"/admin/auth/user/{cast['bob'].pk}/password/",
        "/admin/auth/group/add/",
        "/admin/mfa/authenticator/",
        "/admin/password_change/",
    ):
        yield f"admin {path}", admin.get(path)
    yield "refused", login("audrey").post("/accounts/demo0001/sync/")
    yield "no staff", bob.get("/admin/login/")
    bob.post("/login/confirm/", {"password": PASSWORD})
    activate = bob.get("/profile/second-factor/totp/activate/")
    assert activate.status_code == 200
    yield "second factor", activate
    strict = Client(enforce_csrf_checks=True)
    yield "without token", strict.post("/login/", {})


def test_every_page_keeps_to_its_content_security_policy(
    login: Login, cast: dict[str, Any], account: NexmoAccount, add_event: Add
) -> None:
    event = add_event(account, 1, source={"odd": 1}, account_id="x", id="same")
    add_event(account, 1, source="changed", id="same")
    add_event(NexmoAccount.objects.get(api_key="demo0002"), 1, id="same")
    add_many(account, range(2, 5))
    finished(NexmoAccount.objects.get(api_key="demo0003"), CredentialsRefused("x", status=401))
    state.claim(account, SyncRun.Trigger.SCHEDULE)

    wrong = {name: violations(page) for name, page in every_page(cast, event, login)}

    assert {name: found for name, found in wrong.items() if found} == {}


def test_no_answer_may_be_framed_sniffed_or_leak_its_address(client: Client) -> None:
    response = client.get("/events/")

    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_exports_and_health_carry_the_policy_too(client: Client) -> None:
    for path in ("/events/export.csv", "/events/export.xlsx", "/healthz", "/"):
        response = client.get(path)
        body(response)
        assert "default-src 'self'" in response["Content-Security-Policy"]
