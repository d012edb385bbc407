"""One HTTP request to where a webhook leads: to an address that was looked up and allowed just before, no further."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests.utils

from events.outbound.targets import Refused, Targets, normal

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0  # seconds without anything happening
PATIENCE = 30.0  # seconds for all of it
MOST_READ = 16_384  # bytes of an answer, where the status says it all


class NoAnswer(Exception):
    """The receiver could not be reached, or did not answer. `kind`: "name", "unreachable", "certificate", "timeout" or
    "broken"."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class Answer:
    """What a receiver said: the status, when to come again, and as much of the body as was read."""

    status: int
    retry_after: str = ""
    body: bytes = b""


@lru_cache(maxsize=32)
def tls(authorities: str = "") -> ssl.SSLContext:
    """What checks a receiver's certificate: by the authorities that browsers trust, or only by these, in PEM.

    Raises:
        ssl.SSLError, ValueError: they cannot be read.
    """
    if authorities:
        if not authorities.isascii():
            raise ValueError("PEM is ASCII")
        return ssl.create_default_context(cadata=authorities)
    return ssl.create_default_context(cafile=requests.utils.DEFAULT_CA_BUNDLE_PATH)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    targets: Targets,
    *,
    authorities: str = "",
    most_read: int = MOST_READ,
) -> Answer:
    """Send a body to an address. Redirects are not followed, proxies not used, cookies not kept.

    Args:
        authorities: whose certificates are believed, in PEM; empty: those that browsers trust.
        most_read: bytes of the answer's body.
    Raises:
        Refused: the address is not allowed.
        NoAnswer: whatever else went wrong.
    """
    parts = urlsplit(url)
    host, secure = normal(parts.hostname or ""), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    if not secure:
        targets = replace(targets, ports=frozenset())  # in the clear only where a rule allows it
    try:
        places = targets.resolve(host, port)
    except Refused:
        raise
    except OSError:
        raise NoAnswer("name") from None
    connection = http.client.HTTPConnection(host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    authority = (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if parts.port else "")
    wires = [connect(places)]
    # Whoever answers a byte at a time is cut off all the same.
    late = threading.Event()
    clock = threading.Timer(PATIENCE, _cut, (wires, late))
    clock.daemon = True
    clock.start()
    closing = contextlib.ExitStack()
    try:
        if secure:
            wires.append(tls(authorities).wrap_socket(wires[0], server_hostname=host))
        connection.sock = wires[-1]
        connection.request("POST", path, body, {**headers, "Host": authority, "Connection": "close"})
        response = closing.enter_context(contextlib.closing(connection.getresponse()))
        if late.is_set():
            raise TimeoutError  # what was read of its head until then looks whole
        # Read, so that a receiver which answers as it goes is not cut off; the status stands, whatever becomes of it.
        pieces, left = [], most_read
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            while left > 0 and (piece := response.read1(min(left, 65_536))):
                pieces.append(piece)
                left -= len(piece)
        return Answer(response.status, response.headers.get("Retry-After", ""), b"".join(pieces))
    except ssl.SSLCertVerificationError:
        raise NoAnswer("certificate") from None
    except TimeoutError:
        raise NoAnswer("timeout") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise NoAnswer("timeout" if late.is_set() else "broken") from None
    finally:
        clock.cancel()
        closing.close()
        connection.close()
        for wire in wires:
            wire.close()


def connect(places: list[tuple[Any, ...]]) -> socket.socket:
    """A connection to the first of these places that takes one. Raises NoAnswer."""
    kind = "unreachable"
    for family, kind_of_socket, protocol, _, place in places[:3]:
        wire = socket.socket(family, kind_of_socket, protocol)
        try:
            wire.settimeout(CONNECT_TIMEOUT)
            wire.connect(place)
            wire.settimeout(READ_TIMEOUT)
        except OSError as error:
            wire.close()
            kind = "timeout" if isinstance(error, TimeoutError) else "unreachable"
        else:
            return wire
    raise NoAnswer(kind)


def _cut(wires: list[socket.socket], late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        # Not the encrypted one's own: its reader is in the middle of it.
        socket.socket.shutdown(wires[-1], socket.SHUT_RDWR)
