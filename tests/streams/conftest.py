"""Streams to make, and what receives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.models import NexmoAccount
from events.models import Stream
from events.outbound import post, signing
from events.streams import deliver, progress
from events.streams.destinations import splunk, syslog
from tests.tools.receivers import BulkReceiver, HttpReceiver, SplunkReceiver, SyslogReceiver

SECRET = signing.PREFIX + "dGhlLXRlc3RzLW93bi1zaWduaW5nLXNlY3JldC0wMDE="


@pytest.fixture(autouse=True)
def _loopback(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    settings.STREAM_TARGETS, settings.STREAM_FILES = ["127.0.0.1"], str(folder)
    settings.SITE_URL = "https://audit.example.com"
    monkeypatch.setattr(splunk, "ACK_EVERY", 0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for receivers that stall are short."""
    monkeypatch.setattr(post, "READ_TIMEOUT", 0.5)
    monkeypatch.setattr(syslog, "CLOSING", 0.5)
    monkeypatch.setattr(splunk, "ACK_PATIENCE", 0.2)


@pytest.fixture
def may_stream(cast: Any) -> None:
    """Alice and Bob may set up streams, of events as received too."""
    permissions = Permission.objects.filter(codename__in=("manage_stream", "view_sensitive"))
    for name in ("alice", "bob"):
        cast[name].user_permissions.add(*permissions)


@pytest.fixture
def make_stream(cast: Any, may_stream: None) -> Callable[..., Stream]:
    """A stream from the first event on, of a person or of a team."""

    def make(kind: str, address: str, holder: Any = "alice", accounts: Any = (), **values: Any) -> Stream:
        whose = {"team": holder} if isinstance(holder, Group) else {"owner": cast[holder]}
        told = {"name": kind, "shown": "there", "start": "beginning", "secret": SECRET} | whose | values
        stream: Stream = Stream.objects.create(kind=kind, address=address, all_accounts=not accounts, **told)
        stream.accounts.set(accounts)
        progress.begin(stream)
        return stream

    return make


Receiver = Any


@pytest.fixture
def receive(tmp_path: Path, make_stream: Callable[..., Stream]) -> Iterator[Callable[..., tuple[Stream, Receiver]]]:
    """A receiver of a kind, and a stream that leads to it."""
    running: list[Any] = []

    def start(kind: str, **values: Any) -> tuple[Stream, Receiver]:
        receiver: Any = (
            SyslogReceiver(tmp_path)
            if kind == "syslog"
            else {"webhook": HttpReceiver, "splunk": SplunkReceiver, "bulk": BulkReceiver}[kind]()
        )
        running.append(receiver)
        options: dict[str, Any] = {
            "webhook": {},
            "splunk": {"acknowledged": True},
            "bulk": {"index": "audit"},
            "syslog": {"authorities": getattr(receiver, "authority", "")},
        }[kind]
        address = f"{receiver.address}/hook" if kind == "webhook" else receiver.address
        options |= values.pop("options", {})
        return make_stream(kind, address, options=options, format="flat", **values), receiver

    yield start
    for receiver in running:
        receiver.close()


def serve(stream: Stream) -> int:
    """Serve it now, whatever pause it was given."""
    Stream.objects.filter(pk=stream.pk).update(retry_at=None)
    return deliver.serve(stream.pk)


def numbers_of(account: NexmoAccount) -> list[int]:
    """The sequence numbers of an account's events."""
    return list(account.events.order_by("seq").values_list("seq", flat=True))
