"""gunicorn's threaded worker, with a loop that reads requests and sends answers, so that no slow client holds a thread.

gunicorn's own threads read what a client sends and wait until it takes the answer: a handful of connections with
unfinished headers, or readers that stall, stop the whole site. Here a thread sees a request only when it is whole,
and hands over its answer. Every connection has limits of size and time. Only a streamed answer (an export, an
evidence pack) waits for its reader, and these are limited by events/export/limits.py.
"""

from __future__ import annotations

import contextlib
import errno
import re
import selectors
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from gunicorn import http
from gunicorn.errors import ConfigError
from gunicorn.workers.gthread import ThreadWorker

from auditsite.server.outlet import Outlet

if TYPE_CHECKING:
    from concurrent.futures import Future

# Bytes. The search box takes 2,000 characters, each up to 12 in an address; Referer and HX-Current-URL repeat it.
MAX_LINE, MAX_HEAD, MAX_BODY = 32_768, 131_072, 1_048_576
MAX_HELD = 64 * 1_048_576  # of unfinished requests, and of answers that wait for their readers
# Seconds.
HEAD_WITHIN, BODY_WITHIN, IDLE_FOR, LINGER_FOR = 10.0, 60.0, 5.0, 2.0

READING, ANSWERING, SENDING, LINGERING = "reading", "answering", "sending", "lingering"
# Whatever anybody might take for a length; and what is one without a doubt.
_LENGTH = re.compile(rb"\r\n[ \t]*content-length(?![\w-])([^\r\n]*)", re.IGNORECASE)
_CLEAR = re.compile(rb":[ \t]*(\d{1,18})[ \t]*")
_CODED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Refusal(Exception):
    """A request that is answered without asking the site."""

    def __init__(self, status: str, advice: str) -> None:
        super().__init__(status)
        self.status, self.advice = status, advice

    def answer(self) -> bytes:
        body = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{0} - Auditsite</title></head>'
            '<body><h1>{0}</h1><p>{1}</p><p><a href="/events/">All my events</a></p></body></html>\n'
        ).format(self.status.partition(" ")[2], self.advice)
        lines = (
            f"HTTP/1.1 {self.status}",
            "Content-Type: text/html; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            "Content-Security-Policy: default-src 'none'",
            "X-Content-Type-Options: nosniff",
            "Connection: close",
        )
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


LINE_TOO_LONG = Refusal(
    "414 Address too long",
    "The address of this page is longer than the 32,000 characters that Auditsite accepts. Go back, shorten the search "
    "or remove some conditions, and try again.",
)
HEAD_TOO_LONG = Refusal(
    "431 Request headers too large",
    "The browser sent more than Auditsite accepts. Go back and shorten the search, or delete this site's cookies.",
)
BODY_TOO_LONG = Refusal(
    "413 Form too large",
    "The form holds more than the 1 MB that Auditsite accepts. Go back, shorten it, and send it again.",
)
NO_LENGTH = Refusal("411 Length required", "Send the request with a Content-Length.")
BAD_LENGTH = Refusal("400 Bad request", "Send the request with one Content-Length, in digits alone.")
TOO_SLOW = Refusal("408 Request timeout", "The request did not arrive in time. Try again.")


class Connection:
    """One client. What gunicorn's worker wants of a connection, with an outlet in the place of the socket."""

    initialized = data_ready = True
    is_http2 = False

    def __init__(self, cfg: Any, client_socket: socket.socket, client: Any, server: Any, wake: Any) -> None:
        self.cfg, self.socket, self.client, self.server = cfg, client_socket, client, server
        self.sock = Outlet(client_socket, partial(wake, self))
        self.parser: Any = None
        self.inbox = bytearray()
        self.length: int | None = None  # of the request, once its head is here
        self.state = READING
        self.began = time.monotonic()
        self.deadline = self.began + HEAD_WITHIN
        self.mask = 0  # what the loop listens for
        self.keep = False  # for another request, once this answer is sent

    def init(self) -> None:
        """There is nothing to do: TLS is the proxy's."""

    def receive(self, data: bytes) -> None:
        """Raises Refusal for what is too long."""
        if not self.inbox and self.length is None:
            self.deadline = time.monotonic() + HEAD_WITHIN
        self.inbox += data
        self.measure()

    def measure(self) -> None:
        """Find out how long the request is, as soon as its head is whole."""
        if self.length is not None:
            return
        while self.inbox.startswith(b"\r\n"):  # RFC 9112, 2.2: blank lines before a request are ignored
            del self.inbox[:2]
        line, end = self.inbox.find(b"\r\n", 0, MAX_LINE), self.inbox.find(b"\r\n\r\n", 0, MAX_HEAD)
        if line < 0 and len(self.inbox) >= MAX_LINE:
            raise LINE_TOO_LONG
        if end < 0:
            if len(self.inbox) >= MAX_HEAD:
                raise HEAD_TOO_LONG
            return
        head = bytes(self.inbox[: end + 2])
        if _CODED.search(head):
            raise NO_LENGTH
        # Where this and gunicorn read another length, the rest of a body would be taken for a request.
        given = _LENGTH.findall(head)
        clear = _CLEAR.fullmatch(given[0]) if len(given) == 1 else None
        if given and not clear:
            raise BAD_LENGTH
        size = int(clear[1]) if clear else 0
        if size > MAX_BODY:
            raise BODY_TOO_LONG
        self.length = end + 4 + size
        if size:
            self.deadline = time.monotonic() + BODY_WITHIN
        if len(self.inbox) < self.length and _EXPECTS.search(head):
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def take_request(self) -> bool:
        """Prepare the parser of a request that is whole. Whether there was one."""
        if self.length is None or len(self.inbox) < self.length:
            return False
        self.parser = http.get_parser(self.cfg, [bytes(self.inbox[: self.length])], self.client)
        del self.inbox[: self.length]
        self.length = None
        return True


class BufferingWorker(ThreadWorker):
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections: set[Connection] = set()
        self.stopping: float | None = None

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        if cfg.is_ssl:
            raise ConfigError("Auditsite's server does not speak TLS: put a proxy in front (docs/operating.md).")

    # --- the loop ---------------------------------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        try:
            client_socket, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._drop_one(oldest_first=True)
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        client_socket.setblocking(False)
        connection = Connection(self.cfg, client_socket, address, listener.getsockname(), self._wake)
        self.connections.add(connection)
        self.nr_conns = len(self.connections)
        if self.nr_conns >= self.worker_connections:
            self._drop_one(oldest_first=True)
        self._watch(connection)

    def _wake(self, connection: Connection) -> None:
        """From a thread: there is something to send."""
        self.method_queue.defer(self._watch, connection)

    def _watch(self, connection: Connection) -> None:
        """Listen for what the connection's state asks for."""
        if connection not in self.connections:
            return
        mask = selectors.EVENT_READ if connection.state in (READING, LINGERING) else 0
        mask |= selectors.EVENT_WRITE if connection.sock.pending else 0
        if mask == connection.mask:
            return
        if connection.mask:
            self.poller.unregister(connection.socket)
        if mask:
            self.poller.register(connection.socket, mask, partial(self._ready, connection))
        connection.mask = mask

    def _ready(self, connection: Connection, _: Any) -> None:
        """The connection can be read from, or written to."""
        connection.sock.flush()
        if connection.sock.broken and connection.state != ANSWERING:
            self._close(connection)
        elif connection.state == SENDING:
            self._after_answer(connection)
        elif connection.state in (READING, LINGERING):
            self._read(connection)
        self._watch(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
        elif connection.state == READING:
            try:
                connection.receive(data)
            except Refusal as refusal:
                self._refuse(connection, refusal)
                return
            self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        """Give a request that is whole to a thread."""
        if connection.take_request():
            connection.state = ANSWERING
            self._watch(connection)
            self.enqueue_req(connection)
        elif sum(len(other.inbox) for other in self.connections) > MAX_HELD:
            self._drop_one(oldest_first=False)

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """In a thread: write the answer."""
        try:
            return super().handle_request(req, conn)
        except ConnectionAbortedError:  # by the site itself, which has said so in its log: see events/export/watch.py
            conn.sock.cut()
            raise

    def finish_request(self, connection: Connection, future: Future[bool]) -> None:
        """An answer is written, if perhaps not sent. `future` tells whether the connection is kept."""
        connection.keep = not future.cancelled() and future.exception() is None and future.result()
        connection.state = SENDING
        if connection.sock.broken:
            self._close(connection)
        else:
            self._after_answer(connection)
            self._watch(connection)

    def _after_answer(self, connection: Connection) -> None:
        """Once all is sent: wait for the next request, or close. No thread is given to a client that does not read."""
        if connection.sock.pending:
            return
        if not connection.keep:
            self._linger(connection)
            return
        connection.state, connection.began = READING, time.monotonic()
        connection.deadline = connection.began + (HEAD_WITHIN if connection.inbox else IDLE_FOR)
        try:
            connection.measure()
        except Refusal as refusal:
            self._refuse(connection, refusal)
        else:
            self._begin(connection)

    # --- limits -----------------------------------------------------------------------------------------------------

    def murder_pending(self) -> None:
        """Called by the loop at least once a second: end what takes too long."""
        now = time.monotonic()
        if not self.alive and self.stopping is None:
            self.stopping = now
        for connection in list(self.connections):
            connection.sock.check(now)
            if connection.state == ANSWERING:
                continue  # its thread notices, if the reader is gone
            idle = connection.state == READING and not connection.inbox
            if connection.sock.broken or (idle and self.stopping and now > self.stopping + LINGER_FOR):
                self._close(connection)
            elif connection.state != SENDING and now > connection.deadline:
                if connection.inbox and connection.state == READING:
                    self._refuse(connection, TOO_SLOW)
                else:
                    self._close(connection)
        if sum(connection.sock.pending for connection in self.connections) > MAX_HELD:
            max(self.connections, key=lambda connection: connection.sock.pending).sock.abort()

    def murder_keepalived(self, force: bool = False) -> None:
        """Idle connections are among all others here."""

    def _drop_one(self, *, oldest_first: bool) -> None:
        """Make room: of those whose request is not whole, the one that has waited longest, or holds most."""
        unfinished = [other for other in self.connections if other.state in (READING, LINGERING)]
        if oldest_first and unfinished:
            self._close(min(unfinished, key=lambda other: other.began))
        elif unfinished:
            self._close(max(unfinished, key=lambda other: len(other.inbox)))

    def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        self.log.info("Refused: %s", refusal.status)
        connection.inbox.clear()
        connection.state, connection.keep = SENDING, False
        with contextlib.suppress(OSError):
            connection.sock.sendall(refusal.answer())
        self._after_answer(connection)
        self._watch(connection)

    def _linger(self, connection: Connection) -> None:
        """Say that nothing more comes, and read on for a moment: closing at once could take the answer back."""
        connection.state, connection.deadline = LINGERING, time.monotonic() + LINGER_FOR
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        self.nr_conns = len(self.connections)
        if connection.mask:
            self.poller.unregister(connection.socket)
            connection.mask = 0
        connection.sock.abort()
        connection.socket.close()
