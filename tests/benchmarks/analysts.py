"""Analysts at work: threads that open pages one after the other, as people do who look for something."""

from __future__ import annotations

import re
import threading
import time
from html import unescape
from random import Random
from typing import Any
from urllib.parse import urljoin

from tests.benchmarks.figures import percentile
from tests.benchmarks.requests_made import COMBINATIONS, FILTERS, listing
from tests.benchmarks.web import Reader

_OLDER = re.compile(r'rel="next"[^>]*href="([^"]+)"')
_EVENT = re.compile(r'href="(/accounts/[^"/]+/events/[^"?]+/)["?]')


def assorted_paths(rng: Random) -> str:
    """What an analyst opens next, if not a link on the page before."""
    params = rng.choice([{}, {}, *FILTERS.values(), *COMBINATIONS.values()])
    return rng.choice(["/accounts/"] + 19 * [listing(**params)])


def next_path(rng: Random, path: str, body: str) -> str:
    """Older events, one event, or another question; `path` and `body` are the page's that is open."""
    draw = rng.random()
    if draw < 0.4 and (links := _OLDER.findall(body)):
        return urljoin(path, unescape(links[0]))
    if draw < 0.5 and (links := _EVENT.findall(body)):
        return unescape(rng.choice(links))
    return assorted_paths(rng)


class Analyst(threading.Thread):
    """One reader with one connection, until told to stop."""

    def __init__(self, port: int, cookie: str, seed: int, pause: float, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.port, self.cookie, self.pause, self.stop = port, cookie, pause, stop
        self.rng = Random(seed)
        self.seconds: list[float] = []
        self.errors: list[str] = []

    def run(self) -> None:
        path, body = "/events/", ""
        with Reader(self.port, self.cookie, timeout=60) as reader:
            while not self.stop.wait(self.rng.uniform(0.5, 1.5) * self.pause):
                path = next_path(self.rng, path, body)
                try:
                    status, seconds, content = reader.page(path)
                except OSError as error:
                    self.errors.append(f"{path}: {type(error).__name__}")
                    continue
                self.seconds.append(seconds)
                body = content.decode(errors="replace")
                if status != 200:
                    self.errors.append(f"{path}: status {status}")


def work(port: int, cookie: str, *, count: int, pause: float, seconds: float) -> dict[str, Any]:
    """Let so many analysts work for so long, and say how they fared. Times in milliseconds."""
    stop = threading.Event()
    people = [Analyst(port, cookie, seed, pause, stop) for seed in range(count)]
    for person in people:
        person.start()
    time.sleep(seconds)
    stop.set()
    for person in people:
        person.join(60)
    times = [taken * 1000 for person in people for taken in person.seconds]
    errors = [error for person in people for error in person.errors]
    middle, late = percentile(times, 0.5), percentile(times, 0.99)
    return {
        "analysts": count,
        "pause s": pause,
        "pages": len(times),
        "pages/s": len(times) / seconds,
        "median ms": middle,
        "p99 ms": late,
        "worst ms": max(times),
        "p99 / median": late / middle,
        "errors": len(errors),
        "first errors": errors[:5],
    }
