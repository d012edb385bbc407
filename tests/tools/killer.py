"""Kills a process at random moments while it sends to a receiver of the test."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable

from werkzeug import Response

PATIENCE = 60  # seconds


class Killer:
    """Kills the child it was aimed at: a few requests later, at a random moment around its answer to the last of them.

    Requests wait until it is aimed, and once so many were taken no other is before the next aim: however busy the
    machine is, no more than `most_between` are between two kills.
    """

    def __init__(self, seed: int, most_between: int) -> None:
        self.instants, self.most_between = random.Random(seed), most_between
        self.child = self.left = 0
        self._aimed, self._killed = threading.Event(), threading.Event()
        self._counting, self._doomed = threading.Lock(), set[int]()

    def aim(self, child: int) -> None:
        with self._counting:
            self.child, self.left = child, self.instants.randint(1, self.most_between)
            self._doomed.discard(child)  # of another one, which is gone
            self._killed.clear()
            self._aimed.set()

    def rest(self) -> None:
        """Kill nobody from now on, and let everything through."""
        self.child = 0
        self._aimed.set()

    def wait(self) -> bool:
        """Whether the child is gone, within a minute."""
        return self._killed.wait(PATIENCE)

    def kill(self, child: int) -> None:
        with self._counting:
            if child in self._doomed:
                return  # another moment came first
            self._doomed.add(child)
            self._aimed.clear()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
            for _ in range(PATIENCE * 1_000):  # until it is gone: who comes after it finds its lease free
                os.kill(child, 0)
                time.sleep(0.001)
        self._killed.set()

    def around(self, take: Callable[[], Response]) -> Response:
        """The answer to a request that `take` takes, unless its sender dies before."""
        self._aimed.wait(PATIENCE)
        with self._counting:
            child = self.child
            self.left -= 1
            left = self.left
        if not child:
            return take()
        if left < 0:
            self._killed.wait(PATIENCE)
            return Response(status=503)
        answer = take()
        if left == 0:
            delay = self.instants.uniform(-0.01, 0.02)
            if delay <= 0:
                self.kill(child)  # before it knows that this was taken
            else:
                threading.Timer(delay, self.kill, (child,)).start()
        return answer
