"""`new=country`: each user's first event from a country, in each account, wherever a filter can be written."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import NexmoAccount
from events.reading import Count, count, counts, pages, read_page, rollups
from events.reading.conditions import Conditions, joined
from events.reading.facets import facets, sample
from events.reading.histogram import histogram
from tests.conftest import NOON
from tests.tools.filters import Add, found, refusal
from tests.tools.pages import Login, text_of


@pytest.fixture
def travels(account: NexmoAccount, add_event: Add) -> None:
    """Ann at home in GB, then in ES and back; Ben in ES; somebody without a name; and somewhere unknown."""
    ann, ben = "ann@example.com", "ben@example.com"
    for number, user, country in (
        (1, ann, "GB"),
        (2, ann, "GB"),
        (3, ann, "ES"),
        (4, ben, "ES"),
        (5, ann, "GB"),
        (6, ann, "ES"),
        (7, "", "FR"),
        (8, ann, ""),
    ):
        add_event(account, number, user_email=user, source_country=country, event_type="USER_LOGIN")


def test_first_event_of_each_user_from_each_country_is_shown(client: Client, travels: None) -> None:
    assert found(client, "new=country") == {1, 3, 4}
    assert found(client, "search_text=new:country+user:ann@example.com") == {1, 3}


def test_what_was_first_stays_first_whatever_else_is_asked(client: Client, travels: None) -> None:
    """Ann's second event from GB is not new because the first lies before the time that is asked for."""
    assert found(client, "new=country&date_from=2026-03-15T12:02") == {3, 4}
    assert found(client, "new=country&source_country=GB") == {1}


def test_late_arrival_is_first_by_its_time_and_not_by_its_place(
    client: Client, travels: None, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 0, user_email="ann@example.com", source_country="ES")

    assert found(client, "new=country") == {0, 1, 4}


def test_events_of_one_second_have_one_first(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number in (1, 2, 3):
        add_event(account, number, created_at="2026-03-15T12:00:00", user_email="a@example.com", source_country="GB")

    assert found(client, "new=country") == {1}


def test_each_account_has_its_own_first(login: Login, travels: None, add_event: Add) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")
    add_event(other, 9, user_email="ann@example.com", source_country="GB")

    assert found(login("alice"), "new=country") == {1, 3, 4, 9}
    assert found(login("bob"), "new=country") == {1, 3, 4}


def test_count_overview_and_facets_agree(travels: None, account: NexmoAccount) -> None:
    asked = Conditions(accounts=(account.pk,), new_country=True)
    sampled = sample(asked)

    assert not rollups.answers(asked)
    assert count(asked) == Count(3)
    drawn = histogram(asked, sampled, accounts=[account.pk])
    assert drawn and (drawn.total, drawn.exact) == (3, True)
    by_name = {facet.name: dict(facet.values) for facet in facets(asked, sampled)}
    assert by_name["source_country"] == {"GB": 1, "ES": 2}
    assert by_name["event_type"] == {"USER_LOGIN": 3}


def test_answers_are_complete_however_far_back_they_lie(
    travels: None, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_WALKED", "FIRST_WALKED", "LEAST_WALKED"):
        monkeypatch.setattr(pages, name, 1)
    for number in range(20, 40):
        add_event(account, number, user_email="ben@example.com", source_country="ES")
    asked = Conditions(accounts=(account.pk,), new_country=True, text="ann@example.com", start=NOON)

    page = read_page(asked, 1)

    assert (page.searched_back_to, page.older is None) == (None, False)
    assert read_page(asked, 1, before=page.older).older is None
    assert count(asked) == counts.announce(asked) == Count(2)


def test_all_of_them_are_drawn_where_the_facets_know_the_newest_only(
    travels: None, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.reading.facets.SAMPLE", 1)
    asked = Conditions(accounts=(account.pk,), new_country=True)
    sampled = sample(asked)

    drawn = histogram(asked, sampled, accounts=[account.pk])

    assert len(sampled.rows) == 1
    assert drawn and (drawn.total, drawn.exact) == (3, True)


def test_it_can_be_checked_beside_other_conditions(travels: None) -> None:
    where, values = joined(Conditions(new_country=True, wanted={"source_country": ("ES",)}).rest())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT seq FROM events_auditevent WHERE {where} ORDER BY seq", values)
        assert cursor.fetchall() == [(3,), (4,)]


def test_it_is_said_above_the_table_and_kept_in_the_form(client: Client, travels: None) -> None:
    page = client.get("/events/?new=country")

    assert "New First from a country" in text_of(page)
    assert '<option value="country" selected>' in page.content.decode()


def test_other_values_are_refused(client: Client, travels: None) -> None:
    assert refusal(client, "new=moon", "new") == "The only value for new is country: new=country."


def test_command_exports_it(travels: None, capfd: Any) -> None:
    call_command("export_events", "--format", "ndjson", "--new", "country")

    assert len(capfd.readouterr().out.splitlines()) == 3
