"""Killed while sending: every message arrives, and twice only what was sent and not yet noted, under one id."""

from __future__ import annotations

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
from events.alerts import deliver, outcome, route
from events.alerts.sending import send
from events.models import Delivery
from tests.tools.killer import Killer
from tests.tools.processes import ROOT, environment

KILLS, MOST_BETWEEN = 30, 3
FINDINGS = KILLS * MOST_BETWEEN + 20
Make = Callable[..., Any]


class KillingReceiver:
    def __init__(self) -> None:
        self.taken: list[str] = []
        self.killer = Killer(12, MOST_BETWEEN)

    def answer(self, request: Request) -> Response:
        return self.killer.around(lambda: self.take(request))

    def take(self, request: Request) -> Response:
        self.taken.append(request.headers["webhook-id"])
        return Response("ok")


@pytest.mark.django_db(transaction=True)
def test_killed_at_thirty_instants_every_message_arrives_and_few_twice(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, httpserver: HTTPServer
) -> None:
    receiver = KillingReceiver()
    killer = receiver.killer
    httpserver.expect_request("/hook").respond_with_handler(receiver.answer)
    subscribe(make_channel(address=httpserver.url_for("/hook")))
    for number in range(FINDINGS):
        make_finding(account, rule=str(number))  # so many of one rule would go out together
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
            forks.stdin.write("\n")
            killer.aim(int(forks.stdout.readline()))
            if number < 3:  # the first while they route
                time.sleep(killer.instants.uniform(0, 0.05))
                killer.kill(killer.child)
            assert killer.wait()
        forks.stdin.close()

    assert 0 < len(set(receiver.taken)) < FINDINGS
    killer.rest()
    route.route_findings()
    for thread in deliver.start_due():  # at once: that the holders of leases are gone can be seen on this machine
        thread.join(60)
    assert Delivery.objects.filter(state="sent").count() == Delivery.objects.count() == FINDINGS
    times = Counter(receiver.taken)
    attempts = dict(Delivery.objects.values_list("key", "attempts"))
    assert set(times) == set(attempts)
    assert all(count <= attempts[key] for key, count in times.items())
    assert 0 < sum(times.values()) - FINDINGS <= KILLS
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
