"""Evaluation that is killed, or fails, at any instant: nothing is lost and nothing found twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from random import Random
from typing import Any

import pytest
from django.db import connection

from accounts.models import NexmoAccount
from events.detection.evaluation import follow as following
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting
from events.models import DetectionCursor, Finding, FindingChange, SeenField
from tests.detection.archives import add, random_event, random_rules, stored, told
from tests.tools.processes import ROOT, environment, lives

KILLS = 30
SEED = "evaluated"
WRITES = ("INSERT", "UPDATE", "DELETE")


@pytest.mark.django_db(transaction=True)
def test_killed_at_thirty_instants_no_finding_is_lost_or_doubled(cast: Any) -> None:
    chance = Random(SEED)
    rules = random_rules(Random(SEED))
    accounts = list(NexmoAccount.objects.order_by("api_key")[:2])
    for start in range(0, 400, 40):
        add(accounts[start // 40 % 2], [random_event(chance, number) for number in range(start, start + 40)])
    reached = []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.scripts.fork_evaluations", str(connection.settings_dict["NAME"]), SEED],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as forks:
        assert forks.stdin
        assert forks.stdout
        for _ in range(KILLS):
            before = _followed()
            forks.stdin.write("\n")
            child = int(forks.stdout.readline())
            deadline = time.monotonic() + 60  # a busy machine takes its time for the first batch
            while _followed() == before and lives(child) and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.03))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            reached.append(_followed())
        forks.stdin.close()
    assert reached == sorted(reached)
    assert len(set(reached)) > 3, "killed before it had done anything, or after all was done"
    follow(rules=rules)

    for rule in rules:
        found = told(Hunting(rule).run())
        assert stored(rule) == found
    live = Finding.objects.exclude(state=Finding.State.WITHDRAWN)
    assert live.exists()
    assert FindingChange.objects.filter(action="found").count() == Finding.objects.count()


def _followed() -> int:
    return sum(DetectionCursor.objects.values_list("seq", flat=True))


class _Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.mark.django_db
def test_ended_before_any_write_a_batch_leaves_nothing_behind(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 30)
    chance = Random("write by write")
    rules = random_rules(chance, 4)
    (account, *_) = NexmoAccount.objects.order_by("api_key")
    add(account, [random_event(chance, number, days=0.5) for number in range(20)])
    follow(rules=rules)
    DetectionCursor.objects.get()  # it is there already
    add(account, [random_event(chance, number, days=0.5) for number in range(20, 35)])
    before = _everything()
    ends = 0
    while True:
        left = [ends]

        def stop(execute: Any, sql: str, params: Any, many: bool, context: Any, left: list[int] = left) -> Any:
            if sql.startswith(WRITES):
                left[0] -= 1
                if left[0] < 0:
                    raise _Killed
            return execute(sql, params, many, context)

        with contextlib.suppress(_Killed), connection.execute_wrapper(stop):
            follow(rules=rules)
            break
        assert _everything() == before, f"after {ends} writes"
        ends += 1
    assert ends > 10

    for rule in rules:
        assert stored(rule) == told(Hunting(rule).run())


def _everything() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (DetectionCursor, Finding, FindingChange, SeenField)
    ]
