"""How many exports run at once, of a process and of a person."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client

from events.export import limits
from events.export.limits import PER_PERSON, LimitedStream, TooManyExports, take_place
from tests.tools.export import body
from tests.tools.scope import Login


@pytest.fixture(autouse=True)
def _nothing_runs(db: None, settings: Any) -> Iterator[None]:
    settings.EXPORTS_AT_ONCE = 4
    limits.gc.collect()
    limits._clear_abandoned()
    caches["default"].clear()
    yield
    caches["default"].clear()


def end(response: Any) -> None:
    """Close an answer as the server does when its reader is gone, without ending the test's transaction."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
        response.close()


def test_person_has_so_many_places_and_is_told_what_takes_them() -> None:
    places = [take_place(1, f"file-{number}") for number in range(PER_PERSON)]

    with pytest.raises(TooManyExports) as caught:
        take_place(1, "one-more")
    assert caught.value.names == ["file-0", "file-1"]
    take_place(2, "another person is not held up").release()

    places[0].release()
    take_place(1, "one-more").release()


def test_process_has_so_many_places(settings: Any) -> None:
    settings.EXPORTS_AT_ONCE = 1
    place = take_place(1, "file")

    with pytest.raises(TooManyExports) as caught:
        take_place(2, "file")
    assert caught.value.names == []

    place.release()
    place.release()
    first = take_place(2, "file")
    with pytest.raises(TooManyExports):
        take_place(3, "released twice is released once")
    first.release()


def test_place_that_is_thrown_away_is_taken_back(settings: Any) -> None:
    settings.EXPORTS_AT_ONCE = 1
    circle: list[Any] = [take_place(1, "file")]
    circle.append(circle)
    del circle

    take_place(1, "file").release()


def test_answer_that_is_thrown_away_and_closes_itself_gives_its_place_back(settings: Any) -> None:
    """As Python ends a generator that nobody reads on: its `finally` releases the place while it is collected."""
    settings.EXPORTS_AT_ONCE = 1

    def answer(circle: list[Any], place: limits.Place) -> Iterator[Any]:
        try:
            while True:
                yield circle
        finally:
            place.release()

    circle: list[Any] = []
    circle.append(answer(circle, take_place(1, "file")))
    next(circle[0])
    del circle

    take_place(2, "file").release()


@pytest.mark.parametrize("method", ["add", "touch", "delete"])
def test_trouble_of_the_cache_is_not_the_exports(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("gone")

    monkeypatch.setattr(caches["default"], method, fail)
    for user_pk in range(3 * PER_PERSON):
        place = take_place(user_pk, "file")
        place.next = 0
        place.renew()
        place.release()


def test_cache_that_adds_nothing_is_not_a_full_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches["default"], "add", lambda *_: False)  # as Django's own answers while SQLite is locked

    assert take_place(1, "file").key is None


def test_place_is_renewed_while_parts_come_and_expires_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    touched = []
    monkeypatch.setattr(caches["default"], "touch", lambda key, seconds: touched.append((key, seconds)))
    monkeypatch.setattr(limits, "RENEW_EVERY", 0.05)
    place = take_place(1, "file")
    stream = LimitedStream(iter("abcd"), place, lambda: None)

    next(stream)
    assert touched == []
    time.sleep(0.11)
    next(stream)
    next(stream)
    assert touched == [(place.key, limits.EXPIRES)]
    assert limits.EXPIRES > 3 * 30


# --- the pages ------------------------------------------------------------------------------------------------------


def test_third_export_of_a_person_is_refused_until_one_ends(login: Login, events: Any) -> None:
    client = login("alice")
    running = [client.get("/events/export.csv"), client.get("/accounts/demo0001/events/export.ndjson")]

    refused = client.get("/events/export.xlsx")
    assert (refused.status_code, refused["Retry-After"]) == (429, str(limits.RETRY_AFTER))
    assert "Content-Disposition" not in refused
    text = refused.content.decode()
    assert "auditsite-events_all_" in text
    assert "auditsite-events_quillfern-parcel_" in text
    assert body(login("charlie").get("/events/export.ndjson"))

    assert b"of-demo0001" in body(running[0])
    assert b"of-demo0001" in body(client.get("/events/export.csv"))
    end(running[1])


def test_process_without_room_says_when_to_try_again(login: Login, events: Any, settings: Any) -> None:
    settings.EXPORTS_AT_ONCE = 1
    running = login("charlie").get("/events/export.csv")

    refused = login("alice").get("/events/export.csv")
    assert (refused.status_code, refused["Retry-After"]) == (503, "10")
    assert "Try again in 10 seconds" in refused.content.decode()
    assert "auditsite-events" not in refused.content.decode(), "nothing of other people's exports"
    assert login("alice").head("/events/export.csv").status_code == 200

    end(running)
    assert body(login("alice").get("/events/export.csv"))


@pytest.mark.parametrize("kind", ["csv", "ndjson", "xlsx"])
def test_place_is_given_back_whatever_happens(
    login: Login, events: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    settings.EXPORTS_AT_ONCE = 1
    client = login("alice")
    address = f"/events/export.{kind}"

    assert body(client.get(address))
    end(client.get(address))
    begun = client.get(address)
    next(begun.streaming_content)
    end(begun)
    with monkeypatch.context() as patch:
        patch.setattr("events.views.export.count", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            client.get(address)
        patch.undo()
        for reading in ("views.export.stream_rows", "export.files.stream_rows", "export.files.stream_raw"):
            patch.setattr(f"events.{reading}", lambda *_: 1 / 0)
        client.raise_request_exception = False
        assert client.get(address).status_code == 500

    assert not limits._running
    assert not caches["default"].get_many([f"export-place:{_pk('alice')}:{number}" for number in range(PER_PERSON)])
    assert body(client.get(address))


def test_refusal_stands_where_the_reader_came_from(login: Login, events: Any, settings: Any) -> None:
    settings.EXPORTS_AT_ONCE = 0
    text = login("bob").get("/accounts/demo0001/events/export.csv").content.decode()

    assert 'href="/accounts/demo0001/events/"' in text
    assert Client().get("/events/export.csv").status_code == 302


def _pk(name: str) -> int:
    from django.contrib.auth import get_user_model

    return int(get_user_model().objects.get(username=name).pk)
