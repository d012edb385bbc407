"""The HTTP server: takes requests on 127.0.0.1 and answers as the real gateway does, or breaks off."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Flag
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from events.sandbox import control
from events.sandbox.wire import STANDARD_HEADERS, Answer, phrase

if TYPE_CHECKING:
    from events.sandbox.simulator import Sandbox

_CHUNK = 8192  # as Tomcat sends them
_DRIPS = 20
_HEAD = "".join(f"{name}: {value}\r\n" for name, value in STANDARD_HEADERS)
_MOST_BODY = 64_000_000  # of a request to the control path; nothing else has a body


class Server:
    """Serves a sandbox from a thread of its own."""

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self._http = _HTTPServer(("127.0.0.1", port), _Handler)
        self._http.sandbox = sandbox
        self.port: int = self._http.server_address[1]
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), name="sandbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Refuse new connections, close the open ones, and end the slow answers."""
        self._http.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.close_connections()
        self._thread.join(5)


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    sandbox: Sandbox

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.closing = Flag()
        self._open: set[socket.socket] = set()
        self._open_lock = Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error; anything else is shown as usual."""
        benign = isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError))
        if not benign and not self.closing.is_set():
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    server: _HTTPServer

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """The sandbox keeps its own log (`Sandbox.requests`)."""

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._body()
        if path.startswith("/control/"):
            answer = control.answer(
                self.server.sandbox, self.command, path, body, self.client_address[0],
                self.headers.get("Host", ""), self.headers.get("Origin"),
            )  # fmt: skip
        else:
            params = parse_qs(query, keep_blank_values=True)
            answer = self.server.sandbox.respond(
                self.command, path, params, self.headers.get("Authorization", ""),
                self.headers.get("X-Sandbox-Fault", ""),
            )  # fmt: skip
        self._send(answer)

    do_GET = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _body(self) -> bytes:
        """The body of the request: read even if unwanted, or it would pass for the next request."""
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdigit() or int(length) > _MOST_BODY:
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        if answer.transport in ("reset", "disconnect"):
            self._break_off(reset=answer.transport == "reset")
            return
        if answer.transport == "wait":
            self.server.closing.wait(answer.seconds)
        head, chunks = self._head(answer), self._chunks(answer)
        if answer.transport == "drip":
            self._drip(head, b"".join(chunks), answer.seconds)
        elif answer.transport in ("cut", "cut_reset"):
            sent = head + b"".join(chunks)[: -(len(answer.body) // 2) - 5]
            self.connection.sendall(sent)
            if answer.transport == "cut_reset":
                time.sleep(0.05)  # let the client read what came; a reset throws away what it has not read
            self._break_off(reset=answer.transport == "cut_reset")
        else:
            self.connection.sendall(head + b"".join(chunks))

    def _head(self, answer: Answer) -> bytes:
        reason = phrase(answer.status) if answer.reason is None else answer.reason
        status_line = f"HTTP/1.1 {answer.status} {reason}".rstrip()
        connection = "close" if self.close_connection else "keep-alive"
        lines = [status_line, f"Connection: {connection}"]
        switches = self.server.sandbox.switches
        if switches.date_header:
            lines.append(f"Date: {formatdate(time.time() + switches.clock_ahead, usegmt=True)}")
        if answer.bare:
            # A 204 may not have a length, an empty 200 must.
            lines += [] if answer.status == 204 else ["Content-Length: 0"]
        else:
            lines += [f"Content-Type: {answer.content_type}", "Transfer-Encoding: chunked"]
        lines += [
            f"X-Nexmo-Trace-Id: {answer.trace_id}",
            *(f"{name}: {value}" for name, value in answer.headers),
        ]
        return ("\r\n".join(lines) + "\r\n" + _HEAD + "\r\n").encode("latin-1", "replace")

    def _chunks(self, answer: Answer) -> list[bytes]:
        if answer.bare or self.command == "HEAD":
            return []
        parts: list[bytes] = []
        for start in range(0, len(answer.body), _CHUNK):
            piece = answer.body[start : start + _CHUNK]
            parts += [b"%x\r\n" % len(piece), piece, b"\r\n"]
        return [*parts, b"0\r\n\r\n"]

    def _drip(self, head: bytes, body: bytes, seconds: float) -> None:
        self.connection.sendall(head)
        step = max(len(body) // _DRIPS, 1)
        for start in range(0, len(body), step):
            if self.server.closing.wait(seconds / _DRIPS):
                return
            self.connection.sendall(body[start : start + step])

    def _break_off(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:  # no lingering: the kernel sends RST in place of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
