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


class Killer:
    """Kills the child it was aimed at: a few requests later, at a random moment around its answer to the last of them.

    Requests wait until it is aimed, and what a child still sends while it is about to be killed is not taken: however
    busy the machine is, a child gets no more through than `most_between` requests.
    """

    def __init__(self, seed: int, most_between: int) -> None:
        self.instants, self.most_between = random.Random(seed), most_between
        self.child = self.left = 0
        self._aimed, self._killed = threading.Event(), threading.Event()
        self._counting, self._doomed = threading.Lock(), set[int]()

    def aim(self, child: int) -> None:
        self.child, self.left = child, self.instants.randint(1, self.most_between)
        self._killed.clear()
        self._aimed.set()

    def rest(self) -> None:
        """Kill nobody from now on, and let everything through."""
        self.child = 0
        self._aimed.set()

    def wait(self) -> bool:
        """Whether the child is gone, within a minute."""
        return self._killed.wait(60)

    def kill(self, child: int) -> None:
        with self._counting:
            if child in self._doomed:
                return  # another moment came first
            self._doomed.add(child)
            self._aimed.clear()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
            while True:  # until it is gone: who comes after it finds its lease free
                os.kill(child, 0)
                time.sleep(0.001)
        self._killed.set()

    def around(self, take: Callable[[], Response]) -> Response:
        """The answer to a request that `take` takes, unless its sender dies before."""
        self._aimed.wait(60)
        child = self.child
        if not child:
            return take()
        with self._counting:
            self.left -= 1
            left = self.left
        if left < 0:
            self._killed.wait(60)
            return Response(status=503)
        answer = take()
        if left == 0:
            delay = self.instants.uniform(-0.01, 0.02)
            if delay <= 0:
                self.kill(child)  # before it knows that this was taken
            else:
                threading.Timer(delay, self.kill, (child,)).start()
        return answer
