"""What a thread of the web server writes to: who does not read is given up, and an answer arrives in its order."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from auditsite.server import outlet
from auditsite.server.outlet import Outlet

Pair = tuple[Outlet, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """An outlet, and its client's end."""
    server, client = socket.socketpair()
    server.setblocking(False)
    client.settimeout(10)
    with server, client:
        yield Outlet(server, lambda: None), client


def test_what_is_cut_arrives_no_more_and_the_client_learns_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        client.settimeout(10)
        server, _ = listener.accept()
        server.setblocking(False)
        out = Outlet(server, lambda: None)
        fill(out)

        out.cut()
        server.close()

        assert (out.pending, out.broken) == (0, True)
        with pytest.raises(BrokenPipeError):
            out.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            while client.recv(65_536):
                pass


def fill(out: Outlet) -> None:
    """Write until a thread would wait."""
    while out.pending <= outlet.HIGH:
        out.sendall(b"x" * 100_000)


def test_everything_arrives_in_its_order(pair: Pair) -> None:
    out, client = pair
    pieces = [bytes([number]) * 50_000 for number in range(200)]
    writer = threading.Thread(target=lambda: [out.sendall(piece) for piece in pieces])
    writer.start()

    received = b""
    while len(received) < 10_000_000:
        out.flush()
        received += client.recv(1_000_000)
    writer.join(60)

    assert not writer.is_alive()
    assert received == b"".join(pieces)
    assert out.pending == 0


def test_page_is_taken_whole_without_a_reader(pair: Pair) -> None:
    out, _ = pair
    out.sendall(b"x" * 3_000_000)
    assert out.pending > outlet.HIGH


@pytest.mark.parametrize("take", [0, outlet.LEAST // 2])
def test_reader_that_takes_next_to_nothing_is_given_up_and_its_thread_freed(pair: Pair, take: int) -> None:
    out, client = pair
    fill(out)
    errors: list[OSError] = []

    def write() -> None:
        try:
            out.sendall(b"more")
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.1)
    assert thread.is_alive()
    out.check(out.checked + outlet.WITHIN - 1)
    assert not out.broken
    out.taken = take
    out.check(out.checked + outlet.WITHIN + 1)
    thread.join(60)

    assert out.broken
    assert [type(error) for error in errors] == [BrokenPipeError]
    with pytest.raises(BrokenPipeError):
        out.sendall(b"more")


def test_slow_reader_that_goes_on_is_kept(pair: Pair) -> None:
    out, client = pair
    fill(out)
    now = out.checked
    for _ in range(5):
        for _ in range(10):
            client.recv(outlet.LEAST)
            out.flush()
        now += outlet.WITHIN + 1
        out.check(now)
        assert not out.broken
    assert out.pending


def test_client_that_is_gone_ends_the_writing(pair: Pair) -> None:
    out, client = pair
    client.close()
    with pytest.raises(BrokenPipeError):
        for _ in range(10):
            out.sendall(b"x" * 100_000)
