"""The pace at which Nexmo is asked, per account, over all processes and machines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import SyncState
from events.nexmo.client import Pacer
from events.sandbox import Sandbox
from events.sync import state
from events.sync.clients import SharedPacer, client_for
from events.sync.engine import sync_account
from tests.tools.processes import ROOT, environment


def test_moments_are_an_interval_apart(account: NexmoAccount) -> None:
    pacer = SharedPacer(account, 0.1)

    assert [pacer.delay() for _ in range(3)] == [0, pytest.approx(10, abs=1), pytest.approx(20, abs=1)]


def test_two_pacers_of_one_account_share_its_pace_and_another_account_has_its_own(account: NexmoAccount) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")

    assert SharedPacer(account, 0.1).delay() == 0
    assert SharedPacer(account, 0.1).delay() > 5
    assert SharedPacer(other, 0.1).delay() == 0


def test_nothing_is_saved_up_while_idle(account: NexmoAccount) -> None:
    state.ensure([account])
    SyncState.objects.update(next_request_at=timezone.now() - timedelta(hours=1))
    pacer = SharedPacer(account, 0.1)

    assert pacer.delay() == 0
    assert pacer.delay() > 5


def test_clock_that_was_wrong_does_not_stop_the_account(account: NexmoAccount) -> None:
    state.ensure([account])
    SyncState.objects.update(next_request_at=timezone.now() + timedelta(days=400))

    assert SharedPacer(account, 1).delay() <= 60


def test_moment_taken_in_between_is_not_taken_twice(account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes the moment after this one has looked and before it writes."""
    pacer, other = SharedPacer(account, 0.1), SharedPacer(account, 0.1)
    update = type(SyncState.objects.all()).update
    between = [other]

    def late(self: Any, **values: Any) -> int:
        if between:
            assert between.pop().delay() == 0
        return int(update(self, **values))

    monkeypatch.setattr(type(SyncState.objects.all()), "update", late)

    assert pacer.delay() == pytest.approx(10, abs=1)


@pytest.mark.django_db(transaction=True)
def test_processes_together_keep_the_pace(cast: Any) -> None:
    each, interval = 12, 0.1
    command = [
        sys.executable,
        "tests/scripts/claim_moments.py",
        str(connection.settings_dict["NAME"]),
        str(each),
        str(interval),
    ]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    moments = sorted(float(line) for process in processes for line in process.communicate(timeout=60)[0].split())

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(moments) == 3 * each
    # A moment is told a little after the clock was read, the very first by as much as it took to write it down.
    assert min(later - earlier for earlier, later in zip(moments, moments[1:], strict=False)) > interval / 2
    assert moments[-1] - moments[0] > (3 * each - 2) * interval


def test_without_a_limit_the_database_is_not_asked(
    account: NexmoAccount, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.NEXMO_REQUESTS_PER_SECOND = 0.0
    with django_assert_num_queries(0), client_for(account) as client:
        assert isinstance(client.pacer, Pacer)
        assert client.pacer.delay() == 0


@pytest.mark.django_db(transaction=True)
def test_sync_keeps_the_pace(account: NexmoAccount, make_sandbox: Callable[..., Sandbox], settings: Any) -> None:
    sandbox = make_sandbox(accounts=1, events=900)
    settings.NEXMO_REQUESTS_PER_SECOND = 20.0
    began = timezone.now()

    run = sync_account(account)

    assert run is not None and run.status == "succeeded"
    assert (timezone.now() - began).total_seconds() >= (len(sandbox.requests) - 1) / 20


def test_account_that_is_removed_meanwhile_is_let_go(account: NexmoAccount) -> None:
    state.ensure([account])
    SyncState.objects.filter(account=account).delete()
    with pytest.raises(state.LeaseLost):
        state.next_moment(account, 1.0)
