"""Where a thread of the web server writes its answer: sent at once as far as the client takes it, later by the loop."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HIGH = 1_048_576  # bytes that may wait before the thread does: more than any page or static file of ours
# A client must take so many bytes in so many seconds while any wait for it.
LEAST, WITHIN = 16_384, 60.0


class Outlet:
    """The part of a socket that gunicorn writes to. The socket never blocks; a thread waits on a condition instead."""

    def __init__(self, client_socket: socket.socket, wake: Callable[[], None]) -> None:
        self.socket, self.wake = client_socket, wake
        self.room = threading.Condition()
        self.parts: deque[memoryview] = deque()
        self.pending = 0  # bytes
        self.broken = False
        self.taken = 0  # bytes since the last check
        self.checked = time.monotonic()

    def sendall(self, data: bytes) -> None:
        """Raises BrokenPipeError when the client is gone or has stopped taking anything."""
        with self.room:
            while self.pending > HIGH and not self.broken:
                self.room.wait()  # the loop sends, or gives the client up
            if self.broken:
                raise BrokenPipeError(errno.EPIPE, "the client is gone")
            if not data:
                return
            if not self.pending:
                self.taken, self.checked = 0, time.monotonic()
            self.parts.append(memoryview(data))
            self.pending += len(data)
            waited = self.pending > len(data)
            self._send()
            if self.pending and not waited:
                self.wake()

    send = sendall

    def flush(self) -> None:
        """From the loop: the socket takes something."""
        with self.room:
            self._send()

    def check(self, now: float) -> None:
        """From the loop, now and then: give up a client that takes nothing, or next to nothing."""
        with self.room:
            if not self.pending or now - self.checked < WITHIN:
                return
            if self.taken < LEAST:
                self._give_up()
            self.taken, self.checked = 0, now

    def abort(self) -> None:
        """The connection is closed, or is to be."""
        with self.room:
            self._give_up()

    def cut(self) -> None:
        """Nothing more is to be sent, not even what waits; the client gets a reset when the socket is closed, without
        which an answer that has no length would look whole."""
        with self.room:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._give_up()

    def _send(self) -> None:
        try:
            while self.parts:
                sent = self.socket.send(self.parts[0])
                self.pending -= sent
                self.taken += sent
                if sent < len(self.parts[0]):
                    self.parts[0] = self.parts[0][sent:]
                else:
                    self.parts.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._give_up()
            return
        if self.pending <= HIGH:
            self.room.notify_all()

    def _give_up(self) -> None:
        self.broken, self.pending = True, 0
        self.parts.clear()
        self.room.notify_all()

    # What else gunicorn does to a socket after an answer that broke off or a request that it refuses: the loop closes.

    def gettimeout(self) -> float:
        return 0.0

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def shutdown(self, how: int) -> None:
        raise OSError

    def close(self) -> None:
        """The loop does."""
