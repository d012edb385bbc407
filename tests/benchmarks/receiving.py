"""A receiver of webhooks, as a process of its own: `python -m tests.benchmarks.receiving PORT`.

Takes every batch and counts its items; says how many there were on GET.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AT_ONCE = 1 << 20  # bytes


class Receiver(BaseHTTPRequestHandler):
    """One batch, or the question how many items there were."""

    items = 0

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        lines = 1
        while left:
            piece = self.rfile.read1(min(left, AT_ONCE))  # type: ignore[attr-defined]
            lines += piece.count(b"\n")  # one between each two items
            left -= len(piece)
        Receiver.items += lines
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(str(Receiver.items).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
