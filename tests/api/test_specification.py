"""What Nexmo's own OpenAPI document says of parameters and answers holds here, whatever is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import NexmoAccount
from tests.api.conftest import Program
from tests.api.shapes import mismatches, resolved
from tests.tools.export import add_many, add_raw

SPECIFICATION = yaml.safe_load((Path(__file__).parents[1] / "data" / "audit.openapi.yml").read_text(encoding="utf-8"))
BASE = "/beta/audit"
PARAMETERS = {each["name"]: each["schema"] for each in SPECIFICATION["paths"]["/events"]["get"]["parameters"]}
# The document has no word for a date: any text is one there. Others are refused here, as Nexmo documents 400.
DATES = ("date_from", "date_to")
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=30)


def values_of(name: str) -> st.SearchStrategy[str]:
    """Values that the document allows."""
    schema = PARAMETERS[name]
    if schema["type"] == "array":
        codes = resolved(schema["items"], SPECIFICATION)["enum"]
        return st.lists(st.sampled_from(codes), min_size=1, max_size=5).map(",".join)
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema.get("maximum", 10**30)).map(str)
    if name in DATES:
        return st.dates().filter(lambda day: 1990 < day.year < 2100).map(str)
    return ANYTHING


def wrong_values_of(name: str) -> st.SearchStrategy[str]:
    """Values that it does not allow."""
    schema = PARAMETERS[name]
    if schema["type"] == "array":
        return st.text("XYZ_", min_size=3, max_size=9)
    if schema["type"] == "integer":
        numbers = st.integers(max_value=0) | st.integers(
            101 if "maximum" in schema else -5, 200 if "maximum" in schema else 0
        )
        return numbers.map(str) | st.sampled_from(["", "1.5", "abc", "1e1", "null", "１"])
    return st.sampled_from(["x", "2026-13-01"])


VALID = st.fixed_dictionaries({}, optional={name: values_of(name) for name in PARAMETERS})


@pytest.fixture
def client(cast: Any, program: Program) -> Client:
    """Of a token that sees two accounts with some odd events."""
    first, second = NexmoAccount.objects.filter(owner=cast["alice"])
    add_many(first, range(60))
    add_raw(second, '{"id":"bare"}')
    add_raw(second, '{"id":"odd","created_at":"2026-01-01T00:00:00","context":null,"user_email":"a@example.com"}')
    return program("alice")


def wrong_with(answer: Any, path: str, method: str = "get") -> list[str]:
    """What the document says against an answer."""
    described = SPECIFICATION["paths"][path][method]["responses"]
    content = described.get(str(answer.status_code), {}).get("content", {})
    media_type = answer.headers["Content-Type"]
    if media_type not in content:
        return [f"{answer.status_code} {media_type} is not described"]
    return mismatches(answer.json(), content[media_type]["schema"], SPECIFICATION, strict=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=VALID)
def test_what_the_document_allows_is_answered_as_it_says(client: Client, asked: dict[str, str]) -> None:
    answer = client.get(f"{BASE}/events", asked)

    reversed_dates = asked.get("date_from", "") > asked.get("date_to", "9999")
    assert answer.status_code == (400 if reversed_dates else 200), answer.content
    assert wrong_with(answer, "/events") == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=VALID,
    wrong=st.sampled_from([name for name in PARAMETERS if name != "search_text"]).flatmap(
        lambda name: wrong_values_of(name).map(lambda value: (name, value))
    ),
)
def test_what_it_does_not_allow_is_refused_as_it_says(
    client: Client, asked: dict[str, str], wrong: tuple[str, str]
) -> None:
    answer = client.get(f"{BASE}/events", asked | dict([wrong]))

    assert answer.status_code == 400, answer.content
    assert wrong_with(answer, "/events") == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event_id=ANYTHING.filter(bool) | st.sampled_from(["bare", "odd", "ODD"]))
def test_one_event_is_answered_as_it_says(client: Client, event_id: str) -> None:
    answer = client.get(f"{BASE}/events/{quote(event_id, safe='')}")

    assert answer.status_code == (200 if event_id.lower() in ("bare", "odd") else 404)
    assert wrong_with(answer, "/events/{id}") == []


def test_event_types_and_refusals_are_answered_as_it_says(client: Client) -> None:
    assert wrong_with(client.options(f"{BASE}/events"), "/events", "options") == []
    assert wrong_with(Client().get(f"{BASE}/events"), "/events") == []
