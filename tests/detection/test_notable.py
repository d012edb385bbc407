"""The strip "Worth a look": what it says, what it compares with, whom it tells, and how it is dismissed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import NexmoAccount, Profile
from events.detection import notable as detection
from events.detection.notable import Notable, notable
from events.models import SyncState
from events.sync import state
from tests.conftest import add_numbered
from tests.tools.filters import Add, Login
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


@pytest.fixture
def account(cast: dict[str, Any]) -> NexmoAccount:
    return NexmoAccount.objects.get(api_key="demo0001")


def ago(**units: float) -> str:
    return f"{NOW - timedelta(**units):%Y-%m-%dT%H:%M:%SZ}"


def found(account: NexmoAccount) -> list[tuple[str, dict[str, Any]]]:
    return [(it.kind, it.values) for it in notable([account.pk])]


# --- a user in another country --------------------------------------------------------------------------------------


def test_first_country_beside_an_established_one(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, user_email="zoe@example.com", source_country="DE", created_at=ago(days=100))
    add_event(account, 2, user_email="zoe@example.com", source_country="SC", created_at=ago(days=2))

    ((kind, values),) = found(account)

    assert kind == "country"
    assert (values["user"], values["country"], values["home"]) == ("zoe@example.com", "SC", "DE")


@pytest.mark.parametrize(
    ("home", "away", "other_user"),
    [(100, 20, False), (20, 2, False), (100, 2, True)],
    ids=["long ago", "no home yet", "somebody else's home"],
)
def test_first_country_that_is_not_worth_a_look(
    account: NexmoAccount, add_event: Add, home: int, away: int, other_user: bool
) -> None:
    user = "ann@example.com" if other_user else "zoe@example.com"
    add_event(account, 1, user_email=user, source_country="DE", created_at=ago(days=home))
    add_event(account, 2, user_email="zoe@example.com", source_country="SC", created_at=ago(days=away))

    assert found(account) == []


# --- rare events ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_allow_list_opened_to_everybody(account: NexmoAccount, add_event: Add, network: str) -> None:
    add_event(account, 1, event_type="IP_WHITELIST_CREATE", context={"ip": network}, created_at=ago(days=1))
    add_event(account, 2, event_type="IP_WHITELIST_CREATE", context={"ip": "192.0.2.0/24"}, created_at=ago(days=1))
    add_event(account, 3, event_type="IP_WHITELIST_DELETE", context={"ip": network}, created_at=ago(days=1))
    add_event(account, 4, event_type="IP_WHITELIST_CREATE", context={"ip": network}, created_at=ago(days=15))

    assert [(kind, values["network"]) for kind, values in found(account)] == [("everybody", network)]


def office_hours(account: NexmoAccount, days: int = 80) -> None:
    add_numbered(
        account,
        [day * 100 + hour for day in range(days) for hour in (9, 14)],
        created_at=lambda number: ago(days=number // 100 + 2, hours=12 - number % 100),
    )


def test_secret_made_at_an_unusual_time_of_day(account: NexmoAccount, add_event: Add) -> None:
    office_hours(account)
    add_event(account, 9_001, event_type="ACCOUNT_SECRET_CREATE", created_at=ago(hours=9))  # at 3
    add_event(account, 9_002, event_type="ACCOUNT_SECRET_CREATE", created_at=ago(hours=3))  # at 9

    ((kind, values),) = found(account)

    assert (kind, values["near"], values["known"]) == ("secret", 0, 135)
    assert values["event"].endswith("9001")


def test_secret_where_too_little_is_known_of_the_usual(account: NexmoAccount, add_event: Add) -> None:
    office_hours(account, days=50)
    add_event(account, 9_001, event_type="ACCOUNT_SECRET_CREATE", created_at=ago(hours=9))

    assert found(account) == []


# --- days -----------------------------------------------------------------------------------------------------------


def test_day_far_busier_than_any_before(account: NexmoAccount, add_event: Add) -> None:
    add_numbered(
        account,
        [day * 100 + number for day in range(5, 10) for number in range(10)],
        created_at=lambda number: ago(days=number // 100, minutes=number % 100),
    )
    add_numbered(account, range(5_000, 5_030), created_at=lambda number: ago(days=1, minutes=number - 5_000))

    ((kind, values),) = found(account)

    assert (kind, values["total"], values["busiest"], str(values["day"])) == ("burst", 30, 10, "2026-03-19")
    add_event(account, 6_000, created_at=ago(days=5, hours=1))  # 11 on that day
    detection.caches["local"].clear()
    assert found(account) == []


def test_first_days_of_an_account_are_no_burst(account: NexmoAccount) -> None:
    add_numbered(account, range(60), created_at=lambda number: ago(days=1, minutes=number))

    assert found(account) == []


def test_account_gone_silent(account: NexmoAccount, add_event: Add) -> None:
    for day in range(4, 20):
        add_event(account, day, created_at=ago(days=day))

    ((kind, values),) = found(account)

    assert (kind, str(values["day"]), values["active"]) == ("silent", "2026-03-16", 16)
    add_event(account, 1, created_at=ago(days=1))
    detection.caches["local"].clear()
    assert found(account) == []


def test_account_that_fails(account: NexmoAccount) -> None:
    state.ensure([account])
    SyncState.objects.filter(account=account).update(problem_code="refused", problem="Nexmo refused the credentials.")

    assert found(account) == [("failing", {"since": None, "problem": "Nexmo refused the credentials."})]
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)
    detection.caches["local"].clear()
    assert found(account) == []


# --- the strip ------------------------------------------------------------------------------------------------------


@pytest.fixture
def takeover(account: NexmoAccount, add_event: Add) -> None:
    zoe = {"user_email": "zoe@example.com"}
    add_event(account, 1, **zoe, source_country="DE", created_at=ago(days=100))
    add_event(account, 2, **zoe, source_country="SC", created_at=ago(days=2, minutes=9))
    add_event(
        account,
        3,
        **zoe,
        source_country="SC",
        event_type="IP_WHITELIST_CREATE",
        context={"ip": "0.0.0.0/0"},
        created_at=ago(days=2),
    )
    add_event(account, 4, source_country="SC", created_at=ago(days=1))


def test_lines_say_what_they_compare_and_lead_to_just_those_events(client: Client, takeover: None) -> None:
    page = client.get("/events/")

    lines = page.context["worth_a_look"]
    assert [line.sentence for line in lines] == [
        "zoe@example.com allowed every address (0.0.0.0/0) on 2026-03-18 12:00:00 UTC.",
        "zoe@example.com came from Seychelles for the first time on 2026-03-18 11:51:00 UTC; "
        "from Germany since 2025-12-10.",
    ]
    assert [len(shown_ids(client.get(line.href))) for line in lines] == [1, 2]
    for path in ("/events/", "/accounts/demo0001/events/", "/accounts/"):
        assert lines[0].sentence in text_of(client.get(path))


def test_strip_speaks_spanish(client: Client, takeover: None) -> None:
    page = client.get("/events/", headers={"accept-language": "es"})

    assert "Conviene revisar" in text_of(page)
    assert "permitió todas las direcciones (0.0.0.0/0)" in text_of(page)


@pytest.mark.parametrize("query", ["?source=CD", "?before=2026-03-19T00:00:00Z,1", "?source_ip=x"])
def test_strip_is_above_the_newest_events_only(client: Client, takeover: None, query: str) -> None:
    assert "Worth a look" in text_of(client.get("/events/"))
    assert "Worth a look" not in text_of(client.get(f"/events/{query}"))


def test_only_own_accounts_are_told_of(login: Login, takeover: None) -> None:
    assert "Worth a look" in text_of(login("bob").get("/events/"))
    assert "Worth a look" not in text_of(login("charlie").get("/events/"))
    assert "Worth a look" not in text_of(login("charlie").get("/accounts/"))


def test_dismissed_line_stays_away_for_a_week_and_for_its_reader_only(login: Login, takeover: None) -> None:
    client, bob = login("alice"), login("bob")
    first, second = client.get("/events/").context["worth_a_look"]

    answer = client.post("/events/worth-a-look/dismiss", {"key": first.key, "next": "/accounts/"})

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/")
    assert client.get("/events/").context["worth_a_look"] == [second]
    assert len(bob.get("/events/").context["worth_a_look"]) == 2
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        detection.caches["local"].clear()
        client = login("alice")  # her first session has been idle for too long
        assert [line.key for line in client.get("/events/").context["worth_a_look"]] == [first.key, second.key]


@pytest.mark.parametrize("key", ["", "x" * 16, "0" * 17, "<b>"])
def test_bad_key_dismisses_nothing(client: Client, takeover: None, key: str) -> None:
    assert client.post("/events/worth-a-look/dismiss", {"key": key}).status_code == 404
    assert not Profile.objects.exclude(dismissed="").exists()


def test_foreign_address_is_not_returned_to(client: Client, takeover: None) -> None:
    answer = client.post("/events/worth-a-look/dismiss", {"key": "0" * 16, "next": "https://evil.example/"})

    assert answer["Location"] == "/events/"
    assert client.get("/events/worth-a-look/dismiss").status_code == 405


@pytest.mark.parametrize("text", ["x", "[]", '{"0": 1}', '{"0": "9999-01-01T00:00:00+00:00"}', "{}"])
def test_profile_that_cannot_be_read_dismisses_nothing(client: Client, takeover: None, text: str) -> None:
    client.post("/events/worth-a-look/dismiss", {"key": "0" * 16})
    Profile.objects.update(dismissed=text)

    assert len(client.get("/events/").context["worth_a_look"]) == 2


def test_at_most_a_handful(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number in range(9):
        add_event(
            account,
            number,
            event_type="IP_WHITELIST_CREATE",
            context={"ip": "::/0"},
            created_at=ago(days=1, minutes=number),
        )

    assert len(client.get("/events/").context["worth_a_look"]) == 5


def test_it_takes_few_queries_once_a_minute(
    account: NexmoAccount, takeover: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(5):
        first = notable([account.pk])
    with django_assert_num_queries(0):
        assert notable([account.pk]) == first
    assert all(isinstance(it, Notable) for it in first)
