"""The sandbox over real HTTP on loopback: the API, events by hand, the control path, its life."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from events.sandbox import EVENT_TYPES, FAULTS, Sandbox, Switches, odd_events
from tests.tools.sandbox import NOON, START, Client, lend, small_sandbox

JWT = 'Full authentication is required. JWT was not found in "Authorization" HTTP header.'


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


# --- the API


def test_list_is_newest_first_and_pages_hold_every_event_once(sandbox: Sandbox, client: Client) -> None:
    ids: list[str] = []
    for number in range(1, client.listing(size=100).json()["page"]["totalPages"] + 1):
        ids += [row["id"] for row in client.rows(page=number)]
    expected = sandbox.accounts["demo0001"].events()
    assert ids == [event["id"] for event in expected]
    times = [event["created_at"] for event in expected]
    assert times == sorted(times, reverse=True)


def test_page_object_counts_from_one(sandbox: Sandbox, client: Client) -> None:
    total = len(sandbox.accounts["demo0001"].events())
    page = client.listing(page=2).json()["page"]
    assert page == {"size": 30, "totalElements": total, "totalPages": -(-total // 30), "number": 2}


def test_links_are_http_and_carry_page_size_and_filters(client: Client) -> None:
    links = client.listing().json()["_links"]
    assert links["self"]["href"] == "http://api.nexmo.com/beta/audit/events"
    assert links["next"]["href"] == "http://api.nexmo.com/beta/audit/events?page=2&size=30"
    assert set(links) == {"self", "next", "last"}
    links = client.listing(size=5, event_type="USER_LOGIN").json()["_links"]
    assert links["next"]["href"].endswith("?page=2&size=5&event_type=USER_LOGIN")


def test_embedded_is_absent_for_an_empty_account(sandbox: Sandbox, client: Client) -> None:
    client.session.auth = ("demo0005", "sandbox-secret-0005")
    body = client.listing().json()
    assert "_embedded" not in body
    assert body["page"] == {"size": 30, "totalElements": 0, "totalPages": 0, "number": 1}


def test_headers_are_those_of_the_real_service(client: Client) -> None:
    headers = client.options().headers
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in headers
    assert headers["Server"] == "nginx"
    assert len(headers["X-Nexmo-Trace-Id"]) == 32
    assert headers["Content-Disposition"] == 'attachment; filename="api.txt"'
    assert "ETag" not in headers and "Allow" not in headers


def test_options_lists_the_types(client: Client) -> None:
    types = client.options().json()["eventTypes"]
    assert {each["type"]: each["description"] for each in types} == EVENT_TYPES
    assert len(types) == 28 and types[0] == {"type": "USER_STATUS", "description": "User status updated"}


def test_one_event_is_bare_and_the_same_as_in_the_list(client: Client) -> None:
    row = client.rows(size=1)[0]
    assert client.one(row["id"]).json() == row


def test_unknown_id_is_404_in_the_documented_words(client: Client) -> None:
    response = client.one("nope")
    assert response.status_code == 404
    message = "Event with provided id: nope was not found"
    assert response.json() == {"status": 404, "error": "Not Found", "message": message}


@pytest.mark.parametrize("auth", [None, ("demo0001", "wrong"), ("nobody", "sandbox-secret-0001"), ("demo0002", "")])
def test_wrong_credentials_are_401(sandbox: Sandbox, auth: tuple[str, str] | None) -> None:
    response = requests.get(f"{sandbox.url}/events", auth=auth, timeout=60)
    assert response.status_code == 401
    assert response.json() == {"status": 401, "error": "Unauthorized", "message": JWT}


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !!!", "Basic ZGVtbzAwMDE="])
def test_malformed_authorization_is_401(sandbox: Sandbox, header: str) -> None:
    response = requests.get(f"{sandbox.url}/events", headers={"Authorization": header}, timeout=60)
    assert response.status_code == 401


def test_credentials_in_the_query_are_refused_and_not_logged(sandbox: Sandbox, client: Client) -> None:
    secret = "sandbox-secret-0001"  # noqa: S105 - made up
    response = client.listing(api_key="demo0001", api_secret=secret)
    assert response.status_code == 401 and "multiple-auth-methods" in response.text
    assert requests.get(f"{sandbox.url}/events", params={"api_secret": secret}, timeout=60).status_code == 401
    assert secret not in repr(list(sandbox.requests)[-2:])


def test_both_secrets_work_during_a_rotation(sandbox: Sandbox, client: Client) -> None:
    sandbox.set_secrets("demo0001", ["old", "new"])
    for secret, status in (("old", 200), ("new", 200), ("sandbox-secret-0001", 401)):
        client.session.auth = ("demo0001", secret)
        assert client.listing().status_code == status


def test_unknown_paths_are_404_and_other_methods_405(sandbox: Sandbox, client: Client) -> None:
    assert client.session.get(f"{sandbox.url}/nothing", timeout=60).status_code == 404
    assert client.session.post(f"{sandbox.url}/events", data="x", timeout=60).status_code == 405


# --- filters


def test_types_are_filtered_by_comma_list(client: Client) -> None:
    wanted = {"APP_CREATE", "APP_DELETE"}
    for given in (
        "APP_CREATE,APP_DELETE",
        " APP_CREATE , ,APP_DELETE,APP_CREATE,NO_SUCH",
        ["APP_CREATE", "APP_DELETE"],
    ):
        rows = client.rows(event_type=given)
        assert {row["event_type"] for row in rows} == wanted
    assert client.rows(event_type="app_create") == []
    assert len(client.rows(event_type=",".join(EVENT_TYPES))) == 100


@pytest.mark.parametrize("form", ["{}", "{}T00:00:00", "{}T00:00:00Z", "{}T00:00:00.000Z", "{}T01:00:00+01:00"])
def test_dates_are_taken_in_all_forms(sandbox: Sandbox, client: Client, form: str) -> None:
    days = {event["created_at"][:10] for event in sandbox.accounts["demo0001"].events()}
    day = sorted(days)[len(days) // 2]
    rows = client.rows(date_from=form.format(day), date_to=day)
    assert {row["created_at"][:10] for row in rows} == {day}


def test_bounds_are_inclusive_to_the_second(client: Client) -> None:
    when = client.rows(size=1)[0]["created_at"]
    assert client.rows(date_from=when, date_to=when)
    assert client.rows(date_from=when, date_to=when + "Z", event_type="NO_SUCH") == []
    assert client.rows(date_from="2030-01-01") == [] and client.rows(date_from="2026-02-01", date_to="2026-01-01") == []


@pytest.mark.parametrize("bad", ["yesterday", "2026-13-01", "2024-01-01T00:00:00 01:00", "20240101", "2026-02-30"])
def test_bad_dates_are_400(sandbox: Sandbox, client: Client, bad: str) -> None:
    response = client.listing(date_from=bad)
    assert response.status_code == 400
    assert response.json()["error"] == "BadRequest"
    sandbox.set_switches(bad_date="ignored")
    assert client.listing(date_from=bad).status_code == 200


def test_search_is_a_substring_of_the_json_whatever_its_case(sandbox: Sandbox, client: Client) -> None:
    rows = client.rows(search_text="MSISDN")
    assert rows and all("msisdn" in json.dumps(row) for row in rows)
    assert client.rows(search_text='"voice-type":"SIP"')
    for text in ("{}\\%_+&#\U0001f4f1", "x" * 2000, "%", "a.c"):
        assert client.rows(search_text=text) == []


def test_filters_narrow_each_other(client: Client) -> None:
    rows = client.rows(event_type="NUMBER_ASSIGN,APP_CREATE", search_text="447700900", date_to="2026-06-30")
    assert rows
    for row in rows:
        assert row["event_type"] == "NUMBER_ASSIGN" and row["created_at"] < "2026-07-01"


# --- events by hand


def test_added_events_appear_on_top(sandbox: Sandbox, client: Client) -> None:
    ids = sandbox.add_events("demo0001", 3)
    assert {row["id"] for row in client.rows(size=3)} == set(ids)
    for event_id in ids:
        sandbox.remove_event("demo0001", event_id)
    assert client.one(ids[0]).status_code == 404


def test_raw_text_is_served_verbatim(sandbox: Sandbox, client: Client) -> None:
    text = '{"id":"raw-1",  "user_id":1.0e2, "x":"\\ud83d\\ude00"}'
    assert sandbox.add_events("demo0002", text) == ["raw-1"]
    client.session.auth = ("demo0002", "sandbox-secret-0002")
    assert text in client.listing().text
    sandbox.remove_event("demo0002", "raw-1")


def test_replaced_event_keeps_its_place(sandbox: Sandbox, client: Client) -> None:
    before = client.rows()
    changed = {**before[5], "source_ip": "192.0.2.250"}
    sandbox.replace_event("demo0001", before[5]["id"], changed)
    assert client.rows() == [*before[:5], changed, *before[6:]]
    sandbox.replace_event("demo0001", before[5]["id"], before[5])


def test_late_event_takes_its_place_in_the_order(sandbox: Sandbox, client: Client) -> None:
    late = {"id": "late", "event_type": "USER_UPDATE", "created_at": "2026-01-01T00:00:00"}
    sandbox.add_events("demo0001", [late])
    assert client.rows(date_to="2026-01-01T00:00:00")[0] == late
    sandbox.remove_event("demo0001", "late")


def test_unknown_account_or_event_is_a_key_error(sandbox: Sandbox) -> None:
    with pytest.raises(KeyError):
        sandbox.add_events("nobody", 1)
    with pytest.raises(KeyError):
        sandbox.remove_event("demo0001", "nothing")


def test_odd_events_are_served_and_the_list_is_still_json() -> None:
    odd = odd_events(now=NOON)
    with Sandbox(events=0, accounts=1, now=lambda: NOON) as sandbox:
        sandbox.add_events("demo0001", odd)
        with Client(sandbox) as client:
            rows = client.rows()
    assert len(rows) == len(odd) > 75
    assert all(odd_events(number) for number in ("F39", "F40", "F41", "F42", "F43", "F44", "F45", "F47", "F52", "F57"))


def test_hook_runs_before_the_answer(sandbox: Sandbox, client: Client) -> None:
    added: list[str] = []
    sandbox.before_request = lambda request: added.extend(sandbox.add_events(request.api_key, 1))
    assert client.rows(size=1)[0]["id"] == added[0]
    sandbox.before_request = None
    sandbox.remove_event("demo0001", added[0])


def test_time_brings_new_events() -> None:
    now = NOON
    with Sandbox(events=20_000, start=START, now=lambda: now) as sandbox, Client(sandbox) as client:
        before = client.listing().json()["page"]["totalElements"]
        now = NOON + timedelta(days=2)
        assert client.listing().json()["page"]["totalElements"] > before


def test_requests_are_logged_without_the_secret(sandbox: Sandbox, client: Client) -> None:
    client.listing(page=2, size=10)
    logged = sandbox.requests[-1]
    assert (logged.method, logged.path, logged.api_key, logged.status) == (
        "GET",
        "/beta/audit/events",
        "demo0001",
        200,
    )
    assert logged.params == {"page": "2", "size": "10"}
    assert "sandbox-secret" not in repr(logged) and "sandbox-secret" not in repr(sandbox.accounts)


# --- control path


def test_control_path_changes_a_running_sandbox(sandbox: Sandbox, client: Client) -> None:
    def post(what: str, body: object) -> requests.Response:
        return requests.post(f"{sandbox.root}/control/{what}", json=body, timeout=60)

    ids = post("events", {"account": "demo0001", "count": 2}).json()["ids"]
    assert {row["id"] for row in client.rows(size=2)} == set(ids)
    assert post("events", {"account": "demo0001", "events": [{"id": "by-hand"}]}).json() == {"ids": ["by-hand"]}
    for event_id in (*ids, "by-hand"):
        sandbox.remove_event("demo0001", event_id)
    assert post("faults", {"faults": ["http-502"]}).status_code == 200 and client.listing().status_code == 502
    assert post("switches", {"max_size": 10}).status_code == 200 and len(client.rows()) == 10
    assert post("secrets", {"account": "demo0001", "secrets": ["other"]}).status_code == 200
    assert client.listing().status_code == 401
    state = requests.get(f"{sandbox.root}/control/state", timeout=60).json()
    assert state["switches"]["max_size"] == 10 and state["faults"][0]["struck"] == 1
    assert "other" not in json.dumps(state["accounts"])


def test_attack_now_is_listed_from_its_first_event_on(sandbox: Sandbox, client: Client) -> None:
    body = {"account": "demo0001", "pace": 100}
    attack = requests.post(f"{sandbox.root}/control/attack", json=body, timeout=60).json()
    (login,) = client.rows(size=1)
    assert (login["id"], login["event_type"], login["user_email"], login["source_country"]) == (
        attack["ids"][0], "USER_LOGIN", attack["user_email"], attack["source_country"],
    )  # fmt: skip
    assert len(attack["ids"]) == 44


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("faults", {"faults": ["nonsense"]}),
        ("faults", {}),
        ("faults", {"faults": "http-500"}),
        ("switches", {"nonsense": 1}),
        ("switches", {"max_size": [1]}),
        ("events", {"account": "nobody"}),
        ("events", {"account": "demo0001", "count": "two"}),
        ("secrets", [1]),
        ("attack", {}),
        ("attack", {"account": "nobody"}),
        ("attack", {"account": "demo0001", "pace": 0}),
        ("attack", {"account": "demo0001", "pace": 101}),
        ("attack", {"account": "demo0001", "pace": True}),
        ("attack", {"account": "demo0001", "pace": "fast"}),
    ],
)
def test_control_path_says_what_is_wrong(sandbox: Sandbox, what: str, body: object) -> None:
    response = requests.post(f"{sandbox.root}/control/{what}", json=body, timeout=60)
    assert response.status_code == 400 and response.json()["message"]


@pytest.mark.parametrize("depth", [300, 480, 490, 700, 900, 950, 970, 980, 990, 1_000, 100_000])
def test_depth_of_a_body_never_costs_the_answer(depth: int) -> None:
    text = '{"id":"deep","context":' + '{"a":' * depth + "1" + "}" * depth + "}"
    with Sandbox(events=0, accounts=1) as sandbox, Client(sandbox) as client:
        body = f'{{"account":"demo0001","events":[{text}]}}'
        response = requests.post(f"{sandbox.root}/control/events", data=body, timeout=60)
        assert response.status_code == 200 if depth < 400 else response.status_code in (200, 400)
        assert response.status_code == 200 or "nested too deeply" in response.json()["message"]
        # As text it is served whatever its depth, and everything that looks at it still answers.
        sandbox.add_events("demo0001", [text])
        assert text in client.listing().text
        sandbox.set_switches(search_scope="context")
        assert client.listing(search_text="a").status_code == 200
        assert client.listing(fault="altered-event").status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "audit.example.net"}, {"Host": ""}, {"Origin": "http://127.0.0.1"}])
def test_control_path_refuses_other_hosts_and_browsers(sandbox: Sandbox, headers: dict[str, str]) -> None:
    for method, what in (("POST", "events"), ("GET", "state")):
        response = requests.request(method, f"{sandbox.root}/control/{what}", headers=headers, timeout=60)
        assert response.status_code == 403


def test_added_events_are_kept_for_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "kept.ndjson"
    options: dict[str, Any] = {"accounts": 1, "events": 300, "start": START, "keep": file}
    first = Sandbox(now=lambda: NOON, **options)
    first.add_events("demo0001", 1)
    first.add_events("demo0001", [{"id": "by-hand \ud800"}, "no JSON"])
    attack = first.attack("demo0001", pace=10)
    before = [row.body for row in first.accounts["demo0001"].store.rows]
    again = Sandbox(now=lambda: NOON, **options)
    assert [row.body for row in again.accounts["demo0001"].store.rows] == before
    later = Sandbox(now=lambda: NOON + timedelta(minutes=5), **options)
    listed = {event.get("id") for event in later.accounts["demo0001"].events()}
    assert listed >= {*attack.event_ids, "by-hand \ud800"}
    assert Sandbox(now=lambda: NOON, **options | {"keep": tmp_path / "none"}).attack("demo0001").event_ids


def test_file_that_keeps_other_things_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kept.ndjson"
    file.write_text("[]\n")
    with pytest.raises(ValueError, match="line 1, holds no event"):
        Sandbox(accounts=1, events=0, keep=file)


# --- life


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert sandbox._server is not None
    assert sandbox._server._http.server_address[0] == "127.0.0.1"


def test_stopped_sandbox_refuses_connections_and_can_start_again() -> None:
    sandbox = Sandbox(events=0, accounts=1)
    with Client(sandbox) as client:
        with sandbox:
            assert client.listing().status_code == 200
        with pytest.raises(requests.ConnectionError):
            client.listing()
        with sandbox:
            assert client.listing().status_code == 200


def test_stop_does_not_wait_for_slow_answers() -> None:
    with Sandbox(events=0, accounts=1, faults=["slow-answer"]) as sandbox:
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
        connection.request("GET", "/beta/audit/events")
        time.sleep(0.1)
        begin = time.monotonic()
    assert time.monotonic() - begin < 2
    connection.close()


def test_latency_delays_every_answer() -> None:
    with Sandbox(events=0, accounts=1, latency_ms=120) as sandbox, Client(sandbox) as client:
        begin = time.monotonic()
        client.listing()
        assert time.monotonic() - begin >= 0.12


def test_many_pages_a_second_on_one_connection() -> None:
    with Sandbox(events=20_000, accounts=1, start=START, now=lambda: NOON) as sandbox:
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
        headers = {"Authorization": "Basic ZGVtbzAwMDE6c2FuZGJveC1zZWNyZXQtMDAwMQ=="}
        begin = time.process_time()
        for page in range(1, 201):
            connection.request("GET", f"/beta/audit/events?size=100&page={page}", headers=headers)
            assert len(connection.getresponse().read()) > 10_000
        assert time.process_time() - begin < 2  # some 0.2 s, both ends together; generous, for shared machines
        connection.close()


def test_every_switch_and_fault_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    for name in Switches.names():
        assert f"| `{name}` |" in page, name
    for name, fault in FAULTS.items():
        assert f"| `{name}` | {fault.number} |" in page, name
