"""The OpenAPI document and its page say what is really answered."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from accounts.models import NexmoAccount
from events.api.openapi import OPERATIONS, document
from tests.api.conftest import Program
from tests.api.shapes import mismatches
from tests.tools.findings import make_finding
from tests.tools.pages import Add, Login, violations


def test_each_operation_answers_as_the_document_says(
    account: NexmoAccount, add_event: Add, cast: dict[str, Any], program: Program
) -> None:
    event = add_event(account, 1)
    finding = make_finding([event])
    client = program("admin", may_acknowledge=True)
    described = client.get("/api/openapi.json").json()
    assert described == json.loads(json.dumps(document("http://testserver")))
    in_path = {
        "id": event.event_id,
        "account_id": account.api_key,
        "number": str(finding.pk),
        "name": "numbers",
    }
    asked = 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            address = path.format(**in_path)
            answer = client.generic(method.upper(), address)
            assert answer.status_code == 200, (address, answer.content)
            content = operation["responses"]["200"]["content"]["application/json"]
            assert mismatches(answer.json(), content["schema"], described) == []
            assert mismatches(content["example"], content["schema"], described) == [], "the example too"
            wrong = client.generic(method.upper(), f"{address}?nonsense=1")
            error = operation["responses"]["400"]["content"]
            assert wrong.headers["Content-Type"] in error
            assert mismatches(wrong.json(), error[wrong.headers["Content-Type"]]["schema"], described) == []
            asked += 1
    assert asked == len(OPERATIONS)


def test_the_shape_check_finds_what_is_wrong() -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}, "required": ["a"]}

    assert mismatches({"a": None}, schema, {}) == []
    assert mismatches({}, schema, {}) == ["$.a is missing"]
    assert mismatches({"a": "x", "b": 1}, schema, {}) == ["$.b is not described", "$.a: 'x' is no integer or null"]


def test_the_document_needs_no_login_and_tells_nothing_of_accounts(account: NexmoAccount, client: Client) -> None:
    answer = client.get("/api/openapi.json")

    assert answer.status_code == 200
    assert account.name not in answer.content.decode()


def test_the_page_shows_every_operation(login: Login) -> None:
    page = login("bob").get("/api/")

    for operation in OPERATIONS:
        assert f'id="{operation.slug}"' in page.content.decode()
        for parameter in operation.asked_by:
            assert f"<code>{parameter.name}</code>" in page.content.decode()
    assert violations(page) == []
    assert login("nobody").get("/api/").status_code == 302


def test_every_kind_of_error_has_its_place_on_the_page(login: Login, program: Program) -> None:
    anchor = program("bob").get("/api/v1/accounts/x").json()["type"]
    page = login("bob").get(anchor.partition("#")[0])

    assert f'id="{anchor.partition("#")[2]}"' in page.content.decode()
