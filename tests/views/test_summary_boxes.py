"""Counts for the boxes of the filter that the overview does not list."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.filters import summary
from tests.tools.pages import Add, Login


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


def test_boxes_beyond_the_listed_values_have_their_counts(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "SHOWN", 1)
    monkeypatch.setattr(summary, "MORE", 0)
    for number in range(3):
        add_event(account, number)
    add_event(NexmoAccount.objects.get(api_key="demo0002"), 9)
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 10)

    page = client.get("/events/summary").content.decode()

    (rest,) = re.findall(r'data-counts="account" data-rest="([^"]*)"', page)
    assert json.loads(unescape(rest)) == {"demo0002": "1"}
    assert "demo0003" not in page
    assert 'data-counts="user_email" data-rest' not in page
