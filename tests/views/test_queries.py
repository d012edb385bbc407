"""How many queries the pages take, and what the list does not read."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import NexmoAccount
from events.sync import coverage
from tests.conftest import event_json
from tests.tools.export import add_many
from tests.tools.pages import Login, finished

# For a reader who is in no team and has no role, as most are.
QUERIES = {
    # Once a minute what is worth a look in these accounts, and every ten seconds which of their findings are the worst
    # (two) and how many are open. A page with events asks once which of them led to findings. Each page writes an entry
    # of the access log.
    "/events/": 8 + 4 + 3 + 1 + 1,
    "/events/?source=CD&search_text=447700900000": 13,
    "/accounts/demo0003/events/": 9,
    "/accounts/demo0003/events/{event}/": 18,
    "/events/{event}/": 5,
    "/views/": 7,
    "/reports/": 5,
    "/reviews/": 9,
    "/reviews/new": 13,
    "/about/user/yourname@example.com": 18,
    "/about/ip/192.0.2.1": 17,  # up to when it is complete: one
    "/about/number/447700900000": 13,
    "/about/number/447700900000?at=2026-03-15T12:30": 13,
    "/accounts/": 13,  # open findings of all of them: one
    "/accounts/demo0003/": 27,  # changes of its retention: one
}


def count_queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code in (200, 302)
    return len(queries)


def expected_queries() -> dict[str, int]:
    """The queries of each page. Where a text is looked for, PostgreSQL asks first how many events there are: among few,
    the newest are looked through before its index is asked."""
    if connection.vendor == "sqlite":
        return dict(QUERIES)
    return QUERIES | {path: QUERIES[path] + 1 for path in QUERIES if "search_text" in path or "/number/" in path}


@pytest.mark.parametrize("events", [1, 60])
def test_pages_take_their_queries_whatever_the_number_of_events(
    login: Login, cast: dict[str, Any], events: int
) -> None:
    add_many(NexmoAccount.objects.get(api_key="demo0003"), range(events))
    client = login("charlie")
    size = {"/events/": "?size=100", "/accounts/demo0003/events/": "?size=100"}

    taken = {
        path: count_queries(client, path.format(event=event_json(0)["id"]) + size.get(path, "")) for path in QUERIES
    }

    expected = expected_queries()
    if events == 60:  # a full page does not ask where its search ended
        expected |= {"/about/user/yourname@example.com": 17, "/about/ip/192.0.2.1": 16}
        if connection.vendor == "postgresql":
            expected["/events/?source=CD&search_text=447700900000"] -= 1
    assert taken == expected


def test_pages_take_the_same_queries_for_five_accounts(login: Login, cast: dict[str, Any]) -> None:
    NexmoAccount.objects.update(owner=cast["charlie"])
    for account in NexmoAccount.objects.all():
        add_many(account, range(10))
        finished(account)
        coverage.add(account, None, timezone.now())
    client = login("charlie")

    # An event's user, address and number are looked for in the other accounts, all of them at once.
    # Where all is verified, nobody asks for what is not.
    verified = {"/accounts/": QUERIES["/accounts/"] - 1, "/accounts/demo0003/": QUERIES["/accounts/demo0003/"] - 1}
    number = 1 if connection.vendor == "postgresql" else 0
    expected = expected_queries() | verified | {"/accounts/demo0003/events/{event}/": 28 + number}
    expected["/accounts/demo0003/events/"] += 4 + 2  # what is worth a look in this account alone
    assert {path: count_queries(client, path.format(event=event_json(0)["id"])) for path in QUERIES} == expected


def test_admins_pages_take_no_more_queries_for_more_accounts(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")
    add_many(NexmoAccount.objects.get(api_key="demo0003"), range(3))
    paths = ("/admin/accounts/nexmoaccount/", "/admin/events/auditevent/", "/admin/events/syncrun/")
    client.get("/admin/")
    few = [count_queries(client, path) for path in paths]
    for number in range(20):
        account = NexmoAccount.objects.create(
            owner=cast["charlie"], name=f"More {number}", api_key=f"more{number:04d}", api_secret="x"
        )
        add_many(account, range(3))
        finished(account)

    assert [count_queries(client, path) for path in paths] == few


def test_list_reads_neither_verbatim_events_nor_secrets(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    with CaptureQueriesContext(connection) as queries:
        client.get("/events/")
        client.get("/accounts/")

    assert not [query for query in queries if '"events_auditevent"."raw"' in query["sql"]]
    assert not [query for query in queries if "api_secret" in query["sql"]]
