"""Killed while sending: every message arrives, and twice only what was sent and not yet noted, under one id."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from accounts.models import NexmoAccount
from events.alerts import deliver, outcome, route, send
from events.models import Delivery
from tests.tools.processes import ROOT, environment

KILLS, FINDINGS = 30, 90
Make = Callable[..., Any]


@pytest.mark.django_db(transaction=True)
def test_killed_at_thirty_instants_every_message_arrives_and_few_twice(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, httpserver: HTTPServer
) -> None:
    taken: list[str] = []

    def take(request: Request) -> Response:
        taken.append(request.headers["webhook-id"])
        time.sleep(0.004)  # between taking it and saying so
        return Response("ok")

    httpserver.expect_request("/hook").respond_with_handler(take)
    subscribe(make_channel(address=httpserver.url_for("/hook")))
    for _ in range(FINDINGS):
        make_finding(account)
    instants = random.Random(12)
    kills = 0
    with subprocess.Popen(
        [sys.executable, "tests/scripts/fork_alerts.py", str(connection.settings_dict["NAME"])],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as forks:
        assert forks.stdin and forks.stdout
        for number in range(KILLS):
            before = len(taken)
            forks.stdin.write("\n")
            child = int(forks.stdout.readline())
            if number >= 3:  # the first are killed while they route
                deadline = time.monotonic() + 5
                while len(taken) == before and len(set(taken)) < FINDINGS and time.monotonic() < deadline:
                    time.sleep(0.001)
            time.sleep(instants.uniform(0, 0.03))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
                kills += 1
        forks.stdin.close()

    assert 0 < len(set(taken)) < FINDINGS or kills < KILLS, "it was killed in the midst of it"
    route.route_findings()
    for thread in deliver.start_due():  # at once: that the holders of leases are gone can be seen on this machine
        thread.join(60)
    assert Delivery.objects.filter(state="sent").count() == Delivery.objects.count() == FINDINGS
    times = Counter(taken)
    attempts = dict(Delivery.objects.values_list("key", "attempts"))
    assert set(times) == set(attempts)
    assert all(count <= attempts[key] for key, count in times.items())
    assert sum(times.values()) - FINDINGS <= kills
    assert sum(count > 1 for count in attempts.values()) >= 5, "kills that fell into a delivery"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("module", "name", "arrivals"),
    [
        (deliver.compose, "compose", 1),  # before it is sent
        (send, "attempt", 1),
        (outcome, "note", 2),  # between sending it and noting that
    ],
)
def test_wherever_it_ends_the_next_attempt_has_the_same_id(
    account: NexmoAccount,
    make_finding: Make,
    make_channel: Make,
    subscribe: Make,
    httpserver: HTTPServer,
    hook: str,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    arrivals: int,
) -> None:
    channel = make_channel(address=hook)
    subscribe(channel)
    make_finding(account)
    route.route_findings()

    def end(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(module, name, end)
        with pytest.raises(SystemExit):
            deliver.serve(channel.pk)
    assert deliver.serve(channel.pk) == 0, "its lease has not ended"
    with time_machine.travel(timezone.now() + deliver.LEASE + timedelta(seconds=1)):
        assert deliver.serve(channel.pk) == 1
    assert [request.headers["webhook-id"] for request, _ in httpserver.log] == [Delivery.objects.get().key] * arrivals
