"""Signing off on the site, and who sees which part of what was signed."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import NexmoAccount
from events.models import Review, ReviewStatement, SignOff
from tests.conftest import add_numbered
from tests.reviews.conftest import SignOff as Sign
from tests.reviews.conftest import run_jobs

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    """A page's text, without marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def hidden(response: Any) -> dict[str, str]:
    """The hidden fields of the form that signs off."""
    found = re.findall(r'<input type="hidden" name="(query|due|shown)" value="([^"]*)"', response.content.decode())
    return {name: unescape(value) for name, value in found}


def test_person_sees_what_is_signed_and_signs_it(archive: NexmoAccount, other: NexmoAccount, login: Any) -> None:
    client = login("alice")
    listed = client.get("/events/?event_type=APP_CREATE&account=demo0002")
    address = unescape(re.search(r'href="([^"]*/reviews/new[^"]*)"', listed.content.decode())[1])  # type: ignore[index]

    page = client.get(address)
    said = text_of(page)
    assert "Events 5 · Show these events" in said
    assert "Marrowby Health (1)" in said
    assert "Not known to be complete: Marrowby Health: all of it" in said
    assert not SignOff.objects.exists()

    answer = client.post(reverse("events:review_new"), hidden(page) | {"note": "All planned."}, follow=True)
    assert "Being signed" in text_of(answer)
    run_jobs()
    review = Review.objects.get()
    signed = text_of(client.get(review.get_absolute_url()))
    assert "alice looked through these events" in signed
    assert "All planned." in signed
    assert (review.person.username, ReviewStatement.objects.get().count) == ("alice", 5)


def test_link_of_an_accounts_list_is_about_that_account(archive: NexmoAccount, other: NexmoAccount, login: Any) -> None:
    client = login("alice")
    listed = client.get("/accounts/demo0001/events/")
    address = unescape(re.search(r'href="([^"]*/reviews/new[^"]*)"', listed.content.decode())[1])  # type: ignore[index]
    assert "Events 7 ·" in text_of(client.get(address))


def test_that_nothing_matches_can_be_signed_off_too(archive: NexmoAccount, login: Any) -> None:
    client = login("alice")
    listed = client.get("/events/?event_type=APP_DELETE&account=demo0001")
    address = unescape(re.search(r'href="([^"]*/reviews/new[^"]*)"', listed.content.decode())[1])  # type: ignore[index]
    assert "Events 0 ·" in text_of(client.get(address))


def test_events_that_arrived_after_the_page_are_told(archive: NexmoAccount, login: Any) -> None:
    client = login("alice")
    page = client.get("/reviews/new?account=demo0001")
    asked = client.post("/reviews/new", hidden(page) | {"note": "Seen."})
    add_numbered(archive, range(20, 23))
    run_jobs()
    assert "3 more events than the page had shown" in text_of(client.get(asked.url))
    assert "than the page had shown" not in text_of(login("audrey").get(asked.url))


def test_link_leads_to_the_events_that_were_looked_through(archive: NexmoAccount, login: Any, sign_off: Sign) -> None:
    review = sign_off("alice", "account=demo0001&date_to=2026-03-15T12:03:00Z")
    add_numbered(archive, range(20, 25))
    client = login("alice")
    (part,) = client.get(review.get_absolute_url()).context["shown"].parts
    assert 'id="count">3<' in client.get(part.list_url).content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"note": ""}, "This field is required"),
        ({"note": "x" * 2_001}, "at most 2000"),
        ({"note": "a\u202eb"}, "U+202E"),
    ],
)
def test_bad_note_gets_a_sentence_and_loses_nothing(
    archive: NexmoAccount, login: Any, fields: dict[str, str], said: str
) -> None:
    client = login("alice")
    page = client.get("/reviews/new?account=demo0001")
    again = client.post("/reviews/new", hidden(page) | fields)
    assert said in text_of(again)
    assert fields["note"] in unescape(again.content.decode())
    assert hidden(again) == hidden(page)
    assert not SignOff.objects.exists()


@pytest.mark.parametrize("query", ["account=demo0003", "event_type=NO%20SUCH", "date_from=nonsense", "colour=red"])
def test_filter_that_cannot_be_read_is_not_signed(archive: NexmoAccount, login: Any, query: str) -> None:
    client = login("alice")
    assert client.get(f"/reviews/new?{query}").status_code == 400
    assert client.post("/reviews/new", {"query": query, "note": "Seen."}).status_code == 400
    assert not SignOff.objects.exists()


def test_reader_sees_the_parts_of_own_accounts_and_no_hint_of_others(
    archive: NexmoAccount, other: NexmoAccount, login: Any, sign_off: Sign
) -> None:
    review = sign_off("alice", "account=demo0001,demo0002")
    bob = login("bob")
    for address in ("/reviews/", review.get_absolute_url(), f"{review.get_absolute_url()}review.ndjson"):
        answer = bob.get(address)
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "demo0002" not in text
        assert "Marrowby" not in text
        assert ">12<" not in text  # the events of both
    assert 'class="number">7<' in bob.get("/reviews/").content.decode()
    (line,) = bob.get(f"{review.get_absolute_url()}review.ndjson").content.splitlines()
    assert json.loads(json.loads(line)["statement"])["account"] == "demo0001"

    assert len(login("audrey").get(f"{review.get_absolute_url()}review.ndjson").content.splitlines()) == 2


def test_stranger_finds_nothing(archive: NexmoAccount, login: Any, sign_off: Sign) -> None:
    review = sign_off("alice", "account=demo0001")
    charlie = login("charlie")
    assert str(review.pk) not in charlie.get("/reviews/").content.decode()
    for path in ("", "review.ndjson"):
        assert charlie.get(review.get_absolute_url() + path).status_code == 404
    for path in ("retry", "discard"):
        assert charlie.post(review.get_absolute_url() + path).status_code == 404


def test_nobody_else_sees_what_waits_to_be_signed(archive: NexmoAccount, login: Any) -> None:
    client = login("alice")
    asked = client.post("/reviews/new", hidden(client.get("/reviews/new")) | {"note": "Seen."}).url
    assert client.get(asked).status_code == 200
    for name in ("bob", "audrey", "admin"):
        assert login(name).get(asked).status_code == 404
        assert login(name).post(f"{asked}discard").status_code == 404
    client.post(f"{asked}discard")
    run_jobs()
    assert not Review.objects.exists()


def test_without_a_key_the_page_says_what_to_do(archive: NexmoAccount, login: Any, settings: Any) -> None:
    settings.SEAL_KEY = ""
    client = login("alice")
    asked = client.post("/reviews/new", hidden(client.get("/reviews/new")) | {"note": "Seen."}).url
    run_jobs()
    said = text_of(client.get(asked))
    assert "SEAL_KEY is not set" in said
    assert "Nothing was signed" in said
    assert "A review of yours could not be signed." in text_of(client.get("/reviews/"))


def test_part_that_changes_asks_for_the_whole_page_once_it_is_signed(archive: NexmoAccount, login: Any) -> None:
    client: Client = login("alice")
    asked = client.post("/reviews/new", hidden(client.get("/reviews/new")) | {"note": "Seen."}).url
    part = client.get(asked, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    run_jobs()
    assert client.get(asked, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_list_is_narrowed_by_person_account_and_day(
    archive: NexmoAccount, other: NexmoAccount, login: Any, sign_off: Sign
) -> None:
    by_alice = sign_off("alice", "account=demo0002")
    by_bob = sign_off("bob", "account=demo0001")
    audrey = login("audrey")

    def listed(query: str) -> set[str]:
        return set(re.findall(r'data-review="([^"]+)"', audrey.get(f"/reviews/?{query}").content.decode()))

    assert listed("") == {str(by_alice.pk), str(by_bob.pk)}
    assert listed("person=bob") == {str(by_bob.pk)}
    assert listed("account=demo0002") == {str(by_alice.pk)}
    assert listed("date_from=2999-01-01") == set()
    assert listed("date_to=2026-01-01") == set()
    assert "Enter a valid date" in text_of(audrey.get("/reviews/?date_from=nonsense"))
    for ends_of_the_calendar in ("date_from=0001-01-01", "date_to=9999-12-31"):
        answer = audrey.get(f"/reviews/?{ends_of_the_calendar}")
        assert "The year must be from 1969 to 9998" in text_of(answer)
    # Of an account of somebody else's, one learns as little from the filter as from the list.
    assert "Select a valid choice" in text_of(login("bob").get("/reviews/?account=demo0002"))


def test_list_goes_on_page_by_page(
    archive: NexmoAccount, login: Any, sign_off: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from events.reviews import shown

    monkeypatch.setattr(shown, "SIZE", 2)
    signed = [str(sign_off("alice", "account=demo0001").pk) for _ in range(5)]
    client, address, met = login("alice"), "/reviews/", []
    while address:
        page = client.get(address).content.decode()
        met += re.findall(r'data-review="([^"]+)"', page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        address = f"/reviews/{unescape(further[1])}" if further else ""
    assert met == signed[::-1]


def test_hostile_note_is_shown_as_text(archive: NexmoAccount, login: Any, sign_off: Sign) -> None:
    review = sign_off("alice", "search_text=%3Cscript%3E", note="<script>alert(1)</script>")
    for address in ("/reviews/", review.get_absolute_url()):
        assert b"<script>alert" not in login("audrey").get(address).content


def test_note_of_several_lines_stands_on_one_in_the_list(archive: NexmoAccount, login: Any, sign_off: Sign) -> None:
    review = sign_off("alice", note="First.\nSecond.")
    assert "First. Second." in login("alice").get("/reviews/").content.decode()
    assert "First.<br>Second." in login("alice").get(review.get_absolute_url()).content.decode()


def test_account_that_was_shared_after_the_page_is_not_signed_unseen(
    archive: NexmoAccount, other: NexmoAccount, login: Any
) -> None:
    bob = login("bob")
    page = bob.get("/reviews/new")
    other.teams.add(*archive.teams.all())
    again = bob.post("/reviews/new", hidden(page) | {"note": "Seen."})
    assert "have changed since this page was opened" in text_of(again)
    assert "Marrowby Health" in text_of(again)
    assert ">Seen.<" in "".join(again.content.decode().split())
    assert not SignOff.objects.exists()
    bob.post("/reviews/new", hidden(again) | {"note": "Seen."})
    assert SignOff.objects.get().accounts.count() == 2


def test_list_reads_of_each_review_no_more_than_it_names(
    archive: NexmoAccount, other: NexmoAccount, login: Any, sign_off: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from events.reviews import shown

    review = sign_off("alice")
    monkeypatch.setattr(shown, "ACCOUNTS_NAMED", 1)
    client = login("alice")
    with CaptureQueriesContext(connection) as queries:
        line = client.get("/reviews/").context["page"].lines[0]
    assert (line.count, line.named, line.more) == (12, [archive.name], 1)
    texts = [query["sql"] for query in queries if '"statement"' in query["sql"]]
    assert len(texts) == 1
    assert "IN (" in texts[0]
    with CaptureQueriesContext(connection) as more:
        client.get(review.get_absolute_url())
    assert not any("api_secret" in query["sql"] for query in (*queries, *more))
