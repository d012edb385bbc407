"""What is refused, and how: always in the shape that a program reads, and never by reading something else instead."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from tests.api.conftest import Program
from tests.api.test_own import is_problem
from tests.conftest import event_json
from tests.tools.export import add_many
from tests.tools.findings import make_finding
from tests.tools.pages import Add


@pytest.fixture
def accounts(cast: dict[str, Any]) -> None:
    """An event in each of Alice's accounts."""
    for number, key in enumerate(("demo0001", "demo0002"), start=1):
        add_many(NexmoAccount.objects.get(api_key=key), [number], account_id=key)


@pytest.mark.parametrize("path", ["/beta/audit/events", "/api/v1/events"])
@pytest.mark.parametrize("name", ["account", "account_id"])
def test_an_empty_value_beside_others_does_not_lift_a_filter(
    accounts: None, program: Program, path: str, name: str
) -> None:
    answer = program("alice").get(f"{path}?{name}=demo0001&{name}=").json()

    events = answer["events"] if "events" in answer else answer["_embedded"]["events"]
    assert [event["id"] for event in events] == [event_json(1)["id"]]


def test_plain_http_is_refused_and_not_redirected(program: Program, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    client = program("alice")

    assert "revoke" in is_problem(client.get("/api/v1/events"), 403)["detail"]
    assert client.get("/beta/audit/events").status_code == 403
    assert client.get("/api/v1/events", secure=True).status_code == 200
    assert client.get("/events/")["Location"].startswith("https://")


def test_a_cursor_of_findings_is_none_of_events(accounts: None, add_event: Add, program: Program) -> None:
    account = NexmoAccount.objects.get(api_key="demo0001")
    for number in (10, 11):
        make_finding([add_event(account, number)])
    client = program("alice")
    cursor = client.get("/api/v1/findings/?size=1").json()["cursor"]

    for path in ("/api/v1/events", "/api/v1/views/secrets/events"):
        wrong = is_problem(client.get(f"{path}?cursor={cursor}"), 400)
        assert [each["parameter"] for each in wrong["errors"]] == ["cursor"]
    assert client.get(f"/beta/audit/events?cursor={cursor}").status_code == 400


def test_too_much_is_a_problem_document(accounts: None, add_event: Add, program: Program, settings: Any) -> None:
    client = program("alice", may_acknowledge=True)
    many = "&".join(f"a{number}=1" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
    finding = make_finding([add_event(NexmoAccount.objects.get(api_key="demo0001"), 10)])
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    is_problem(client.get(f"/api/v1/events?{many}"), 400)
    assert client.get(f"/beta/audit/events?{many}").json()["error"] == "BadRequest"
    path = f"/api/v1/findings/{finding.pk}/acknowledge"
    with mock.patch("events.detection.findings.sight.Sight.may_triage", True):
        is_problem(client.post(path, b"{" + b" " * 200, content_type="application/json"), 413)


def test_an_error_of_ours_is_a_problem_document_and_logged(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    client = program("alice")
    client.raise_request_exception = False
    with mock.patch("events.api.pages.find", side_effect=RuntimeError("secret detail")):
        is_problem(answer := client.get("/api/v1/events"), 500)
    assert b"secret detail" not in answer.content
    assert any(record.levelname == "ERROR" and record.exc_info for record in caplog.records)
    with (
        mock.patch("events.api.pages.find", side_effect=RuntimeError),
        pytest.raises(RuntimeError),
    ):
        program("alice").get("/api/v1/events")


def test_nexmos_errors_have_nexmos_names_in_any_language(program: Program) -> None:
    answer = Client(headers={"Accept-Language": "es"}).get("/beta/audit/events")

    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0, br", False), ("x-gzip-not", False)],
)
def test_gzip_is_for_those_who_take_it(program: Program, accepted: str, compressed: bool) -> None:
    answer = program("alice").options("/beta/audit/events", headers={"Accept-Encoding": accepted})

    assert ("Content-Encoding" in answer.headers) is compressed
