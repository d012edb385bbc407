"""Receivers of streams, of this machine: they take, refuse, stall and die as a test asks."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug import Request, Response
from werkzeug.serving import make_server

DIE = "die"  # close the connection without an answer
STALL = "stall"  # take the connection, and say nothing until the test is over


@dataclass
class Taken:
    """What a receiver has kept: source and number of each item in the order of arrival, and all of its bodies."""

    items: list[tuple[str, int]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    def of(self, source: str) -> list[int]:
        return [number for name, number in self.items if name == source]

    def first_arrivals(self, source: str) -> list[int]:
        """The numbers in the order in which each came first."""
        return list(dict.fromkeys(self.of(source)))


class HttpReceiver:
    """An HTTP server that answers as `faults` say, in turn, and then takes everything."""

    def __init__(self) -> None:
        self.taken, self.faults, self.retry_after = Taken(), deque[Any](), "1"
        self._over = threading.Event()
        self._server = make_server("127.0.0.1", 0, Request.application(self._answer), threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _answer(self, request: Request) -> Response:
        body = request.get_data()
        self.taken.requests.append(request)
        fault = self.faults.popleft() if self.faults and self.is_delivery(request) else None
        if fault == STALL:
            self._over.wait(60)
        if fault in (DIE, STALL):
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return Response(status=500)
        return self.take(request, body, fault)

    def is_delivery(self, request: Request) -> bool:
        return True

    def take(self, request: Request, body: bytes, fault: Any) -> Response:
        if isinstance(fault, int):
            return Response(status=fault, headers={"Retry-After": self.retry_after} if fault in (429, 503) else None)
        told = json.loads(body)
        self.taken.bodies += told["data"]
        if told["source"] not in ("findings", "access"):
            numbers = [item.get("sequence", 0) for item in told["data"]]
            assert (told["first"], told["last"]) == (numbers[0], numbers[-1])
            self.taken.items += [(told["source"], number) for number in numbers]
        return Response("ok")


class SplunkReceiver(HttpReceiver):
    """Takes what the HTTP Event Collector takes, and acknowledges at the second time of asking."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledges, self.forgets = True, False
        self._asked: dict[int, int] = {}

    def is_delivery(self, request: Request) -> bool:
        return request.path == "/services/collector/event"

    def take(self, request: Request, body: bytes, fault: Any) -> Response:
        if request.path == "/services/collector/ack":
            acks = {}
            for ack in json.loads(body)["acks"]:
                self._asked[ack] = self._asked.get(ack, 0) + 1
                acks[str(ack)] = self._asked[ack] > 1 and not self.forgets
            return _json({"acks": acks})
        if isinstance(fault, int):
            return _json({"text": "Server is busy", "code": 9}, fault)
        lines = [json.loads(line) for line in body.splitlines()]
        if isinstance(fault, tuple):  # ("bad", place): an event that it cannot read
            lines, bad = lines[: fault[1]], True
        else:
            bad = False
        self.taken.bodies += [line["event"] for line in lines]
        self.taken.items += [(line["event"]["account"], line["event"]["sequence"]) for line in lines]
        if bad:
            return _json({"text": "Invalid data format", "code": 6, "invalid-event-number": len(lines)}, 400)
        answer = {"text": "Success", "code": 0}
        if self.acknowledges:
            answer["ackId"] = len(self._asked) + 1
            self._asked[answer["ackId"]] = 0  # type: ignore[index]
        return _json(answer)


class BulkReceiver(HttpReceiver):
    """Keeps documents as `_bulk` does: each id once."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, Any] = {}

    def take(self, request: Request, body: bytes, fault: Any) -> Response:
        if isinstance(fault, int):
            return _json({"error": "no"}, fault)
        lines = body.splitlines()
        items = []
        for place in range(0, len(lines), 2):
            key, document = json.loads(lines[place])["create"]["_id"], json.loads(lines[place + 1])
            status = 409 if key in self.documents else 201
            if isinstance(fault, dict):  # by place: the status of some
                status = fault.get(place // 2, status)
            if status == 201:
                self.documents[key] = document
                self.taken.items.append((document["account"], document["sequence"]))
            item: dict[str, Any] = {"_id": key, "status": status}
            if status >= 400:
                item["error"] = {"type": "mapper_parsing_exception", "reason": f"of {document}"}
            items.append({"create": item})
        return _json({"took": 1, "errors": any("error" in item["create"] for item in items), "items": items})


class SyslogReceiver:
    """Reads RFC 5425's frames over TLS until the sender is done, and says goodbye."""

    def __init__(self, folder: Path) -> None:
        self.authority, self._context = certificate(folder)
        self.taken, self.faults = Taken(), deque[Any]()
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._attend, args=(plain,), daemon=True).start()

    def _attend(self, plain: socket.socket) -> None:
        with contextlib.closing(plain), contextlib.suppress(OSError):
            self._take(plain)

    def _take(self, plain: socket.socket) -> None:
        fault = self.faults.popleft() if self.faults else None
        if fault == STALL:
            self._over.wait(60)
            return
        with contextlib.closing(self._context.wrap_socket(plain, server_side=True)) as wire:
            data = b""
            while piece := wire.recv(65_536):
                data += piece
                if fault == DIE:
                    return  # in the middle of it, without a word
            if fault != "silent":
                for source, number, body in read_frames(data):
                    self.taken.items.append((source, number))
                    self.taken.bodies.append(body)
                wire.unwrap()


def read_frames(data: bytes) -> Iterator[tuple[str, int, Any]]:
    """The messages of a connection: source, number and body of each."""
    while data:
        length, _, rest = data.partition(b" ")
        message, data = rest[: int(length)], rest[int(length) :]
        assert len(message) == int(length)
        match = re.fullmatch(
            rb'<110>1 (\S+Z) (\S+) auditsite - audit \[auditsite@32473 source="([^"]*)" seq="(\d+)" key="[^"]+"\] (.*)',
            message,
            re.DOTALL,
        )
        assert match, message
        yield match[3].decode(), int(match[4]), json.loads(match[5])


def certificate(folder: Path) -> tuple[str, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that vouches for itself, in PEM, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    file = folder / "receiver.pem"
    file.write_bytes(
        pem
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return pem.decode(), context


def in_order(folder: Path) -> list[Path]:
    """A stream's files as they were written, one after another."""
    return sorted(folder.glob("*.ndjson"), key=lambda file: int(file.stem.rpartition("-")[2]))


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that happens in another thread."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
