"""Syslog, RFC 5424, over TLS with octet counting, RFC 5425.

The protocol acknowledges nothing. So each batch has a connection of its own, and counts as taken when the receiver,
after we have said that we are done, closes its side in good order: it has read everything by then.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from datetime import UTC
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from events.outbound import post
from events.outbound.entered import NotUsable, check_host, cleaned
from events.outbound.post import NoAnswer
from events.outbound.results import Outcome
from events.outbound.targets import Refused, normal
from events.streams.batch import Batch, Delivered, Item
from events.streams.destinations.destination import Place, targets

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT = 6514
PRIORITY = 13 * 8 + 6  # log audit, informational
ENTERPRISE = 32473  # IANA's number for documentation and for who has none
CLOSING = 10.0  # seconds that the receiver may take to read the rest
PATIENCE, PIECE = 60.0, 65_536  # seconds for all of it, in pieces of so many bytes
WHERE = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:/\[\]@]+))(?::(?P<port>\d{1,5}))?")


class _NoGoodbye(Exception):
    """The receiver closed the connection, but not in good order."""


class Syslog:
    """A receiver such as rsyslog, syslog-ng or a SIEM's own."""

    most_bytes = 1_000_000

    def checked(self, entered: str) -> tuple[str, str]:
        """host or host:port."""
        host, port = place_of(cleaned(entered))
        check_host(host, port, targets())
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return shown, shown

    def send(self, place: Place, batch: Batch) -> Delivered:
        try:
            host, port = place_of(place.address)
            _transmit(host, port, place, frames(batch.source, batch.items))
        except Refused as error:
            return Delivered(0, Outcome(sent=False, problem=f"refused {error}", is_final=True))
        except NoAnswer as error:
            return Delivered(0, Outcome(sent=False, problem=error.kind))
        except ssl.SSLCertVerificationError:
            return Delivered(0, Outcome(sent=False, problem="certificate"))
        except _NoGoodbye:
            return Delivered(0, Outcome(sent=False, problem="no_goodbye"))
        except TimeoutError:
            return Delivered(0, Outcome(sent=False, problem="timeout"))
        except (OSError, ValueError):
            return Delivered(0, Outcome(sent=False, problem="broken"))
        return Delivered(len(batch.items))


def place_of(text: str) -> tuple[str, int]:
    """Host and port. Raises NotUsable."""
    match = WHERE.fullmatch(text.removeprefix("tls://"))
    port = int(match["port"] or PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise NotUsable(_("Expected a host, or host:port."))
    return normal(match["six"] or match["host"]), port


def frames(source: str, items: Sequence[Item]) -> bytes:
    """The items as messages, each with its length before it."""
    host = re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
    messages = []
    for item in items:
        at = item.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        told = f'[auditsite@{ENTERPRISE} source="{_value(source)}" seq="{item.seq}" key="{_value(item.key)}"]'
        message = f"<{PRIORITY}>1 {at} {host} auditsite - audit {told} ".encode() + item.body
        messages.append(b"%d %s" % (len(message), message))
    return b"".join(messages)


def _value(text: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", text)


def _transmit(host: str, port: int, place: Place, data: bytes) -> None:
    """Send, and wait for the other side to have read it. Raises OSError, NoAnswer, Refused, _NoGoodbye."""
    try:
        places = targets().resolve(host, port)
    except Refused:
        raise
    except OSError:
        raise NoAnswer("name") from None
    with contextlib.ExitStack() as closing:
        plain = closing.enter_context(contextlib.closing(post.connect(places)))
        wire = _Wire(plain, post.tls(place.authorities), host)
        over = time.monotonic() + PATIENCE
        for start in range(0, len(data), PIECE):
            if time.monotonic() > over:
                raise TimeoutError
            wire.send(data[start : start + PIECE])
        plain.settimeout(CLOSING)
        # What it had not read would have reset the connection; but what it had read may be gone with it, if it died.
        if not wire.part() and not place.options.get("lenient"):
            raise _NoGoodbye


class _Wire:
    """TLS over a socket, which is read only when we say so.

    `SSLSocket.unwrap` says goodbye and reads the other side's at once, and Python 3.11.2 takes any end for one.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self.plain = plain
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.to_send, server_hostname=host)
        while True:
            try:
                self.tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._read()
            finally:
                self._flush()

    def send(self, data: bytes) -> None:
        self.tls.write(data)
        self._flush()

    def part(self) -> bool:
        """Say goodbye, and wait until the other side closes; whether it said goodbye too."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self._flush()
        over = time.monotonic() + CLOSING
        while time.monotonic() < over:
            self._read()
            try:
                if self.tls.read(1):
                    raise OSError("a receiver of syslog answers nothing")
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLZeroReturnError:
                return True
            except ssl.SSLEOFError:
                return False
            return False
        raise TimeoutError

    def _flush(self) -> None:
        if data := self.to_send.read():
            self.plain.sendall(data)

    def _read(self) -> None:
        self._flush()
        if self.received.eof:
            raise ConnectionResetError
        if data := self.plain.recv(PIECE):
            self.received.write(data)
        else:
            self.received.write_eof()
