"""`/api/v1/` beside its events: accounts, findings, views and the token."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from accounts.roles import RESPONDERS
from events.models import FindingChange, SavedView
from events.sync import coverage
from tests.api.conftest import Program
from tests.conftest import event_json
from tests.tools.export import add_many
from tests.tools.findings import make_finding
from tests.tools.pages import Add, finished

PROBLEM = "application/problem+json"


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of an answer."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == PROBLEM
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["title"] and told["detail"] and told["type"].startswith("/api/#")
    return told


def test_the_token_says_what_it_is_good_for(make_token: Any, program: Program) -> None:
    given = make_token("alice", accounts=["demo0001"], may_acknowledge=True)
    told = Client(headers={"Authorization": f"Bearer {given.token}"}).get("/api/v1/token").json()

    assert (told["id"], told["person"], told["all_accounts"]) == (given.identifier, "alice", False)
    assert [each["account_id"] for each in told["accounts"]] == ["demo0001"]
    assert told["scopes"] == ["read", "acknowledge"]
    assert told["limits"]["requests_per_minute"] > 0
    assert told["expires_at"].endswith("Z")
    assert given.secret not in json.dumps(told)


def test_accounts_tell_health_and_coverage(account: NexmoAccount, program: Program) -> None:
    finished(account)
    now = timezone.now()
    coverage.add(account, None, now)
    add_many(account, range(3))
    client = program("bob")
    told = client.get("/api/v1/accounts/").json()["accounts"]

    assert [(each["account_id"], each["events"]) for each in told] == [("demo0001", 3)]
    assert told[0]["coverage"]["complete_since"] is None
    assert told[0]["coverage"]["complete_until"][:16] == now.isoformat()[:16]
    assert told[0]["health"]["level"] == "ok"
    assert client.get("/api/v1/accounts/demo0001").json()["events"] == 3
    is_problem(client.get("/api/v1/accounts/demo0003"), 404)
    is_problem(client.get("/api/v1/accounts/nosuch"), 404)


def test_findings_by_cursor_and_filter(account: NexmoAccount, add_event: Add, program: Program) -> None:
    made = [make_finding([add_event(account, number)]) for number in range(5)]
    client = program("bob")
    first = client.get("/api/v1/findings/?size=3").json()
    rest = client.get(f"/api/v1/findings/?size=3&cursor={first['cursor']}").json()

    assert first["has_more"] and not rest["has_more"]
    numbers = [finding["id"] for finding in first["findings"] + rest["findings"]]
    assert numbers == [finding.pk for finding in reversed(made)]
    assert client.get("/api/v1/findings/?severity=low").json()["findings"] == []
    one = client.get(f"/api/v1/findings/{made[0].pk}").json()
    assert one["events"] == [
        {"account_id": "demo0001", "id": event_json(0)["id"], "created_at": "2026-03-15T12:00:00Z"}
    ]
    wrong = is_problem(client.get("/api/v1/findings/?severity=awful"), 400)
    assert [each["parameter"] for each in wrong["errors"]] == ["severity"]


def test_only_a_token_and_a_person_that_may_acknowledge_can(
    account: NexmoAccount, add_event: Add, cast: dict[str, Any], program: Program
) -> None:
    finding = make_finding([add_event(account, 1)])
    path = f"/api/v1/findings/{finding.pk}/acknowledge"
    is_problem(program("bob").post(path), 403)
    is_problem(program("bob", may_acknowledge=True).post(path), 403)
    is_problem(program("charlie", may_acknowledge=True).post(path), 404)
    cast["bob"].groups.add(Group.objects.get(name=RESPONDERS))
    is_problem(program("bob").post(path), 403)
    client = program("bob", may_acknowledge=True)
    is_problem(client.post(path, {"note": "x"}), 415)
    for body in ("[]", "{", '{"nota": "x"}', '{"note": 1}'):
        is_problem(client.post(path, body, content_type="application/json"), 400)
    assert not FindingChange.objects.filter(action="acknowledged").exists()

    told = client.post(path, {"note": "Known change"}, content_type="application/json")

    assert told.json()["state"] == "acknowledged"
    change = FindingChange.objects.get(action="acknowledged")
    assert (change.by, change.note) == (cast["bob"], "Known change")
    assert client.post(path, content_type="application/json").status_code == 200, "done already is done"


def test_views_run_by_number_name_and_code(
    account: NexmoAccount, add_event: Add, cast: dict[str, Any], program: Program
) -> None:
    add_event(account, 1, event_type="USER_LOGIN")
    add_event(account, 2, event_type="ACCOUNT_SECRET_CREATE")
    own = SavedView.objects.create(owner=cast["bob"], name="Our logins / all", query="event_type=USER_LOGIN")
    hidden = SavedView.objects.create(owner=cast["alice"], name="Hers", query="event_type=USER_LOGIN")
    client = program("bob")

    def ids(name: str) -> list[str]:
        return [event["id"] for event in client.get(f"/api/v1/views/{name}/events").json()["events"]]

    assert ids(str(own.pk)) == ids("our%20logins%20/%20all") == [event_json(1)["id"]]
    assert ids("secrets") == [event_json(2)["id"]]
    listed = client.get("/api/v1/views/").json()["views"]
    assert {view["key"] for view in listed} >= {str(own.pk), "secrets"}
    assert str(hidden.pk) not in {view["key"] for view in listed}
    for name in (str(hidden.pk), "Hers", "98765", "nonsense"):
        is_problem(client.get(f"/api/v1/views/{name}/events"), 404)


def test_a_view_of_an_account_that_the_token_is_not_for_is_hidden(cast: dict[str, Any], program: Program) -> None:
    queries = ("account=demo0002", "account=demo0001,-demo0002", "account=demo0001")
    views = [SavedView.objects.create(owner=cast["alice"], name=query, query=query) for query in queries]
    client = program("alice", accounts=["demo0001"])

    listed = client.get("/api/v1/views/").json()["views"]
    assert [view["name"] for view in listed if view["name"] in queries] == ["account=demo0001"]
    for view in views[:2]:
        for name in (str(view.pk), view.name):
            is_problem(client.get(f"/api/v1/views/{name}/events"), 404)
    assert client.get(f"/api/v1/views/{views[2].pk}/events").status_code == 200
    assert program("alice").get(f"/api/v1/views/{views[0].pk}/events").status_code == 200


def test_a_view_that_cannot_be_asked_says_why(cast: dict[str, Any], program: Program) -> None:
    view = SavedView.objects.create(owner=cast["alice"], name="x", query="source_ip=nonsense")

    told = is_problem(program("alice").get(f"/api/v1/views/{view.pk}/events"), 409)
    assert "nonsense is not an IP address" in told["detail"]


@pytest.mark.parametrize("path", ["accounts/", "findings/", "views/", "token", "events"])
def test_unknown_parameters_are_named(program: Program, path: str) -> None:
    client = program("alice")
    told = is_problem(client.get(f"/api/v1/{path}?nonsense=1&sice=2"), 400)

    assert "nonsense" in told["detail"]
    if path in ("findings/", "events"):
        assert "did you mean “size”?" in told["detail"]


def test_errors_speak_the_language_that_is_asked_for(program: Program) -> None:
    answer = program("alice").get("/api/v1/events?size=0", headers={"Accept-Language": "es"})

    assert answer.json()["detail"] == "size: Escriba un número entero de 1 a 1000."
