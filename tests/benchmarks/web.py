"""Visiting the site over HTTP on loopback only: plain sockets, nothing clever."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from typing import Self

PIECE = 1 << 16


@dataclass(frozen=True)
class Download:
    """A file as it arrived: seconds to the first byte of its body, seconds in all, bytes, lines."""

    status: int
    first_byte: float
    seconds: float
    bytes: int
    lines: int


class Reader:
    """One logged-in reader with one connection that is kept open."""

    def __init__(self, port: int, cookie: str, timeout: float = 600) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._headers = {"Cookie": cookie}

    def page(self, path: str, **headers: str) -> tuple[int, float, bytes]:
        """A page: status, seconds, body."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers | headers)
        response = self._connection.getresponse()
        body = response.read()
        return response.status, time.perf_counter() - began, body

    def download(self, path: str, *, enough: int | None = None, stop: threading.Event | None = None) -> Download:
        """A file, thrown away piece by piece; `enough` bytes or `stop` end it early, with the connection."""
        self._connection.close()  # the server gives up connections that were idle for seconds
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        first, size, lines = 0.0, 0, 0
        while piece := response.read1(PIECE):
            first = first or time.perf_counter() - began
            size += len(piece)
            lines += piece.count(b"\n")
            if (enough is not None and size >= enough) or (stop and stop.is_set()):
                self._connection.close()
                break
        response.close()  # `read1` does not always notice the end itself
        return Download(response.status, first, time.perf_counter() - began, size, lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
