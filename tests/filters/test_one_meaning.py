"""A filter means one thing, wherever it is written and whatever stands beside it; and every link narrows it."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.models import AuditEvent, EventType
from events.nexmo.parse import parse_event
from tests.conftest import NOON, event_json
from tests.tools.filters import Add, found, number_of, refusal
from tests.tools.scope import shown_ids


@pytest.fixture
def numbers(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"msisdn": "447700900777"}, event_type="NUMBER_ASSIGN")
    add_event(account, 2, context={"msisdn": "447700900778"}, event_type="NUMBER_CANCEL")


# --- the search box -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("number:447700900777", {1}),
        ("-number:447700900777", {2}),
        ("number:+447700900777", {1}),
        ("number:00447700900777", {1}),
        ('number:"+44 (0)7700 900777"', {1}),
        ("number:447700900777 type:NUMBER_ASSIGN", {1}),
        ("type:NUMBER_ASSIGN -number:447700900777", set()),
        ("-type:NUMBER_ASSIGN", {2}),
        ("-type:NUMBER_*", set()),
        ('search_text:"447700900777"', {1}),
        ("type:NUMBER_ASSIGN, NUMBER_CANCEL", {1, 2}),
        ("type:NUMBER_ASSIGN , NUMBER_CANCEL 447700900778", {2}),
        ("type:NUMBER_ASSIGN, -number:447700900777", set()),
        ("type:NUMBER_ASSIGN,\u00a0-NUMBER_CANCEL", {1}),
        ("type:“NUMBER_ASSIGN”", {1}),
        ("“447700900777” -«447700900778»", {1}),
        ("-“447700900777”", {2}),
        ("„447700900777“", {1}),
    ],
)
def test_condition_means_the_same_alone_and_beside_others_in_box_and_command(
    client: Client, numbers: None, capfd: Any, text: str, expected: set[int]
) -> None:
    assert found(client, {"search_text": text}) == expected
    call_command("export_events", "--format", "ndjson", f"--search-text={text}")
    assert {int(event_id) for event_id in re.findall(r'"id": ?"[^"]*-(\d+)"', capfd.readouterr().out)} == expected


@pytest.mark.parametrize("text", ["type:", "-type:", "number:", "-type: number:447700900777", "hello user:"])
def test_condition_without_a_value_is_refused(client: Client, numbers: None, text: str) -> None:
    assert "has no value; to search for it, put it in quotes." in refusal(client, {"search_text": text}, "search_text")


# --- what people paste ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "+447700900777",
        "00447700900777",
        "(44)7700900777",
        "+44 7700 900777",
        "+44 (0)7700-900.777",
        "(+44) 7700 900777",
        "447700-900777",
        "44-7700-900777",
        "44/7700/900777",
        "tel:+447700900777",
        "TEL:447700900777",
        "+44/7700/900777",
        "+44\u00a07700\u00a0900777",
        "+44\u2011770\u20110900777",
        "44\u20127700\u2212900777",
        "\u202a+447700900777\u202c",
        "\u202a+44 7700\u200b 900777\u202c",
        "\uff0b447700900777",
        "\uff14\uff14\uff17\uff17\uff10\uff10\uff19\uff10\uff10\uff17\uff17\uff17",
    ],
    ids=ascii,
)
def test_telephone_number_is_found_however_it_is_written(client: Client, numbers: None, text: str) -> None:
    assert found(client, {"search_text": text}) == {1}
    assert found(client, {"search_text": f'-"{text}"'}) == {2}


def test_telephone_number_is_found_as_it_stands_too(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"note": "call (44)7700900777"})
    add_event(account, 2, context={"note": "call +447700900777"})

    assert found(client, {"search_text": "(44)7700900777"}) == {1, 2}


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026\u201101\u201131",
        "31.01.2026",
        "31/1/2026",
        "2025-2026",
        "2026-01-31-2359",
        "00:00:00",
        "(4)",
        "+1",
        "0012",
        "+12 abc",
        "192.168.100.200",
        "192.168.100",
        "192.168.100.0/24",
        "1234567.89",
        "12345678-1234",
        "12345678-1234-4678-8234-123456789012",
        "00001234-4000-8000",
        "07700-900777",
        "123-45",
    ],
    ids=ascii,
)
def test_other_text_is_no_telephone_number(client: Client, account: NexmoAccount, add_event: Add, text: str) -> None:
    add_event(account, 1, context={"note": f"<{text}>"})
    add_event(account, 2, context={"note": re.sub(r"\D", "", text).removeprefix("00")})

    assert found(client, {"search_text": text}) == {1}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
@pytest.mark.parametrize(
    "text",
    [
        '"country": "GB",',
        '"country":"GB",',
        '  "country":   "GB",  "msisdn": "1"',
        '{ "country": "GB", "msisdn": "1" }',
        '{"country":"GB","msisdn":"1"}',
        '"list": [ 1, 2 ]',
        '"note": "two: words, [here]"',
        '"quoted": "say \\"a\\": b"',
    ],
)
def test_json_copied_from_a_page_is_found(
    client: Client, account: NexmoAccount, separators: tuple[str, str], text: str
) -> None:
    context = {
        "country": "GB",
        "msisdn": "1",
        "list": [1, 2],
        "note": "two: words, [here]",
        "quoted": 'say "a": b',
        "end": 0,
    }
    if "{" in text:
        context = {"country": "GB", "msisdn": "1"}
    raw = json.dumps(event_json(1, context=context), separators=separators)
    other = json.dumps(event_json(2, context={"country": "GBX", "note": "two:words,[here]"}), separators=separators)
    add_events(account, [parse_event(each, UTC) for each in (raw, other)], run=None, fetched_at=NOON)

    assert found(client, {"search_text": text}) == {1}


# --- links --------------------------------------------------------------------------------------------------------


@pytest.fixture
def months(account: NexmoAccount, add_event: Add) -> None:
    for number, at in enumerate(("2026-05-20", "2026-06-10", "2026-07-10", "2026-08-10", "2026-10-10")):
        add_event(
            account, number, created_at=f"{at}T12:00:00Z", user_email=f"user{number}@example.com", source_country="GB"
        )


@pytest.mark.parametrize(
    "query",
    [
        {"search_text": "since:2026-06-01 until:2026-09-01"},
        {"search_text": "since:2026-06-01 type:NUMBER_*", "date_to": "2026-09-01"},
        {"search_text": "number:447700900000 period:90d user:user2@example.com"},
        {"date_from": "2026-06-01"},
        {"search_text": "-user:user1@example.com"},
    ],
)
def test_every_bar_and_every_facet_leads_to_as_many_events_as_it_says(
    client: Client, months: None, query: dict[str, str]
) -> None:
    page = client.get("/events/summary", query)

    assert page.context["bars"] or "period" in str(query)
    for _, address, bar in page.context["bars"]:
        assert len(shown_ids(client.get(address))) == bar.total
    for facet in page.context["facets"]:
        for line in (*facet["shown"], *facet["more"]):
            shown = shown_ids(client.get(line["href"]))
            assert len(shown) == line["count"], (facet["name"], line["href"])


@pytest.mark.parametrize("country", ["UK", "EL", "XK", "ZZ", "EU", "A1", "T1", "GB"])
def test_every_code_of_a_country_is_found_by_its_own_links(
    client: Client, account: NexmoAccount, add_event: Add, country: str
) -> None:
    add_event(account, 1, source_country=country.lower())
    add_event(account, 2, source_country="FR")

    page = client.get("/events/")
    (link,) = {
        html.unescape(href)
        for href in re.findall(r'href="(\?[^"]*)"', page.content.decode())
        if parse_qs(urlsplit(html.unescape(href)).query).get("source_country") == [country]
    }
    assert [number_of(event_id) for event_id in shown_ids(client.get(f"/events/{link}"))] == [1]
    (facet,) = (each for each in client.get("/events/summary").context["facets"] if each["name"] == "source_country")
    (href,) = (line["href"] for line in facet["shown"] if line["code"] == country)
    assert [number_of(event_id) for event_id in shown_ids(client.get(href))] == [1]


def test_code_that_people_use_for_a_country_finds_the_standards_too(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, source_country="UK")
    add_event(account, 2, source_country="GB")
    add_event(account, 3, source_country="FR")

    assert found(client, "source_country=UK") == {1, 2}
    assert found(client, "source_country=-UK") == {3}
    assert found(client, "source_country=GB") == {2}
    assert found(client, {"search_text": "country:england"}) == {2}


def odd_event(account: NexmoAccount, number: int, **fields: Any) -> None:
    """One that was archived when parsing let such values through."""
    EventType.objects.get_or_create(code=fields.get("event_type", "USER_LOGIN"))
    AuditEvent.objects.create(
        **{
            "account": account,
            "event_id": f"00000000-0000-4000-8000-{number:012d}",
            "event_type": "USER_LOGIN",
            "created_at": NOON,
            "raw": f'{{"id": "00000000-0000-4000-8000-{number:012d}"}}',
        }
        | fields
    )


def test_type_with_blanks_or_in_another_case_is_filtered_like_its_twin(client: Client, account: NexmoAccount) -> None:
    for number, code in enumerate(("USER_LOGIN", "USER_LOGIN ", "user_login", "NEW_ONE ", "APP_CREATE")):
        odd_event(account, number, event_type=code)

    assert found(client, "event_type=USER_LOGIN") == {0, 1, 2}
    assert found(client, "event_type=USER_*") == {0, 1, 2}
    assert found(client, "event_type=-user_login") == {3, 4}
    assert found(client, "event_type=NEW_ONE") == {3}
    (facet,) = (each for each in client.get("/events/summary").context["facets"] if each["name"] == "event_type")
    for line in facet["shown"]:
        assert line["href"], line
        assert shown_ids(client.get(line["href"]))
    page = client.get("/events/?event_type=NEW_ONE").content.decode()
    assert re.search(r'value="NEW_ONE ?" checked', page)


def test_typeset_quotes_within_straight_ones_are_text(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"note": "he said “by hand” twice"})
    add_event(account, 2, context={"note": "he said by hand twice"})

    assert found(client, {"search_text": '"said “by hand” twice"'}) == {1}
    assert found(client, {"search_text": "“by hand”"}) == {1, 2}
