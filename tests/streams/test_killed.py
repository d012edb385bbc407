"""Killed while sending: every event arrives, in order, and twice only what was sent and not noted, under one key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from werkzeug import Request, Response

from accounts.models import NexmoAccount
from events.models import Stream
from events.streams import deliver, progress
from tests.streams.conftest import SECRET, numbers_of
from tests.tools.export import add_many
from tests.tools.killer import Killer
from tests.tools.processes import ROOT, environment
from tests.tools.receivers import HttpReceiver

KILLS, MOST_BETWEEN, AT_ONCE = 30, 2, 5


class KillingReceiver(HttpReceiver):
    def __init__(self) -> None:
        super().__init__()
        self.killer = Killer(13, MOST_BETWEEN)

    def take(self, request: Request, body: bytes, fault: Any) -> Response:
        return self.killer.around(lambda: super(KillingReceiver, self).take(request, body, fault))


@pytest.mark.django_db(transaction=True)
def test_killed_at_thirty_instants_nothing_is_lost_and_order_is_kept(
    account: NexmoAccount, make_stream: Callable[..., Stream]
) -> None:
    count = KILLS * MOST_BETWEEN * AT_ONCE + 50
    add_many(account, range(count))
    receiver = KillingReceiver()
    killer = receiver.killer
    try:
        stream = make_stream("webhook", f"{receiver.address}/hook", accounts=[account], format="flat", secret=SECRET)
        with subprocess.Popen(
            [sys.executable, "tests/scripts/fork_streams.py", str(connection.settings_dict["NAME"])],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as forks:
            assert forks.stdin and forks.stdout
            for _ in range(KILLS):
                forks.stdin.write("\n")
                killer.aim(int(forks.stdout.readline()))
                assert killer.wait()
            forks.stdin.close()
        killer.rest()
        assert 0 < len(set(receiver.taken.items)) < count
        Stream.objects.update(retry_at=None)

        for thread in deliver.start_ready():  # at once: that the holders of leases are gone can be seen here
            thread.join(60)

        stream.refresh_from_db()
        assert (stream.sent_count, stream.failures, stream.lease_until) == (count, 0, None)
        assert receiver.taken.first_arrivals(account.api_key) == numbers_of(account)
        extra = len(receiver.taken.items) - count
        assert 0 < extra <= KILLS * AT_ONCE
        # What came twice is recognised by its key: the same account and number, the same body.
        bodies: dict[int, str] = {}
        for body in receiver.taken.bodies:
            assert bodies.setdefault(body["sequence"], str(body)) == str(body)
    finally:
        receiver.close()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["move", "fail"])
def test_who_has_lost_the_stream_notes_nothing(
    name: str, account: NexmoAccount, make_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(5))
    receiver = HttpReceiver()
    if name == "fail":
        receiver.faults.append(500)
    stream = make_stream("webhook", f"{receiver.address}/hook", accounts=[account])
    noted = getattr(progress, name)

    def late(*args: Any, **kwargs: Any) -> None:
        Stream.objects.filter(pk=stream.pk).update(lease_owner="another worker")
        noted(*args, **kwargs)

    monkeypatch.setattr(progress, name, late)
    try:
        assert deliver.serve(stream.pk) == 0
    finally:
        receiver.close()

    stream.refresh_from_db()
    assert (stream.sent_count, stream.failures, stream.lease_owner) == (0, 0, "another worker")
    assert stream.cursors.get().seq == 0
