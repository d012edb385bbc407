"""The page of one event: every field, its context and what was received, and hostile text as text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.archive.verify import verify_account
from events.models import AuditEvent, SyncRun, SyncWindow
from events.nexmo.errors import Unavailable
from events.sync import state
from events.wording.marking import marked
from tests.conftest import NOON, event_json
from tests.tools.export import add_raw, body, exported_ids
from tests.tools.pages import Add, finished, text_of, violations
from tests.tools.scope import shown_ids


def test_event_page_shows_every_field(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)

    page = client.get(event.get_absolute_url())

    fields = text_of(page).split("Copy JSON")[0]
    for words in (
        "Type NUMBER_UPDATED Numbers",
        "When 2026-03-15 12:01:00 UTC Nexmo's times have no zone; read as UTC.",
        "Account Quillfern Parcel demo0001",
        "User yourname@example.com id 1234567",
        "Source CD Customer dashboard",
        "IP address 192.0.2.1",
        "Country United Kingdom GB",
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


def test_event_page_leads_to_what_happened_around_it(client: Client, account: NexmoAccount, add_event: Add) -> None:
    """Ten minutes, an hour, a day to either side; the event is open beside them, and so marked."""
    event = add_event(account, 1, created_at="2026-03-15T12:00:00+00:00")
    others = {5: 2, 45: 3, 20 * 60: 4, 30 * 60: 5}  # the number of each, by minutes
    for minutes, number in others.items():
        add_event(account, number, created_at=(event.created_at - timedelta(minutes=minutes)).isoformat())

    page = client.get(event.get_absolute_url()).content.decode()
    links = re.findall(r'href="(/events/\?date_from=[^"#]*)#([^"]*)">(10 minutes|1 hour|24 hours)<', page)

    assert [title for _link, _event, title in links] == ["10 minutes", "1 hour", "24 hours"]
    assert {path for _link, path, _title in links} == {event.get_absolute_url()}
    assert [len(shown_ids(client.get(html.unescape(link)))) for link, _event, _title in links] == [2, 3, 4]


def test_event_page_says_what_the_time_rests_on(client: Client, account: NexmoAccount, add_event: Add) -> None:
    bases = {
        "2026-03-15T12:00:00": "Nexmo's times have no zone; read as UTC.",
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


def test_half_a_surrogate_pair_breaks_no_page(client: Client, account: NexmoAccount, add_event: Add) -> None:
    number, half = "447700900000", "x\ud800"
    context = {"msisdn": number, half: half, "list": [half], "before": {half: 1}, "after": {half: half}}
    event = add_event(account, 1, event_type="USER_STATUS", context={"email": half, "status": half} | context)
    add_event(NexmoAccount.objects.get(api_key="demo0002"), 2, event_type="USER_STATUS", context=context)
    address = event.get_absolute_url()
    add_event(account, 3, event_type="NUMBER_LINKED", context={"applicationName": half} | context)
    add_event(account, 4, event_type="X", context={half: half})

    for page in ("/events/", address, "/events/summary", f"/about/number/{number}", "/about/ip/192.0.2.1"):
        response = client.get(page)
        assert response.status_code == 200, page
    client.post("/profile/display", {"with_columns": "1", "columns": ["summary"]})
    shown = client.get("/events/").content.decode()
    assert "<b><bdi>x\ufffd</bdi></b>" in shown
    assert "<bdi>x\ufffd</bdi> 1 → <bdi>x\ufffd</bdi>" in shown  # in its details, as a name and as a value
    assert "<dt><bdi>x\ufffd</bdi></dt>" in client.get(address).content.decode()
    assert client.get(address, headers={"HX-Request": "true"}).status_code == 200
    for kind in ("csv", "xlsx", "ndjson"):
        assert len(exported_ids(kind, body(client.get(f"/events/export.{kind}")))) == 4
    assert verify_account(account).problem == ""


def test_event_page_bounds_deep_and_long_contexts(client: Client, account: NexmoAccount, add_event: Add) -> None:
    deep: Any = "bottom"
    for _ in range(40):
        deep = {"down": deep}
    event = add_event(account, 1, context={"deep": deep, "long": list(range(600))})

    page = client.get(event.get_absolute_url())

    tree = page.content.decode().split('id="raw"')[0]
    assert "… nested too deep to show; see the text as received" in tree
    assert "bottom" not in tree
    assert "100 more; see the text as received" in tree
    assert "bottom" in page.content.decode()


def test_event_page_shows_the_event_as_received(client: Client, account: NexmoAccount) -> None:
    event = add_raw(account, '{"id":"x-1","created_at":"2026-03-15T12:00:00","unknown":{"é":[1,2]},"t":"<b>"}')

    page = client.get(event.get_absolute_url()).content.decode()

    (raw,) = re.findall(r'<pre id="raw-json" tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert html.unescape(re.sub(r"</?bdi>", "", raw)) == json.dumps(json.loads(event.raw), indent=2, ensure_ascii=False)
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
    words = f"By sync {run.pk} (sync now), started 2026-03-16 11:59:30 UTC, succeeded, requested by bob"
    assert words in text_of(client.get(other.get_absolute_url()))


def add_raw_by(account: NexmoAccount, run: SyncRun, number: int) -> AuditEvent:
    from events.archive.add import add_events
    from events.nexmo.parse import parse_event

    event = parse_event(json.dumps(event_json(number)), UTC)
    add_events(account, [event], run=run, fetched_at=NOON)
    return AuditEvent.objects.with_id(event.event_id).get(account=account)


def test_event_page_shows_other_content_under_the_same_id(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    event = add_event(account, 1)
    assert "Different content under the same id" not in text_of(client.get(event.get_absolute_url()))
    add_event(account, 1, source="<b>changed</b>")

    page = client.get(event.get_absolute_url())

    assert "Nexmo later sent different content under this id." in text_of(page)
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
        # Addresses are archived in small letters, countries in capitals; what cannot be seen is shown as its code.
        spellings = {marked(text) for text in (hostile, hostile.lower(), hostile.upper())}
        shown = {html.unescape(re.sub(r"<[^<>]*>", "", text)) for text in spellings}
        assert sum(spoken.count(text) for text in shown) >= least
        if "<" in hostile:
            assert hostile not in source
            assert hostile.lower() not in source


@pytest.mark.parametrize("person", ["audrey", "admin"])
def test_account_made_between_two_queries_is_no_error(
    login: Callable[[str], Client], cast: dict[str, Any], add_event: Add, monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    known, new = NexmoAccount.objects.get(api_key="demo0001"), NexmoAccount.objects.get(api_key="demo0003")
    event = add_event(known, 2)
    add_event(new, 1), add_event(new, 3)
    for module in ("events.views.detail", "events.views.scope"):
        monkeypatch.setattr(f"{module}.visible_accounts", lambda request: [known])

    page = login(person).get(event.get_absolute_url())

    assert page.status_code == 200
    assert 'rel="next"' not in page.content.decode()


@pytest.mark.parametrize(
    "line", ['"country": "GB",', '"msisdn": "447700900000"', '"created_at": "2026-03-15T12:01:00",']
)
def test_a_line_copied_from_the_json_of_the_page_is_found(
    client: Client, account: NexmoAccount, add_event: Add, line: str
) -> None:
    event = add_event(account, 1)
    add_event(account, 2, id="other", context={"country": "FR"}, created_at="2026-03-14T00:00:00")
    page = client.get(event.get_absolute_url()).content.decode()
    (drawn,) = re.findall(r'<pre id="raw-json" tabindex="0">(.*?)</pre>', page, re.DOTALL)

    assert line in html.unescape(drawn)
    assert shown_ids(client.get("/events/", {"search_text": line})) == [event.event_id]
