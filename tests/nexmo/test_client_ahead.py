"""Asking for the next page while the last one is at work."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from events.nexmo import errors
from tests.tools.client import EMPTY_LIST, SECOND, SECRET, Faked, Make, Waits, asked

ALL: dict[str, Any] = {"size": 100, "date_from": None, "date_to": None}


def pages_asked(faked: Faked) -> list[str]:
    return [asked(request)["page"] for request in faked.requests]


def test_a_page_read_ahead_is_asked_for_once(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    client = make()
    client.read_ahead(page=2, **ALL)
    client.list_events(page=2)
    client.list_events(page=2)
    assert pages_asked(faked) == ["2", "2"]
    assert client.requests_made == 2


def test_another_page_is_not_taken_for_the_one_read_ahead(faked: Faked, make: Make) -> None:
    counted: list[int] = []
    first, second = (EMPTY_LIST.replace(":0,", f":{total},", 1) for total in (7, 8))
    faked.answer(first, second)
    client = make(on_answer=counted.append)
    client.read_ahead(page=2, **ALL)
    assert client.list_events(page=3).total == 8
    assert pages_asked(faked) == ["2", "3"]
    assert counted == [200, 200]


@pytest.mark.parametrize("trouble", [503, ConnectionError("reset"), (429, "{}")])
def test_a_fault_ahead_is_as_any_other(trouble: Any, faked: Faked, make: Make, waits: Waits) -> None:
    statuses: list[int] = []
    faked.answer(trouble, EMPTY_LIST)
    client = make(attempts=2, on_answer=statuses.append)
    client.read_ahead(page=2, **ALL)
    assert waits.seconds == []
    assert client.list_events(page=2).total == 0
    assert len(waits.seconds) == 1  # before the second attempt
    assert statuses == [trouble[0] if isinstance(trouble, tuple) else trouble if trouble == 503 else 0, 200]


def test_a_secret_refused_ahead_gives_way_to_the_other(faked: Faked, make: Make) -> None:
    faked.answer(401, EMPTY_LIST)
    client = make(secrets=[SECRET, SECOND])
    client.read_ahead(page=2, **ALL)
    assert client.list_events(page=2).total == 0
    assert len(set(faked.credentials)) == 2


def test_the_pace_holds_for_what_is_read_ahead(faked: Faked, make: Make, waits: Waits) -> None:
    class Slow:
        def delay(self) -> float:
            return 1.5

    faked.answer(EMPTY_LIST)
    client = make(pacer=Slow())
    client.read_ahead(page=2, **ALL)
    client.list_events(page=2)
    assert waits.seconds == [1.5]


def test_whoever_stops_is_told_at_the_answer(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(EMPTY_LIST)
    client = make()
    waits.set()
    client.read_ahead(page=2, **ALL)
    with pytest.raises(errors.Stopped):
        client.list_events(page=2)
    assert faked.requests == []
    assert client.requests_made == 0


def test_closing_waits_for_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_now, answer = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        asked_now.set()
        answer.wait(30)
        raise OSError

    client = make()
    monkeypatch.setattr(client._session, "request", slow)
    client.read_ahead(page=2, **ALL)
    assert asked_now.wait(30)
    closing = threading.Thread(target=client.close)
    closing.start()
    closing.join(30)
    still_waiting = closing.is_alive()
    answer.set()
    assert not still_waiting


def test_nothing_is_sent_after_closing(faked: Faked, make: Make) -> None:
    may_send = threading.Event()

    class Pace(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            may_send.wait(30)
            return False

    class Slow:
        def delay(self) -> float:
            return 1.5

    client = make(pacer=Slow(), stop=Pace())
    client.read_ahead(page=2, **ALL)
    ahead = client._ahead
    client.close()
    may_send.set()
    assert ahead is not None
    with pytest.raises(errors.Stopped):
        ahead[1].result(30)
    assert faked.requests == []
    assert client.requests_made == 0


def test_answer_that_nobody_takes_up_is_counted(faked: Faked, make: Make) -> None:
    statuses: list[int] = []
    faked.answer(503)
    client = make(on_answer=statuses.append)
    client.read_ahead(page=2, **ALL)
    assert client._ahead is not None
    client._ahead[1].result(30)
    client.close()
    assert statuses == [503]


def test_clock_of_an_answer_stays_when_the_next_one_fails(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST, headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})
    faked.answer(ConnectionError("reset"))
    client = make(attempts=1)
    client.list_events()
    before = client.server_time
    with pytest.raises(errors.Unavailable):
        client.list_events(page=2)
    assert client.server_time == before is not None


def test_clocks_of_answers_are_not_mixed(faked: Faked, make: Make) -> None:
    for day in ("01", "02"):
        faked.answer(EMPTY_LIST, headers={"Date": f"Thu, {day} Jan 2026 00:00:00 GMT"})
    client = make()
    first = client.list_events(page=1)
    client.read_ahead(page=2, **ALL)
    assert client.server_time == first.sent_at
    second = client.list_events(page=2)
    assert (first.sent_at.day, second.sent_at.day) == (1, 2)  # type: ignore[union-attr]
