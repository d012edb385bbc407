"""The archive as Nexmo's Audit API: its clients work with host and credentials changed."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from unittest import mock

import pytest
import requests
from django.test import Client

from accounts.models import NexmoAccount
from accounts.tokens.authenticate import TokenRefused
from accounts.tokens.secret import Credentials
from events.models import AuditEvent, EventType
from events.nexmo import errors
from events.nexmo.client import AuditClient, Pacer
from events.sync.engine import sync_account
from tests.api.conftest import Program
from tests.conftest import NOON, event_json
from tests.tools.export import add_many, add_raw
from tests.tools.pages import Add

EVENTS = "/beta/audit/events"


@pytest.fixture
def other(cast: dict[str, Any]) -> NexmoAccount:
    """Alice's other account, that she shares with nobody."""
    return NexmoAccount.objects.get(api_key="demo0002")


def ids_of(answer: Any) -> list[str]:
    return [event["id"] for event in answer.json().get("_embedded", {}).get("events", [])]


def test_by_basic_credentials(account: NexmoAccount, add_event: Add, make_token: Any) -> None:
    add_event(account, 1)
    given: Credentials = make_token("bob")
    basic = base64.b64encode(f"{given.identifier}:{given.secret}".encode()).decode()
    answer = Client().get(EVENTS, headers={"Authorization": f"Basic {basic}"})

    assert ids_of(answer) == [event_json(1)["id"]]
    assert answer.headers["Content-Type"] == "application/json"


def test_without_a_token_it_is_401_in_nexmos_shape(cast: Any) -> None:
    answer = Client().get(EVENTS)

    assert answer.status_code == 401
    assert answer.json().keys() == {"status", "error", "message"}
    assert answer.json()["status"] == 401
    assert "Basic" in answer.headers["WWW-Authenticate"]


def test_a_login_is_no_token(login: Any) -> None:
    assert [login("admin").get(path).status_code for path in (EVENTS, "/api/v1/token")] == [401, 401]


def test_too_many_requests_say_when_to_come_again(program: Program) -> None:
    client = program("alice")
    refused = TokenRefused(429, "Too many requests", "Slower, please.", {"Retry-After": "7"})
    with mock.patch("events.api.operation.authenticate", side_effect=refused):
        answers = [client.get(path) for path in (EVENTS, "/api/v1/events")]

    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(429, "7"), (429, "7")]
    assert answers[0].json() == {"status": 429, "error": "Too Many Requests", "message": "Slower, please."}
    assert answers[1].headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("size=0", "size"),
        ("size=101", "100"),
        ("size=", "size"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=abc", "page"),
        ("page=1&page=2", "once"),
        ("date_from=nonsense", "date_from"),
        ("date_from=2026-02-01&date_to=2026-01-01", "date_to"),
        ("event_type=NO_SUCH", "NO_SUCH"),
        ("account_id=nosuch", "account_id: No account nosuch"),
        ("evnt_type=USER_LOGIN", "did you mean “event_type”?"),
        ("page=1&cursor=", "cursor"),
    ],
)
def test_wrong_parameters_are_400_in_nexmos_shape(program: Program, query: str, sentence: str) -> None:
    answer = program("alice").get(f"{EVENTS}?{query}")

    assert answer.status_code == 400
    told = answer.json()
    assert (told["status"], told["error"]) == (400, "BadRequest")
    assert sentence in told["message"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("447700900001", {1}),
        ("first webhook", {1}),
        ("webhook first", set()),  # a piece of the text, no words in any order
        ("-nothing", set()),
        ("type:USER_LOGIN", set()),
        (r"\"http\":\"https://example.com/first webhook\"", {1}),
        ("nul\0", set()),
    ],
)
def test_search_text_is_a_piece_of_the_event(
    account: NexmoAccount, add_event: Add, program: Program, text: str, found: set[int]
) -> None:
    add_event(account, 1, context={"msisdn": "447700900001", "http": "https://example.com/first webhook"})
    add_event(account, 2, context={"msisdn": "447700900002"}, event_type="USER_LOGIN")

    answer = program("alice").get(EVENTS, {"search_text": text})

    assert answer.status_code == 200
    assert set(ids_of(answer)) == {event_json(number)["id"] for number in found}


def test_comma_lists_and_the_lists_other_filters(account: NexmoAccount, add_event: Add, program: Program) -> None:
    for number, event_type in enumerate(("USER_LOGIN", "USER_LOGOUT", "NUMBER_ASSIGN"), start=1):
        add_event(account, number, event_type=event_type, source_country="ES" if number == 2 else "GB")
    client = program("alice")

    assert len(ids_of(client.get(f"{EVENTS}?event_type=USER_LOGIN,USER_LOGOUT"))) == 2
    assert len(ids_of(client.get(f"{EVENTS}?event_type=USER_LOGIN%2CUSER_LOGOUT&source_country=ES"))) == 1


def test_options_lists_types(account: NexmoAccount, add_event: Add, program: Program) -> None:
    EventType.objects.create(code="ESIM_ACTIVATE", description="eSIM activated", listed_at=NOON)
    types = program("alice").options(EVENTS).json()["eventTypes"]

    assert {"type": "ESIM_ACTIVATE", "description": "eSIM activated"} in types
    assert {"type": "NUMBER_ASSIGN", "description": "Number assigned"} in types


def test_one_event(account: NexmoAccount, other: NexmoAccount, program: Program) -> None:
    raw = json.dumps(event_json(1), indent=3)
    add_raw(account, raw)
    client, event_id = program("alice"), event_json(1)["id"]

    assert client.get(f"{EVENTS}/{event_id}").content.decode() == raw
    missing = client.get(f"{EVENTS}/no/such%00id")
    assert missing.status_code == 404
    assert missing.json()["message"].endswith("was not found")
    add_raw(other, raw)
    assert client.get(f"{EVENTS}/{event_id}").status_code == 409
    assert client.get(f"{EVENTS}/{event_id}?account_id=demo0002").status_code == 200


@pytest.mark.parametrize("path", [EVENTS, f"{EVENTS}/x", "/api/v1/events", "/api/v1/findings/1/acknowledge"])
def test_other_methods_are_405_with_allow(program: Program, path: str) -> None:
    client = program("alice")
    wrong = "GET" if path.endswith("acknowledge") else "DELETE"
    answer = client.generic(wrong, path)

    assert answer.status_code == 405
    assert answer.headers["Allow"]
    assert answer.json()["status"] == 405


def test_nothing_is_there_in_each_shape(program: Program) -> None:
    client = program("alice")
    nexmos, ours = client.get("/beta/audit/nonsense"), client.get("/api/v2/events")

    assert (nexmos.status_code, nexmos.json()["error"]) == (404, "Not Found")
    assert (ours.status_code, ours.headers["Content-Type"]) == (404, "application/problem+json")


def test_head_has_no_body_and_the_same_length(account: NexmoAccount, add_event: Add, program: Program) -> None:
    add_event(account, 1)
    client = program("alice")
    whole, head = client.get(EVENTS), client.head(EVENTS)

    assert head.content == b""
    assert head.headers["Content-Length"] == str(len(whole.content))
    assert head.headers["ETag"] == whole.headers["ETag"]


def test_what_a_client_has_already_is_not_sent_again(account: NexmoAccount, add_event: Add, program: Program) -> None:
    add_event(account, 1)
    client = program("alice")
    tag = client.get(EVENTS).headers["ETag"]
    known = client.get(EVENTS, headers={"If-None-Match": tag})
    add_event(account, 2)

    assert (known.status_code, known.content) == (304, b"")
    assert client.get(EVENTS, headers={"If-None-Match": tag}).status_code == 200


def test_answers_are_compressed_for_programs_only(account: NexmoAccount, program: Program) -> None:
    add_many(account, range(10))
    client = program("alice")
    plain = client.get(EVENTS).content
    packed = client.get(EVENTS, headers={"Accept-Encoding": "gzip"})
    in_browser = client.get(EVENTS, headers={"Accept-Encoding": "gzip", "Sec-Fetch-Site": "cross-site"})

    assert gzip.decompress(packed.content) == plain
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.content) < len(plain)
    assert in_browser.content == plain


@pytest.mark.django_db(transaction=True)
def test_our_own_client_and_sync_work_against_our_own_site(
    cast: Any, make_token: Any, live_server: Any, settings: Any
) -> None:
    """One site archives what another has archived: nothing but address and credentials differ."""
    source = NexmoAccount.objects.get(api_key="demo0001")
    add_many(source, range(250), user_email="zoe@example.com")
    add_many(source, [900], created_at="2019-01-01T00:00:00")
    given: Credentials = make_token("alice", accounts=["demo0001"])
    settings.NEXMO_AUDIT_URL = f"{live_server.url}/beta/audit"
    settings.NEXMO_REQUESTS_PER_SECOND = 0
    mirror = NexmoAccount.objects.create(
        owner=cast["charlie"], name="Mirror", api_key=given.identifier, api_secret=given.secret
    )

    run = sync_account(mirror)

    assert run is not None and run.status == "succeeded", run and run.problem
    raws = [set(AuditEvent.objects.filter(account=each).values_list("raw", flat=True)) for each in (source, mirror)]
    assert raws[0] == raws[1]
    assert len(raws[1]) == 251
    with AuditClient(given.identifier, (given.secret,), settings.NEXMO_AUDIT_URL, pacer=Pacer(0)) as client:
        assert any(known.code == "NUMBER_ASSIGN" for known in client.event_types())
        event = client.list_events(event_types=("NUMBER_UPDATED",), date_to=NOON, size=1).events[0]
        assert client.get_event(event.event_id).raw == event.raw
        with pytest.raises(errors.NotFound):
            client.get_event("none")
    with (
        AuditClient(given.identifier, ("wrong",), settings.NEXMO_AUDIT_URL, pacer=Pacer(0)) as stranger,
        pytest.raises(errors.CredentialsRefused),
    ):
        stranger.list_events()
    # As scripts for Nexmo do it.
    plain = requests.get(f"{settings.NEXMO_AUDIT_URL}/events", auth=(given.identifier, given.secret), timeout=10)
    assert len(plain.json()["_embedded"]["events"]) == 30
