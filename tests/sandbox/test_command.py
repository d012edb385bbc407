"""`manage.py sandbox`: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core.management.base import CommandError

from events.management.commands.sandbox import Command
from events.sandbox import Sandbox

_RUN = """
from django.conf import settings
settings.configure()
from django.core.management import call_command
from events.management.commands.sandbox import Command
call_command(Command(), "--port=0", "--events=300", "--fault=http-503", "--switch=max_size=7")
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_a_signal_and_then_exits_with_0(end: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _RUN]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        auth = ("demo0002", "sandbox-secret-0002")
        statuses = [requests.get(f"{url}/events", auth=auth, timeout=60).status_code for _ in range(2)]
        assert len(requests.get(f"{url}/events", auth=auth, timeout=60).json()["_embedded"]["events"]) == 7
        process.send_signal(end)
        output = process.communicate(timeout=60)[0]
    assert statuses == [503, 200]
    assert process.returncode == 0
    assert "Sandbox stopped." in output


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"fault": ["nonsense"]}, "unknown fault 'nonsense'; the faults are .*http-503"),
        ({"switch": ["nonsense=1"]}, "unknown switch 'nonsense'; the switches are .*max_size"),
        ({"switch": ["order=random"]}, "order must be one of"),
        ({"accounts": 0}, "at least one account"),
    ],
)
def test_command_refuses_what_it_does_not_know(option: dict[str, object], message: str) -> None:
    options: dict[str, Any] = {
        "port": 0,
        "seed": 1,
        "accounts": 1,
        "events": 0,
        "start": None,
        "latency_ms": 0,
        "fault": [],
        "switch": [],
    }
    with pytest.raises(CommandError, match=message):
        Command().handle(**(options | option))


def test_command_says_when_the_port_is_taken() -> None:
    with Sandbox(accounts=1, events=0) as sandbox:
        options: dict[str, Any] = {
            "port": urlsplit(sandbox.url).port,
            "accounts": 1,
            "events": 0,
            "fault": [],
            "switch": [],
        }
        with pytest.raises(CommandError, match="cannot listen on 127.0.0.1"):
            Command().handle(**options, seed=1, start=None, latency_ms=0)
