"""Requests of programs pass by what is for people's browsers, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages.middleware import MessageMiddleware
from django.test import Client


@pytest.fixture
def for_people(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that came to one of the middlewares that are for people."""
    came: list[str] = []
    process = MessageMiddleware.process_request

    def note(self: Any, request: Any) -> None:
        came.append(request.path)
        process(self, request)

    monkeypatch.setattr(MessageMiddleware, "process_request", note)
    return came


@pytest.mark.django_db
def test_operations_pass_by_what_is_for_people(for_people: list[str]) -> None:
    for path in ("/api/v1/events", "/beta/audit/events", "/api/", "/login/"):
        Client().get(path)
    assert for_people == ["/api/", "/login/"]


@pytest.mark.django_db
def test_what_holds_for_every_answer_holds_for_programs() -> None:
    answer = Client(headers={"Accept-Language": "es"}).get("/api/v1/events")
    assert answer.status_code == 401
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Request-ID"]
    assert "default-src" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Language"] == "es"


@pytest.mark.django_db
def test_operation_that_is_remembered_is_that_of_its_address() -> None:
    client = Client()
    for _ in range(2):
        assert client.get("/api/v1/events").status_code == 401
        assert client.get("/api/v1/events/nosuch/at/all").status_code in (401, 404)
        assert client.get("/beta/audit/events/" + "a" * 300).status_code == 401
    assert client.get("/api/v1/nosuch")["Content-Type"].startswith("application/problem+json")
