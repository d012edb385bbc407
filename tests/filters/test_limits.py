"""Filters that are far too large: refused before anything is made of them, wherever a filter is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import NexmoAccount
from events.filters import fields, search_box
from events.filters.limits import MOST_CHARACTERS, MOST_ITEMS
from events.models import SavedView
from events.reading import count, read_page
from events.reading.conditions import Conditions
from events.reading.stream import stream_rows
from tests.tools.filters import Add, found, refusal

MANY = ",".join(f"10.{number // 256 % 256}.{number % 256}.0" for number in range(5_000))
TOO_MANY = "Too many values: 5,000, and at most 1,000 are allowed."
TOO_LONG = "This filter is too long: at most 8,000 characters."


@pytest.fixture
def items_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the fields of lists were given to read."""
    read: list[str] = []
    clean_item = fields.NetworksField.clean_item

    def counting(self: Any, item: str) -> str:
        read.append(item)
        return clean_item(self, item)

    monkeypatch.setattr(fields.NetworksField, "clean_item", counting)
    return read


@pytest.mark.parametrize("path", ["/events/", "/events/summary", "/events/news", "/accounts/demo0001/events/"])
def test_very_many_values_are_refused_unread_on_every_page(
    client: Client, account: NexmoAccount, add_event: Add, items_read: list[str], path: str
) -> None:
    add_event(account, 1)

    page = client.get(path, {"source_ip": MANY})

    assert page.status_code in (200, 204)
    assert b"data-event-id" not in page.content
    assert items_read == []
    assert len(page.content) < 40 * len(MANY)
    if path.endswith("events/"):
        assert TOO_MANY in page.content.decode()


def test_very_many_values_refuse_an_export_and_an_evidence_pack(
    client: Client, login: Callable[[str], Client], account: NexmoAccount
) -> None:
    for response in (
        client.get("/events/export.csv", {"source_ip": MANY}),
        client.get("/events/export", {"source_ip": MANY}),
        login("audrey").post(f"/events/evidence.zip?source_ip={MANY}"),
    ):
        assert response.status_code == 400
        assert TOO_MANY in response.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_view_with_very_many_values_is_refused_unread(
    client: Client, account: NexmoAccount, items_read: list[str], method: str
) -> None:
    query = f"source_ip={MANY}"
    page = getattr(client, method)("/views/new", {"query": query, "name": "Block list", "description": "Typed in"})

    assert page.status_code == 200
    assert items_read == []
    assert not SavedView.objects.filter(name="Block list").exists()
    assert len(page.content) < 3 * len(query) + 60_000
    if method == "post":
        assert "This filter is too long for a URL." in page.content.decode()
        assert 'value="Block list"' in page.content.decode() and "Typed in" in page.content.decode()


def test_whole_filter_may_not_be_longer_than_an_address(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source="CD")
    users = ",".join(f"user{number:03d}@{'x' * 60}.example" for number in range(100))
    sources = ",".join(f"source{number:03d}" for number in range(50))

    assert refusal(client, {"user_email": users, "source": sources}, "user_email") == TOO_LONG
    assert len(users) < MOST_CHARACTERS
    assert found(client, {"source": "CD"}) == {1}


@pytest.mark.parametrize(
    ("name", "value"),
    [("user_email", "x" * 401 + "@example.com"), ("source_country", "x" * 401), ("account", "x" * 401)],
)
def test_very_long_value_is_refused(client: Client, account: NexmoAccount, name: str, value: str) -> None:
    assert refusal(client, {name: value}, name) == "This is too long: at most 400 characters."


@pytest.mark.parametrize("name", ["search_text", "date_from", "period", "new"])
def test_very_long_text_is_refused_unread(
    client: Client, account: NexmoAccount, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_box, "read", lambda text: pytest.fail("read"))

    assert refusal(client, {name: "a:b " * 600}, name) == "This is too long: at most 2,000 characters."


def test_page_grows_with_the_filter_and_not_with_its_square(client: Client, account: NexmoAccount) -> None:
    def size(number: int) -> int:
        return len(client.get("/events/", {"source": ",".join(f"s{each:04d}" for each in range(number))}).content)

    small, large = size(300), size(1_000)

    assert large < 4 * small
    pills = client.get("/events/", {"source": ",".join(f"s{each}" for each in range(300))}).context["pills"]
    assert [pill.value for pill in pills[-2:]] == ["s19", "and 280 more: remove all"]
    assert "source" not in pills[-1].without


def test_unknown_names_are_not_all_repeated(client: Client, account: NexmoAccount) -> None:
    page = client.get("/events/", {"x" * 3_000: "1"} | {f"zz{number}": "1" for number in range(50)})

    assert page.context["unknown"][0] == f"There is no filter “{'x' * 60}”."
    assert page.context["unknown"][-1] == "And 41 more names."
    assert len(page.context["unknown"]) == 11


# --- long block lists -------------------------------------------------------------------------------------------


def networks(number: int, first: int = 0) -> list[str]:
    return [f"10.{place // 250}.{place % 250}.0/28" for place in range(first, first + number)]


def test_command_takes_a_thousand_networks_and_says_that_more_are_too_many(
    account: NexmoAccount, add_event: Add, capfd: Any
) -> None:
    add_event(account, 1, source_ip="10.3.249.5")
    add_event(account, 2, source_ip="192.0.2.1")
    options = [option for network in networks(MOST_ITEMS) for option in ("--source-ip", network)]

    call_command("export_events", "--format", "ndjson", *options)
    assert len(capfd.readouterr().out.splitlines()) == 1
    with pytest.raises(CommandError, match=r"--source-ip: Too many values: 1,001, and at most 1,000 are allowed\."):
        call_command("export_events", "--format", "ndjson", *options, "--source-ip", "192.0.2.0/24")


def test_command_takes_a_negated_network(account: NexmoAccount, add_event: Add, capfd: Any) -> None:
    add_event(account, 1, source_ip="10.3.249.5")
    add_event(account, 2, source_ip="192.0.2.1")

    for options in (["--source-ip", "-10.0.0.0/8"], ["--source-ip=-10.0.0.0/8"]):
        call_command("export_events", "--format", "ndjson", *options)
        assert '"192.0.2.1"' in capfd.readouterr().out.splitlines()[0]


def test_largest_filter_is_read_in_every_way(
    account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many values to look up and many to check in each branch; as a page, a count and a stream."""
    monkeypatch.setattr("events.reading.candidates.PROBED", 0)
    event = add_event(account, 1, source_ip="10.0.1.3", user_email="user1@example.com")
    add_event(account, 2, source_ip="10.0.1.3", user_email="else@example.com")
    add_event(account, 3, source_ip="192.0.2.3", user_email="user2@example.com")
    ranges = tuple(
        (f"{number:032x}", f"{number + 15:032x}") for number in range(0xFFFF_0A00_0000, 0xFFFF_0A00_3E80, 16)
    )
    conditions = Conditions(
        wanted={
            "user_email": tuple(f"user{number}@example.com" for number in range(50)),
            "source_ip": ranges,
            "source": ("CD", *(f"s{number}" for number in range(999))),
        },
        unwanted={"source_country": tuple(f"c{number}" for number in range(MOST_ITEMS)), "source_ip": ranges[500:]},
    )

    assert len(ranges) == MOST_ITEMS
    assert [row.pk for row in read_page(conditions, 5).rows] == [event.pk]
    assert count(conditions).number == 1
    assert [row.pk for row in stream_rows(conditions)] == [event.pk]
