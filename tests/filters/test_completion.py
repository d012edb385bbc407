"""The search box completes what is being typed, with what the reader may see."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.filters.search_box import KEYS
from tests.tools.filters import Add, Login


def offered(client: Client, piece: str, path: str = "/events/suggest", **headers: str) -> list[str]:
    answer = client.get(path, {"piece": piece}, headers=headers)
    assert answer.status_code == 200
    return [item["text"] for item in answer.json()["items"]]


@pytest.fixture
def events(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, user_email="zoe@example.com", source_country="GB")
    add_event(NexmoAccount.objects.get(api_key="demo0002"), 2, user_email="zara@example.com", source_country="ES")
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 3, user_email="zack@example.com", source_country="FR")


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("ty", ["type:"]),
        ("-ty", ["-type:"]),
        ("type:logged", ["type:USER_LOGIN", "type:USER_LOGOUT"]),
        ("type:number_l", ["type:NUMBER_LINKED"]),
        ("-type:APP_CREATE,app_del", ["-type:APP_CREATE,APP_DELETE"]),
        ("country:germ", ["country:DE"]),
        ("country:none", ["country:none"]),
        ("account:quill", ["account:demo0001"]),
        ("source:da", ["source:Dashboard"]),
        ("user:z", ["user:zara@example.com", "user:zoe@example.com"]),
        ("period:2", ["period:24h"]),
        ("last:9", ["last:90d"]),
        ("new:c", ["new:country"]),
        ("germ", ["country:DE"]),
        ("zoe", ["user:zoe@example.com"]),
        ("marrow", ["account:demo0002"]),
        ("account:tannelhof", []),
        ("nosuch:", []),
        ("x" * 101, []),
    ],
)
def test_piece_is_completed(client: Client, events: None, piece: str, expected: list[str]) -> None:
    assert offered(client, piece) == expected


def test_empty_box_offers_every_word_with_what_it_does(client: Client, events: None) -> None:
    items = client.get("/events/suggest").json()["items"]

    assert {item["text"].rstrip(":") for item in items} <= set(KEYS)
    assert len({item["kind"] for item in items}) == len(items) == 13
    assert all(item["label"] for item in items)


def test_values_are_offered_in_the_readers_language(client: Client, events: None) -> None:
    assert offered(client, "country:aleman", **{"accept-language": "es"}) == ["country:DE"]
    assert "type:ACCOUNT_SECRET_DELETE" in offered(client, "type:elimin", **{"accept-language": "es"})


def test_only_own_values_are_offered(login: Login, events: None) -> None:
    assert offered(login("alice"), "user:z", "/accounts/demo0001/events/suggest") == ["user:zoe@example.com"]
    assert offered(login("charlie"), "user:z") == ["user:zack@example.com"]
    assert offered(login("charlie"), "account:demo") == ["account:demo0003"]
    assert len(offered(login("audrey"), "user:z")) == 3
    assert login("charlie").get("/accounts/demo0001/events/suggest").status_code == 404
    assert Client().get("/events/suggest").status_code == 302


def test_completion_costs_few_queries(client: Client, events: None, django_assert_max_num_queries: Any) -> None:
    offered(client, "user:z")
    with django_assert_max_num_queries(6):
        offered(client, "user:z")
