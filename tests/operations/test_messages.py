"""What stands in the queue is data: a pickle that somebody planted there is refused and never read."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from events.operations import queue
from events.operations.messages import Refused, SignedJSON
from tests.tools.services import REDIS, need_redis, postgres_database


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


def huey_of(kind: str, tmp_path: Path) -> Iterator[Any]:
    if kind == "sqlite":
        yield queue.make_queue(f"sqlite:///{tmp_path}/queue.sqlite3")
    elif kind == "postgres":
        with postgres_database() as url:
            huey = queue.make_queue(url)
            huey.storage.initialize_schema()
            try:
                yield huey
            finally:
                huey.storage.close()
    else:
        need_redis(REDIS)
        yield queue.make_queue(REDIS)
        need_redis(REDIS)


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def huey(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    yield from huey_of(request.param, tmp_path)


def work(huey: Any) -> None:
    """What a worker does with everything that waits, without its threads."""
    worker = Consumer(huey, workers=1, periodic=False)._create_worker()
    worker.sleep = lambda: None
    huey.storage.blocking = True  # in the sense of `loop`: it does not sleep
    huey.storage.read_timeout = 0.01
    while huey.pending_count():
        worker.loop()


def test_planted_pickle_is_refused_and_logged_and_never_run(
    huey: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []
    task = huey.task(name="count")(calls.append)
    harmful = pickle.dumps(Bomb(tmp_path / "ran"))
    message = Message("1", "tests.operations.test_messages.count", args=(9,), kwargs={})
    harmless_looking = Serializer().serialize(message)
    for planted in (harmful, harmless_looking, b"", b"\xff\x00", b'{"id": "1"}', b'{"id": "1"}:signature'):
        huey.storage.enqueue(planted)
    task(1)

    work(huey)

    assert not (tmp_path / "ran").exists()
    assert calls == [1]
    assert caplog.text.count("was not written by this site") >= 5


def test_planted_revocation_runs_nothing(tmp_path: Path) -> None:
    huey = queue.make_queue(f"sqlite:///{tmp_path}/queue.sqlite3")
    task = huey.task(name="count")(lambda number: None)
    for key in huey._revoke_keys(task.s(1)):
        huey.storage.put_data(key, pickle.dumps(Bomb(tmp_path / "ran")))
    task(1)

    work(huey)

    assert not (tmp_path / "ran").exists()


def test_what_is_queued_is_text_without_pickles(huey: Any) -> None:
    huey.task(name="count")(lambda number: None)(5)
    (stored,) = [bytes(message) for message in huey.storage.enqueued_items()]
    assert b'"args": [5]' in stored
    assert not stored.startswith(b"\x80")


def test_message_signed_with_another_key_is_refused(settings: Any) -> None:
    message = Message("1", "a.task", args=(1,), kwargs={}, retries=0, retry_delay=0)
    written = SignedJSON().serialize(message)
    assert SignedJSON().deserialize(written)[:4] == ("1", "a.task", None, 0)
    settings.SECRET_KEY = "another-key-0123456789-abcdefghijklmnopqrstuvwxyz"
    with pytest.raises(Refused):
        SignedJSON().deserialize(written)


@pytest.mark.parametrize("thing", [object(), "text", Message("1", "a.task", eta=5), (None, True)])
def test_only_plain_calls_are_queued(thing: Any) -> None:
    with pytest.raises(TypeError, match="plain calls"):
        SignedJSON().serialize(thing)


def test_every_kind_of_queue_signs() -> None:
    for url in ("auto", "redis://127.0.0.1:9/0", "postgres://nobody@127.0.0.1:9/x", "memory:"):
        assert isinstance(queue.make_queue(url).serializer, SignedJSON)
