"""The page of exports: what it announces, whom it refuses, and that what it announces is what is written."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount, profile_of
from events.reading import counts
from events.reading.conditions import Conditions
from tests.tools.export import (
    FURTHER,
    HEADER,
    KINDS,
    SHEET_HEADER,
    Add,
    Login,
    add_many,
    body,
    csv_rows,
    exported_ids,
    sheets,
)


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def announced(response: Any) -> str | None:
    found = re.search(r'name="announced" value="(\d+)"', response.content.decode())
    return found[1] if found else None


def submitted(page: Any) -> list[tuple[str, str]]:
    """What the form of the page sends as it is, without a script."""
    fields = []
    form = page.content.decode().split('<form id="export"')[1].split("</form>")[0]
    for tag in re.findall(r"<input [^>]*>", form):
        kind, name, value = (re.search(rf'\b{it}="([^"]*)"', tag) for it in ("type", "name", "value"))
        if kind and name and value and (kind[1] == "hidden" or " checked" in tag):
            fields.append((html.unescape(name[1]), html.unescape(value[1])))
    fields += [("times", value) for value in re.findall(r'<option value="([^"]*)" selected>', form)]
    return fields


def download(client: Client, page: Any, kind: str) -> Any:
    (address,) = re.findall(rf'formaction="([^"]*\.{kind})"', page.content.decode())
    data: dict[str, list[str]] = {}
    for name, value in submitted(page):
        data.setdefault(name, []).append(value)
    return client.get(address, data)


@pytest.mark.parametrize("kind", KINDS)
def test_form_of_the_page_downloads_what_the_list_shows(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(1, 5), user_email="a+b@example.com")
    add_many(account, range(5, 9))
    client = login("alice")

    page = client.get("/events/export", {"user_email": "a+b@example.com", "size": "25"})
    response = download(client, page, kind)

    assert announced(page) == "4"
    assert "a+b@example.com" in text_of(page)
    assert len(exported_ids(kind, body(response))) == 4


def test_page_keeps_every_condition_and_leads_back(login: Login, account: NexmoAccount) -> None:
    asked = "event_type=APP_*&event_type=-APP_CREATE&source=-CD,API"

    page = login("alice").get(f"/events/export?{asked}&count=all&before=1.1")

    assert ("event_type", "APP_*") in submitted(page)
    assert ("event_type", "-APP_CREATE") in submitted(page)
    assert ("source", "-CD,API") in submitted(page)
    assert {name for name, _ in submitted(page)} == {*("event_type", "source", "announced", "bom", "times", "job")}

    back = html.unescape(re.findall(r'<p class="trail"><a href="([^"]*)"', page.content.decode())[0])
    assert back == "/events/?event_type=APP_%2A&event_type=-APP_CREATE&source=-CD%2CAPI"


def test_page_of_one_account_is_about_that_one(login: Login, account: NexmoAccount) -> None:
    add_many(account, range(3))
    add_many(NexmoAccount.objects.get(api_key="demo0002"), range(3, 8))
    client = login("alice")

    page = client.get("/accounts/demo0001/events/export")

    assert announced(page) == "3"
    assert len(csv_rows(body(download(client, page, "csv")))) == 3


@pytest.mark.parametrize("person, number", [("alice", "5"), ("bob", "3"), ("charlie", "0"), ("audrey", "5")])
def test_page_announces_only_what_the_reader_may_see(login: Login, account: Any, person: str, number: str) -> None:
    add_many(account, range(3))
    add_many(NexmoAccount.objects.get(api_key="demo0002"), range(3, 5))

    page = login(person).get("/events/export")

    assert announced(page) == number
    assert ("Marrowby" in text_of(page)) is False


@pytest.mark.parametrize(
    "path", ["/events/export", "/events/export.csv", "/events/export.ndjson", "/events/export.xlsx"]
)
@pytest.mark.parametrize(
    "query, says",
    [
        ("source_ip=nonsense", "nonsense is not an IP address or network"),
        ("columns=created_at,secret", "There is no column secret. The columns are created_at, account,"),
        ("columns=<b>", "There is no column <b>."),
        ("times=Mars/Olympus", "Mars/Olympus is not a time zone"),
        ("times=../../etc/passwd", "is not a time zone"),
        ("times=Europe", "Europe is not a time zone"),
        ("times=a%00b", "is not a time zone"),
        ("account=demo0003", "No account demo0003 is visible to you."),
    ],
)
def test_wrong_choice_is_refused_with_what_there_is(
    login: Login, account: NexmoAccount, path: str, query: str, says: str
) -> None:
    response = login("alice").get(f"{path}?{query}")

    assert response.status_code == 400
    assert says in text_of(response)
    assert "&lt;b&gt;" in response.content.decode() or "<b>" not in query


def test_columns_chosen_on_the_page_stay_chosen(login: Login, account: NexmoAccount) -> None:
    page = login("alice").get("/events/export?columns=user_email&columns=created_at,source_ip&times=utc")

    assert [value for name, value in submitted(page) if name == "columns"] == ["created_at", "user_email", "source_ip"]


def test_page_offers_the_readers_zone_and_utc(login: Login, cast: dict[str, Any], account: NexmoAccount) -> None:
    profile = profile_of(cast["alice"])
    profile.time_zone = "Europe/Madrid"
    profile.save()
    client = login("alice")

    assert ("times", "Europe/Madrid") in submitted(client.get("/events/export"))
    assert ("times", "UTC") in submitted(client.get("/events/export?times=utc"))
    assert ("times", "Asia/Tokyo") in submitted(client.get("/events/export?times=Asia/Tokyo"))
    profile.utc = True
    profile.save()
    assert ("times", "UTC") in submitted(client.get("/events/export"))
    assert ("times", "Europe/Madrid") in submitted(client.get("/events/export?times=Europe/Madrid"))


def test_page_offers_every_zone_and_has_one_chosen(login: Login, account: NexmoAccount) -> None:
    add_many(account, range(1))
    client = login("bob")
    page = client.get("/events/export")

    assert [value for name, value in submitted(page) if name == "times"] == ["UTC"]
    assert '<option value="Asia/Kolkata">' in page.content.decode()
    (row,) = csv_rows(body(client.get("/events/export.csv?times=Asia/Kolkata")))
    assert row["created_at"] == "2026-03-15T17:30:00+05:30"


@pytest.mark.parametrize(("kind", "columns"), [("csv", HEADER), ("xlsx", SHEET_HEADER)])
def test_page_has_no_column_ticked_and_says_what_files_then_have(
    login: Login, account: NexmoAccount, kind: str, columns: list[str]
) -> None:
    add_many(account, range(1))
    client = login("alice")

    page = client.get("/events/export")

    assert [value for name, value in submitted(page) if name == "columns"] == []
    assert "With none ticked, Excel has them all, and CSV all but the last two" in text_of(page)
    assert re.findall(r'name="columns" value="(\w+)"', page.content.decode()) == [*HEADER, *FURTHER]
    content = body(download(client, page, kind))
    assert (list(csv_rows(content)[0]) if kind == "csv" else sheets(content)["Events"][0]) == columns


def test_more_than_is_counted_at_once_is_announced_as_at_least(
    login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(30))
    monkeypatch.setattr(counts, "MOST_COUNTED", 10)
    monkeypatch.setattr(counts, "COUNT_STEP", 7)
    client = login("alice")

    page = client.get("/events/export?user_email=yourname@example.com")
    (link,) = re.findall(r'<a href="([^"]*)" hx-get="\1"', page.content.decode())
    whole = client.get(html.unescape(link))
    part = client.get(html.unescape(link), headers={"HX-Request": "true"})

    assert announced(page) is None
    assert "At least <strong>10</strong> events" in text_of(page)
    assert (announced(whole), announced(part)) == ("30", "30")
    assert "<html" in text_of(whole)
    assert "<html" not in text_of(part)
    assert "X-Total-Count" not in client.get("/events/export.csv?user_email=yourname@example.com")


def test_counting_that_takes_too_long_says_how_far_it_came(
    login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(30))
    monkeypatch.setattr(counts, "MOST_COUNTED", 10)
    monkeypatch.setattr(counts, "COUNT_STEP", 12)
    monkeypatch.setattr("events.views.export_page.COUNTED_FOR", -1)

    page = login("alice").get("/events/export?user_email=yourname@example.com&count=all")

    assert announced(page) is None
    assert "At least <strong>12</strong> events: counting stopped" in text_of(page)


FILTERS = [
    "",
    "account=demo0001",
    "event_type=APP_*",
    "event_type=-APP_CREATE",
    "user_email=a@example.com,b@example.com",
    "user_email=a@example.com&source_country=GB",
    "source_ip=192.0.2.0/24",
    "source_ip=-192.0.2.7",
    "new=country",
    "search_text=needle",
    "search_text=example.com",
    "search_text=nowhere-to-be-found",
    "date_from=2026-03-15T12:20:00&date_to=2026-03-15T12:41:00",
    "date_from=2026-03-15T12:20:00&event_type=APP_CREATE&account=demo0001",
]


@pytest.mark.parametrize("person", ["alice", "bob", "audrey"])
@pytest.mark.parametrize("limits", ["usual", "small"])
def test_count_announced_is_the_number_of_rows_written(
    login: Login, account: NexmoAccount, person: str, limits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limits == "small":
        for name in ("MOST_COUNTED", "MOST_MATCHES", "COUNT_WALKED", "COUNT_STEP"):
            monkeypatch.setattr(counts, name, 5)
        monkeypatch.setattr("events.reading.rollups.MOST_IN_A_PIECE", 5)
        monkeypatch.setattr("events.reading.candidates.PROBED", 5)
        monkeypatch.setattr("events.reading.pages.LEAST_WALKED", 2)
    mail = ("a@example.com", "b@example.com", "c@example.com")
    for number in range(60):
        add_many(
            NexmoAccount.objects.get(api_key=f"demo000{number % 3 + 1}"),
            [number],
            event_type="APP_CREATE" if number % 4 == 0 else "NUMBER_UPDATED",
            user_email=mail[number % 3 if number % 5 else 0],
            source_ip=f"192.0.{2 + number % 2}.{number % 9}",
            context={"said": "needle" if number % 20 == 0 else "hay"},
        )
    client = login(person)

    told = {query: announced(client.get(f"/events/export?{query}&count=all")) for query in FILTERS}
    found = {query: str(len(csv_rows(body(client.get(f"/events/export.csv?{query}"))))) for query in FILTERS}
    lines = {query: str(body(client.get(f"/events/export.ndjson?{query}")).count(b"\n")) for query in FILTERS}

    assert told == found == lines
    assert int(found["user_email=a@example.com,b@example.com"]) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_total_count_is_a_header_where_it_is_known_before(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(7))
    client = login("alice")

    def total(query: str) -> str | None:
        response = client.get(f"/events/export.{kind}?{query}")
        body(response)
        return response.headers.get("X-Total-Count")

    assert [total(query) for query in ("", "source=CD", "account=demo0002", "search_text=GB")] == ["7", "7", "0", None]
    assert client.head(f"/events/export.{kind}?source=CD")["X-Total-Count"] == "7"


def test_nothing_is_counted_where_nothing_can_match(db: None) -> None:
    assert counts.count_all(Conditions(nothing=True), 1) == counts.Count(0)
    assert counts.announce(Conditions(text="x", accounts=())) == counts.Count(0)


def test_list_leads_to_the_page_with_its_query(login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    for path in ("/events/", "/accounts/demo0001/events/"):
        page = login("alice").get(f"{path}?source=CD&size=25")
        assert f'<a href="{path}export?source=CD">Export</a>' in page.content.decode()


def test_hostile_text_on_the_page_is_escaped(login: Login, account: NexmoAccount) -> None:
    page = login("alice").get("/events/export", {"search_text": '"><script>alert(1)</script>'})

    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_all_columns_by_name_are_the_usual_file(login: Login, account: NexmoAccount) -> None:
    add_many(account, range(3))
    client = login("alice")

    assert body(client.get(f"/events/export.csv?columns={','.join(HEADER)}&times=utc")) == body(
        client.get("/events/export.csv")
    )
    assert body(client.get("/events/export.csv?columns=&times=")) == body(client.get("/events/export.csv"))


def test_page_offers_evidence_to_those_who_may_take_it(login: Login, account: NexmoAccount) -> None:
    asked = "event_type=APP_CREATE&columns=account&times=utc&count=all"
    auditors = login("audrey").get(f"/events/export?{asked}").content.decode()
    owners = login("alice").get(f"/events/export?{asked}").content.decode()
    of_one = login("audrey").get("/accounts/demo0001/events/export").content.decode()

    assert 'method="post" action="/events/evidence.zip?event_type=APP_CREATE"' in auditors
    assert 'method="post" action="/accounts/demo0001/events/evidence.zip?"' in of_one
    assert "evidence.zip" not in owners
    assert "People who may export evidence can download the same events as an evidence pack" in owners
    assert "People who may export" not in auditors
