"""Every fault of the sandbox, over real HTTP on loopback."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from events.sandbox import FAULTS, FaultSpec, Sandbox, odd_events
from tests.tools.sandbox import NOON, START, Client, lend, small_sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with small_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(running: Sandbox) -> Iterator[Client]:
    yield from lend(running)


@pytest.fixture
def sandbox(client: Client) -> Sandbox:
    return client.sandbox


def test_fault_strikes_its_page_once_and_then_never(sandbox: Sandbox, client: Client) -> None:
    sandbox.set_faults("rate-limit@page=3")
    statuses = [client.listing(page=page).status_code for page in (1, 2, 3, 3, 4, 3)]
    assert statuses == [200, 200, 429, 200, 200, 200]


@pytest.mark.parametrize(
    ("spec", "statuses"),
    [
        ("http-503@times=2", [503, 503, 200, 200, 200, 200]),
        ("http-503@times=always", [503] * 6),
        ("http-503@after=2", [200, 200, 503, 200, 200, 200]),
        ("http-503@every=2,times=always", [503, 200, 503, 200, 503, 200]),
        ("http-503@account=demo0002", [200] * 6),
        ("http-503@on=options", [200] * 6),
        ("unauthorized", [401] * 6),
    ],
)
def test_keys_say_which_requests_are_struck(sandbox: Sandbox, client: Client, spec: str, statuses: list[int]) -> None:
    sandbox.set_faults(spec)
    assert [client.listing(size=1).status_code for _ in range(6)] == statuses
    sandbox.clear_faults()
    assert client.listing(size=1).status_code == 200


@pytest.mark.parametrize("spec", ["nonsense", "http-500@", "http-500@when=now", "http-500@page=x", "http-500@on=x"])
def test_bad_faults_are_refused_with_the_allowed_names(spec: str) -> None:
    if spec == "http-500@":
        assert FaultSpec.parse(spec).name == "http-500"
        return
    with pytest.raises(ValueError, match="faults are|keys|number|one of"):
        FaultSpec.parse(spec)


_STATUS = {
    "unauthorized": 401, "unauthorized-missing": 401, "unauthorized-rfc7807": 401, "multiple-auth": 401,
    "forbidden": 403, "forbidden-unprovisioned": 403, "forbidden-ip": 403, "forbidden-suspended": 403,
    "forbidden-html": 403, "not-found-list": 404, "not-found-html": 404, "bad-request": 400,
    "bad-request-rfc7807": 400, "bad-request-text": 400, "bad-request-short": 400, "wrong-verb": 405,
    "not-acceptable": 406, "unprocessable": 422, "http-408": 408, "http-425": 425, "http-500": 500,
    "http-500-rfc7807": 500, "http-502": 502, "http-503": 503, "http-503-retry": 503, "http-504": 504,
    "ok-html": 200,
    "ok-text": 200, "ok-empty": 200, "ok-null": 200, "ok-array": 200, "ok-number": 200, "ok-object": 200,
    "ok-error": 200,
    "list-204": 204, "redirect-http": 302, "redirect-host": 307, "redirect-login": 302,
}  # fmt: skip


@pytest.mark.parametrize(("name", "status"), _STATUS.items())
def test_fault_has_its_status_and_the_next_request_is_well(client: Client, name: str, status: int) -> None:
    assert client.listing(name).status_code == status
    assert client.listing(size=1).json()["_embedded"]


def test_rate_limit_faults_differ_in_their_hint(client: Client) -> None:
    hints = {name: client.listing(name).headers.get("Retry-After") for name in FAULTS if name.startswith("rate-limit")}
    assert (
        hints["rate-limit"] == "1" and hints["rate-limit-absurd"] == "999999999" and hints["rate-limit-empty"] is None
    )
    assert str(hints["rate-limit-date"]).endswith("GMT") and hints["rate-limit-no-hint"] is None
    assert client.listing("rate-limit@seconds=7").headers["Retry-After"] == "7"
    assert client.listing("rate-limit-empty").content == b""


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("reset", requests.ConnectionError),
        ("disconnect", requests.ConnectionError),
        ("truncated", requests.exceptions.ChunkedEncodingError),
        ("reset-midway", (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)),
        ("truncated-json", ValueError),
        ("ok-html", ValueError),
        ("ok-empty", ValueError),
        ("bom", ValueError),
    ],
)
def test_broken_answers_break_and_the_next_is_well(client: Client, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        client.listing(name, size=100).json()
    assert len(client.rows()) == 100


def test_reset_is_a_reset_and_disconnect_an_end(sandbox: Sandbox) -> None:
    for name, error in (("reset", ConnectionResetError), ("disconnect", http.client.RemoteDisconnected)):
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
        connection.request("GET", "/beta/audit/events", headers={"X-Sandbox-Fault": name})
        with pytest.raises(error) as caught:
            connection.getresponse()
        assert type(caught.value) is error
        connection.close()


def test_slow_faults_are_slow(client: Client) -> None:
    for name in ("slow-answer@seconds=0.3", "slow-body@seconds=0.3"):
        begin = time.monotonic()
        assert client.listing(name).json()["_embedded"]
        assert time.monotonic() - begin >= 0.25


def test_status_line_may_lack_its_reason(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port or 0), timeout=60) as raw:
        raw.sendall(b"GET /beta/audit/events HTTP/1.0\r\nX-Sandbox-Fault: no-reason\r\n\r\n")
        assert raw.recv(64).startswith(b"HTTP/1.1 401\r\n")


def test_encodings(client: Client) -> None:
    plain = client.listing().json()
    assert client.listing("gzip").json() == plain and client.listing("gzip").headers["Content-Encoding"] == "gzip"
    assert json.loads(client.listing("bom").content.decode("utf-8-sig")) == plain
    assert json.loads(client.listing("utf-16").content.decode("utf-16")) == plain
    assert "ISO-8859-1" in client.listing("wrong-charset").headers["Content-Type"]
    assert "," in client.listing("duplicate-headers").headers["X-Nexmo-Trace-Id"]
    client.session.auth = ("demo0001", "sandbox-secret-0001")
    with pytest.raises(UnicodeDecodeError):
        client.listing("latin-1", search_text="é", event_type="APP_CREATE").content.decode()


def test_shapes(client: Client) -> None:
    body = client.listing().json()
    assert "_embedded" not in client.listing("no-embedded").json()
    assert client.listing("embedded-no-events").json()["_embedded"] == {}
    assert client.listing("embedded-null").json()["_embedded"] == {"events": None}
    assert client.listing("embedded-empty").json()["_embedded"] == {"events": []}
    assert "page" not in client.listing("no-page").json() and "_links" not in client.listing("no-links").json()
    assert client.listing("numbers-as-text").json()["page"]["totalPages"] == str(body["page"]["totalPages"])
    assert client.listing("zero-based").json()["page"]["number"] == 0
    assert client.listing("page-key").json()["page"]["page"] == 1
    assert (
        client.listing("totals-change@rows=5", page=2).json()["page"]["totalElements"]
        == body["page"]["totalElements"] + 5
    )
    assert len(client.listing("short-page@rows=4").json()["_embedded"]["events"]) == 26
    assert client.listing("repeated-page", page=2).json()["_embedded"] == body["_embedded"]
    assert len(client.listing("unasked-events", event_type="APP_CREATE", size=30).json()["_embedded"]["events"]) == 30
    duplicate = client.listing("duplicate-id").json()["_embedded"]["events"]
    assert duplicate[0]["id"] == duplicate[-1]["id"] and duplicate[0] != duplicate[-1]
    altered = client.listing("altered-event").json()["_embedded"]["events"][0]
    assert altered != body["_embedded"]["events"][0] and altered["id"] == body["_embedded"]["events"][0]["id"]


def test_rows_shift_both_ways() -> None:
    with Sandbox(events=600, accounts=1, start=START, now=lambda: NOON) as sandbox, Client(sandbox) as client:
        sandbox.set_faults("shift-insert@rows=2")
        first, second = client.rows(page=1), client.rows(page=2)
        assert [row["id"] for row in first[-2:]] == [row["id"] for row in second[:2]]
        sandbox.set_faults("shift-delete@rows=2")
        order = [event["id"] for event in sandbox.accounts["demo0001"].events()]
        first, second = client.rows(page=1), client.rows(page=2)
        seen = {row["id"] for row in first + second}
        assert [event_id for event_id in order[:202] if event_id not in seen] == order[100:102]


def test_late_and_simultaneous_and_odd_events_appear() -> None:
    with Sandbox(events=600, accounts=1, start=START, now=lambda: NOON) as sandbox, Client(sandbox) as client:
        total = client.listing().json()["page"]["totalElements"]
        assert client.listing("late-events").json()["page"]["totalElements"] == total + 2
        body = client.listing("same-second", size=100).json()
        assert body["page"]["totalElements"] == total + 152
        assert len({row["created_at"] for row in body["_embedded"]["events"]}) == 1
        assert client.listing("odd-events").json()["page"]["totalElements"] == total + 152 + len(odd_events())


def test_revoked_secret_stays_revoked(sandbox: Sandbox, client: Client) -> None:
    sandbox.set_secrets("demo0001", ["sandbox-secret-0001", "second"])
    sandbox.set_faults("secret-revoked@page=2")
    assert [client.listing(page=page).status_code for page in (1, 2, 2, 1)] == [200, 401, 401, 401]
    client.session.auth = ("demo0001", "second")
    assert client.listing().status_code == 200


def test_redirect_goes_where_the_switch_says(client: Client) -> None:
    client.sandbox.set_switches(redirect_target="http://127.0.0.1:9")
    assert client.listing("redirect-host").headers["Location"] == "http://127.0.0.1:9/beta/audit/events"


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_answers_every_kind_of_request_without_failing(sandbox: Sandbox, name: str) -> None:
    """No fault may break the sandbox itself, whatever it is applied to, here without credentials too."""
    for method, path in (("GET", ""), ("OPTIONS", ""), ("GET", "/nope")):
        answer = sandbox.respond(method, f"/beta/audit/events{path}", {"page": ["2"]}, "", name)
        assert answer.status or answer.transport


def test_every_fault_carries_its_number() -> None:
    covered = {number for fault in FAULTS.values() for number in fault.number.replace("-", ", ").split(", ")}
    by_fault = {f"F{number:02d}" for number in (*range(2, 5), *range(6, 29), 30, 31, *range(34, 40), 45, 47, 51, 56)}
    assert by_fault <= covered
