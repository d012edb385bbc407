"""The pages of users, addresses, numbers and applications: what they tell, to whom, and how far they looked."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.entities import lookup
from events.entities.entity import entities, entity
from events.fields import load_json
from events.models import AuditEvent
from events.reading import candidates, facets, pages
from tests.conftest import NOON
from tests.tools.pages import Add, Login, text_of, violations
from tests.tools.scope import shown_ids

NUMBER, APP = "447700900000", "11111111-2222-4333-a444-555555555555"
USER, IP = "yourname@example.com", "192.0.2.1"
PATHS = {
    "user": f"/about/user/{USER}",
    "ip": f"/about/ip/{IP}",
    "number": f"/about/number/{NUMBER}",
    "application": f"/about/application/{APP}",
}
KINDS = list(PATHS)
CONTEXT = {"country": "GB", "msisdn": NUMBER, "applicationId": APP}


def account_of(key: str) -> NexmoAccount:
    return NexmoAccount.objects.get(api_key=key)


@pytest.fixture
def two(cast: Any, add_event: Add) -> None:
    """An event of each of Alice's accounts, about the same things: Bob sees the first only, Charlie neither."""
    add_event(account_of("demo0001"), 1, event_type="NUMBER_LINKED", context=CONTEXT)
    add_event(account_of("demo0002"), 2, event_type="NUMBER_LINKED", context=CONTEXT)


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_sees_only_what_is_theirs(login: Login, two: None, kind: str) -> None:
    figures = {}
    for person in ("alice", "bob", "audrey"):
        page = login(person).get(PATHS[kind])
        words = text_of(page)
        figures[person] = (len(shown_ids(page)), "Marrowby" in words, "2026-03-15 12:02:00" in words)

    assert figures == {"alice": (2, True, True), "bob": (1, False, False), "audrey": (2, True, True)}
    assert login("charlie").get(PATHS[kind]).status_code == 404
    assert login("nobody").get(PATHS[kind]).status_code == 302


@pytest.mark.parametrize("kind", ["number", "application"])
def test_configuration_is_of_what_the_reader_sees(login: Login, two: None, kind: str) -> None:
    page = login("bob").get(PATHS[kind] + "?at=2027-01-01")

    assert [setting["account"].api_key for setting in page.context["settings"]] == ["demo0001"] * len(
        page.context["settings"]
    )
    assert page.context["settings"]


@pytest.mark.parametrize(
    "path",
    [
        "/about/account/demo0001",
        "/about/user/nobody@example.com",
        "/about/user/%20",
        "/about/user/a%00b",
        "/about/ip/nowhere",
        "/about/ip/192.0.2.99",
        "/about/number/4477009",
        "/about/number/12",
        "/about/number/words",
        "/about/application/a/b",
        f"/about/application/{NUMBER}",
    ],
)
def test_what_is_not_there_is_404(login: Login, two: None, path: str) -> None:
    assert login("admin").get(path).status_code == 404


def test_first_and_last_seen_with_their_accounts(client: Client, two: None) -> None:
    words = text_of(client.get(PATHS["user"]))

    assert "First seen 2026-03-15 12:01:00 UTC in Quillfern Parcel" in words
    assert "Last seen 2026-03-15 12:02:00 UTC in Marrowby Health" in words
    assert "Events 2 Accounts 2 Types 1 Countries 1 IP addresses 1" in words


@pytest.mark.parametrize("kind", KINDS)
def test_first_seen_is_exact_beyond_what_is_counted(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(facets, "SAMPLE", 3)
    monkeypatch.setattr(lookup, "MOST_FOLDED", 3)
    for number in range(8):
        add_event(account, number, event_type="NUMBER_LINKED", context=CONTEXT)

    words = text_of(client.get(PATHS[kind]))

    assert "First seen 2026-03-15 12:00:00 UTC in Quillfern Parcel" in words
    assert "Last seen 2026-03-15 12:07:00 UTC" in words
    assert "Events 3+ Accounts 1+" in words
    assert "as far as searched" not in words


@pytest.mark.parametrize("kind", KINDS)
def test_timeline_is_paged_by_key(client: Client, account: NexmoAccount, add_event: Add, kind: str) -> None:
    for number in range(120):
        add_event(account, number, context=CONTEXT)
    page, found, back = client.get(PATHS[kind]), [], []
    while True:
        found += shown_ids(page)
        if not (older := page.context["links"]["older"]):
            break
        page = client.get(PATHS[kind] + older)
    back = shown_ids(page)
    while newer := page.context["links"]["newer"]:
        page = client.get(PATHS[kind] + newer)
        back = shown_ids(page) + back

    every = [f"00000000-0000-4000-8000-{number:012d}" for number in reversed(range(120))]
    assert found == every
    assert back == every
    assert len(shown_ids(client.get(PATHS[kind]))) == 50


def test_wrong_page_marker_is_told(client: Client, two: None) -> None:
    assert "This page marker is invalid" in text_of(client.get(PATHS["ip"] + "?before=x"))


def test_events_that_only_contain_the_digits_are_not_the_numbers(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    named = [
        {"msisdn": NUMBER},
        {"msisdn": int(NUMBER)},
        {"number": f"+{NUMBER}"},
        {"voice-type": "tel", "voice-value": NUMBER},
        {"deep": [{"msisdn": NUMBER}]},
    ]
    other = [{"msisdn": f"{NUMBER}9"}, {"product": "SMS", "query": NUMBER}, {"msisdn": f"1{NUMBER}"}, {"note": NUMBER}]
    for number, context in enumerate([*named, *other]):
        add_event(account, number, context=context)

    assert len(shown_ids(client.get(PATHS["number"]))) == len(named)
    assert len(shown_ids(client.get(f"/about/number/+{NUMBER}"))) == len(named)


def test_among_very_many_others_the_page_goes_on(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "LEAST_LOOK", 2)
    monkeypatch.setattr(lookup, "MOST_LOOKS", 2)
    monkeypatch.setattr("events.views.entity.SIZE", 1)
    for number in range(30):
        add_event(account, number, context={"msisdn": NUMBER if number in (0, 29) else f"{NUMBER}{number}"})

    found, page = [], client.get(PATHS["number"])
    first = text_of(page)
    for _ in range(40):
        found += shown_ids(page)
        if not (older := page.context["links"]["older"]):
            break
        page = client.get(PATHS["number"] + older)

    assert "First seen 2026-03-15 12:00:00 UTC" in first
    assert [each[-2:] for each in found] == ["29", "00"]


def test_search_that_ended_early_says_so(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((pages, "MOST_WALKED"), (pages, "FIRST_WALKED"), (pages, "LEAST_WALKED")):
        monkeypatch.setattr(module, name, 4)
    monkeypatch.setattr(candidates.Sought, "find", lambda *_, **_more: None)
    for number in range(40):
        add_event(account, number, context={"msisdn": NUMBER if number in (20, 38) else "447700900111"})

    page = client.get(PATHS["number"])
    words = text_of(page)

    assert "as far as searched, back to 2026-03-15 12:" in words
    assert f'href="/events/?search_text={NUMBER}"' in page.content.decode()
    assert "Search further back" in words


def test_what_lies_too_deep_among_others_is_404_like_what_is_not_there(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((pages, "MOST_WALKED"), (pages, "FIRST_WALKED"), (pages, "LEAST_WALKED")):
        monkeypatch.setattr(module, name, 4)
    monkeypatch.setattr(candidates.Sought, "find", lambda *_, **_more: None)
    for number in range(60):
        add_event(account, number, context={"msisdn": "447700900111"})

    assert client.get(PATHS["number"]).status_code == 404


def test_new_companions_are_marked(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(days=2))
    add_event(account, 1, created_at="2026-01-01T00:00:00")
    add_event(account, 2, source_ip="192.0.2.7", source_country="FR")
    add_event(account, 3, user_email="other@example.com")

    beside = {each["name"]: each["lines"] for each in client.get(PATHS["user"]).context["beside"]}
    users = client.get(PATHS["ip"]).context["beside"][0]["lines"]

    assert [(line.value, line.is_new) for line, _, _ in beside["source_ip"]] == [("192.0.2.7", True), (IP, False)]
    assert [(line.value, line.is_new) for line, _, _ in beside["source_country"]] == [("FR", True), ("GB", False)]
    assert [(line.value, line.is_new) for line, _, _ in users] == [("other@example.com", True), (USER, False)]


def test_a_companion_seen_before_what_is_counted_is_not_new(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(days=2))
    monkeypatch.setattr(facets, "SAMPLE", 2)
    add_event(account, 1, created_at="2026-01-01T00:00:00")
    add_event(account, 2)
    add_event(account, 3, source_ip="192.0.2.7")

    page = client.get(PATHS["user"])

    lines = next(each["lines"] for each in page.context["beside"] if each["name"] == "source_ip")
    assert [(line.value, line.exact, line.is_new) for line, _, _ in lines] == [
        ("192.0.2.7", True, True),
        (IP, False, False),
    ]
    assert "by 2026-03-15 12:02:00 UTC" in text_of(page)


def test_a_companion_is_not_new_where_the_search_for_earlier_ones_ended_early(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOON + timedelta(days=2))
    monkeypatch.setattr(facets, "SAMPLE", 1)
    for name in ("MOST_WALKED", "LEAST_WALKED"):
        monkeypatch.setattr(pages, name, 4)
    add_event(account, 0, source_ip="192.0.2.7")
    for number in range(1, 41):  # neither the user's events nor the address's lead to that one soon
        other: dict[str, str] = {"user_email": "other@example.com", "source_ip": "192.0.2.7"}
        add_event(account, number, **(other if number % 2 else {}))
    add_event(account, 41, source_ip="192.0.2.7")

    lines = next(each["lines"] for each in client.get(PATHS["user"]).context["beside"] if each["name"] == "source_ip")

    assert [(line.value, line.exact, line.is_new) for line, _, _ in lines] == [("192.0.2.7", False, False)]


def test_links_lead_to_the_same_events_narrowed(client: Client, two: None) -> None:
    for kind, path in PATHS.items():
        page = client.get(path).content.decode()
        links = {html.unescape(each) for each in re.findall(r'href="(/events/\?[^"]*)"', page)}
        assert len(links) > 4
        for link in links:
            assert set(shown_ids(client.get(link))) <= {f"00000000-0000-4000-8000-{n:012d}" for n in (1, 2)}
            assert client.get(link).context["filter"].form.is_valid(), (kind, link)
        exports = re.findall(r'href="(/events/export\.csv[^"]*)"', page)
        assert len(exports) == 1


def test_event_leads_to_its_entities(client: Client, two: None) -> None:
    page = client.get("/accounts/demo0001/events/00000000-0000-4000-8000-000000000001/").content.decode()

    assert [path for path in PATHS.values() if f'href="{path}"' not in page] == []


def test_the_same_number_elsewhere_is_the_number_itself(client: Client, two: None, add_event: Add) -> None:
    other = account_of("demo0002")
    event = add_event(account_of("demo0001"), 3, context={"msisdn": "4477009", "applicationId": APP})

    assert "Number 4477009" not in text_of(client.get(event.get_absolute_url())).split("In other accounts")[1]

    for number in range(10, 16):
        add_event(other, number, context={"number": "+4477009"})
    page = client.get(event.get_absolute_url())
    assert "Number 4477009 :" in text_of(page).split("In other accounts")[1]
    assert '<a href="/about/number/4477009">more</a>' in page.content.decode()  # the list would show 447700900000 too
    (found,) = [each for each, *_ in page.context["elsewhere"] if each.entity.slug == "number"]
    assert [row.event_id[-2:] for row in found.rows] == ["15", "14", "13", "12", "11"]


def test_configuration_at_a_moment(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, event_type="NUMBER_ASSIGN", context={"msisdn": NUMBER, "country": "GB"})
    add_event(account, 2, event_type="NUMBER_LINKED", context=CONTEXT)
    add_event(account, 3, event_type="NUMBER_RELEASE", context={"msisdn": NUMBER})
    shown = {
        at: [setting["label"] for setting in client.get(f"{PATHS['number']}?at={at}").context["settings"]]
        for at in ("2026-03-15T12:01", "2026-03-15T12:02", "2026-03-14", "2026-03-15", "")
    }

    assert shown == {
        "2026-03-15T12:01": ["Status", "Country"],
        "2026-03-15T12:02": ["Status", "Country", "Application"],
        "2026-03-14": [],
        "2026-03-15": ["Status"],
        "": ["Status"],
    }
    words = text_of(client.get(PATHS["number"]))
    assert "Released or deleted" in words
    assert "Status: bought → released" in words
    assert "not from Nexmo's own record" in words


@pytest.mark.parametrize(
    "at", ["the day before", "2026-13-01", "0001-01-01", "9999-12-31T23:59Z", "2026-03-15T12:01:00+99:00", "<b>"]
)
def test_wrong_moment_is_told_and_nothing_shown_for_it(client: Client, two: None, at: str) -> None:
    page = client.get(f"{PATHS['number']}?at={quote(at)}")

    assert page.status_code == 200
    told = "The year must be from" if at[:4] in ("0001", "9999") else "Enter a date such as"
    assert told in text_of(page)
    assert 'aria-invalid="true"' in page.content.decode()
    assert '<th scope="row">Status' not in page.content.decode()


def test_configuration_of_very_many_events_says_how_far_it_was_read(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MOST_FOLDED", 3)
    for number in range(9):
        add_event(account, number, context={"msisdn": NUMBER, "http": f"https://example.com/{number}"})

    now = client.get(PATHS["number"])
    then = client.get(PATHS["number"] + "?at=2026-03-15T12:02")

    assert "Only the newest 3 events were read, back to 2026-03-15 12:06:00 UTC" in text_of(now)
    assert [setting["values"] for setting in then.context["settings"]] == [[("https://example.com/2", "", "")]]
    assert "Only the newest" not in text_of(then).split("Timeline")[0].split("Configuration at")[1].split("Counts")[0]


def test_long_contexts_are_read_as_far_as_is_quick(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MOST_CHARACTERS", 2_500)
    read: list[Any] = []
    monkeypatch.setattr(lookup, "shown", lambda text: read.append(text) or load_json(text))
    for number in range(9):
        add_event(account, number, context={"msisdn": NUMBER, "note": "x" * 1_000})

    page = client.get(PATHS["number"])
    words = text_of(page)
    assert len(read) == 2 * 3  # from the newest and, to see when it began, from the oldest
    assert "Only the newest 3 events were read, back to 2026-03-15 12:06:00 UTC" in words
    assert "Counted as far as searched, back to 2026-03-15 12:06:00 UTC." in words
    assert "First seen 2026-03-15 12:00:00 UTC" in words

    older = shown_ids(page)
    while page.context["links"]["older"]:
        page = client.get(PATHS["number"] + page.context["links"]["older"])
        older += shown_ids(page)
    assert [each[-1] for each in older] == list("876543210")
    newer: list[str] = []
    while page.context["links"]["newer"]:
        page = client.get(PATHS["number"] + page.context["links"]["newer"])
        newer = shown_ids(page) + newer
    assert newer == older[: len(newer)]
    assert len(newer) == 6


@pytest.mark.parametrize(
    "user",
    [
        '"><svg/onload=alert(1)>@example.com',
        "a,b@example.com",
        "-minus@example.com",
        "a/b?c#d%41@example.com",
        "..",
        "ü@x",
    ],
)
def test_hostile_users_have_pages(client: Client, account: NexmoAccount, add_event: Add, user: str) -> None:
    event = add_event(account, 1, user_email=user, context={"name": "<script>alert(1)</script>"})
    address = entities(event)[0].get_absolute_url()

    page = client.get(address)

    assert shown_ids(page) == [event.event_id]
    assert violations(page) == []
    assert "<svg/onload" not in page.content.decode()
    for link in re.findall(r'href="(/events/\?[^"]*)"', page.content.decode()):
        assert client.get(html.unescape(link)).status_code == 200


def test_hostile_settings_are_text(client: Client, account: NexmoAccount, add_event: Add) -> None:
    hostile = {"appId": APP, "updated": {"name": "<img src=x onerror=alert(1)>", "<b>": {"<i>": "javascript:x"}}}
    add_event(account, 1, event_type="APP_UPDATE", context=hostile)

    page = client.get(PATHS["application"])

    assert violations(page) == []
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.content.decode()
    assert "<img src=x" not in page.content.decode()


def test_before_and_after_stand_on_the_events_page(client: Client, account: NexmoAccount, add_event: Add) -> None:
    told = add_event(account, 1, context={"before": {"<name>": "Old"}, "after": {"<name>": "<New>"}})
    silent = add_event(account, 2, context={"after": {"name": "New"}})

    page = client.get(told.get_absolute_url()).content.decode()

    assert "<del>Old</del>" in page and "<ins>&lt;New&gt;</ins>" in page
    assert '<th scope="row">&lt;name&gt;</th>' in page
    assert "<ins>" not in client.get(silent.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("slug", "value"),
    [("user", "a b@example.com"), ("ip", "2001:DB8::1"), ("number", "+447700900000"), ("application", "App_1-x")],
)
def test_every_entity_knows_its_address(slug: str, value: str) -> None:
    found = entity(slug, value)

    assert found
    assert found.get_absolute_url() == f"/about/{slug}/{quote(found.value, safe='+@:')}"


def test_number_with_two_spellings_is_one_entity(account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1, context={"msisdn": NUMBER, "x": {"number": f"+{NUMBER}"}})

    assert [each.value for each in entities(event) if each.slug == "number"] == [NUMBER]


def test_application_that_calls_go_to_is_followed(account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1, context={"msisdn": NUMBER, "voice-type": "app", "voice-value": APP})

    assert [each.value for each in entities(event) if each.slug == "application"] == [APP]
    assert AuditEvent.objects.count() == 1
