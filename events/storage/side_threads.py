"""Threads beside the one that works: for calls that may never come back, because Python cannot end a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class SideThreads:
    """At most one thread for each key. One that hangs is left behind, and keeps its key busy."""

    def __init__(self, name: str) -> None:
        """
        Args:
            name: what the threads are called.
        """
        self.name = name
        self._running: dict[Hashable, threading.Thread] = {}
        self._lock = threading.Lock()

    def start(self, key: Hashable, run: Callable[[], None]) -> threading.Thread | None:
        """Call something in a thread of its own; None where the key's earlier one has not come back."""
        with self._lock:
            if (earlier := self._running.get(key)) and earlier.is_alive():
                return None
            thread = threading.Thread(target=run, daemon=True, name=self.name)
            self._running[key] = thread
            thread.start()
        return thread

    def running(self) -> list[Hashable]:
        """The keys whose threads have not come back."""
        with self._lock:
            self._running = {key: thread for key, thread in self._running.items() if thread.is_alive()}
            return list(self._running)


class Beside(Generic[T]):
    """A call that is being made in a thread of its own. The process does not wait for it when it ends."""

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        self._answers, self._errors = list[T](), list[BaseException]()
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)
        self._thread.start()

    def is_done(self, within: float) -> bool:
        """Whether it has come back, or does so within some seconds."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def result(self) -> T:
        """What it returned, once it has. Raises what it raised."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._answers[0]

    def _run(self) -> None:
        try:
            self._answers.append(self._call())
        except BaseException as error:  # raised where it is waited for
            self._errors.append(error)
