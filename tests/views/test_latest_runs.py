"""The latest syncs on an account's page: what brought nothing does not hide what did."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.health.runs import LINES, READ, latest_runs
from events.models import SyncRun
from tests.conftest import NOON
from tests.tools.pages import Login, text_of


def add_runs(account: NexmoAccount, *runs: dict[str, Any]) -> None:
    """Runs a minute apart, the newest first."""
    for number, fields in enumerate(runs):
        values = {"status": "succeeded", "trigger": "schedule", "seen": 10, "requests": 1, **fields}
        SyncRun.objects.create(account=account, started_at=NOON - timedelta(minutes=number), **values)


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


def lengths(account: NexmoAccount) -> list[int]:
    return [len(line.runs) for line in latest_runs(account)]


def test_runs_without_news_fold_and_the_newest_stands(account: NexmoAccount) -> None:
    add_runs(account, *[{}] * 6, {"added": 2}, {}, {}, {"added": 1}, {}, {}, {})

    assert lengths(account) == [1, 5, 1, 1, 1, 1, 3]
    folded = latest_runs(account)[1]
    assert (folded.first, folded.last) == (NOON - timedelta(minutes=5), NOON - timedelta(minutes=1))
    assert (folded.seen, folded.requests) == (50, 5)


@pytest.mark.parametrize(
    "news",
    [
        {"added": 1},
        {"conflicts_found": 1},
        {"status": "failed"},
        {"status": "incomplete"},
        {"status": "running"},
        {"problem": "Nexmo refused the credentials."},
    ],
    ids=str,
)
def test_what_is_news_is_never_folded(account: NexmoAccount, news: dict[str, Any]) -> None:
    add_runs(account, {}, *[{}] * 3, news, *[{}] * 3)

    assert lengths(account) == [1, 3, 1, 3]


def test_what_somebody_asked_for_is_not_folded(account: NexmoAccount, cast: dict[str, Any]) -> None:
    add_runs(account, {}, *[{}] * 3, {"requested_by": cast["alice"], "trigger": "person"}, *[{}] * 3)

    assert lengths(account) == [1, 3, 1, 3]


def test_there_are_never_more_lines_and_runs_than_a_page_bears(account: NexmoAccount) -> None:
    add_runs(account, *[{"added": 1}] * 30)
    assert lengths(account) == [1] * LINES
    SyncRun.objects.all().delete()
    add_runs(account, *[{}] * (READ + 20))

    assert lengths(account) == [1, READ - 1]


def test_page_says_how_many_and_shows_each_on_demand(client: Client, account: NexmoAccount) -> None:
    add_runs(account, *[{}] * 16)

    page = client.get("/accounts/demo0001/")

    assert "15 runs with nothing new, 2026-03-15 11:45:00 UTC to 2026-03-15 11:59:00 UTC" in text_of(page)
    (details,) = re.findall(r'<details id="quiet-\d+">.*?</details>', page.content.decode(), re.DOTALL)
    assert details.count("<li>") == 15
    assert page.content.decode().count('<td data-title="Status">') == 1
