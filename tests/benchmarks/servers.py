"""The site under gunicorn and the sandbox, as processes on this machine; and how much memory a process uses."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.config import KEPT, ROOT, Archive, environment

PATIENCE = 20.0


def free_port() -> int:
    """A port that nobody on this machine listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gunicorn(archive: Archive, *, workers: int, threads: int = 4, log: str = "site.log") -> Iterator[tuple[int, int]]:
    """The site as it is run in earnest. Yields its port and the id of the master process."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config=python:auditsite.gunicorn", "auditsite.wsgi"]
    command += [f"--bind=127.0.0.1:{port}", f"--workers={workers}", f"--threads={threads}"]
    with (KEPT / log).open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(archive, DJANGO_SETTINGS_MODULE="auditsite.settings"),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(port, process)
            yield port, process.pid
        finally:
            end(process)


@contextmanager
def sandbox(*, pages: int, latency_ms: int, accounts: int = 20) -> Iterator[str]:
    """The simulated Audit API with so many pages of events for each account. Yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.nexmo", str(port), str(accounts), str(pages), str(latency_ms)]
    process = subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)})
    try:
        wait_for(port, process, seconds=60)
        yield f"http://127.0.0.1:{port}/beta/audit"
    finally:
        end(process)


def sandbox_state(address: str) -> dict[str, Any]:
    """What the sandbox says of itself, such as how many requests it had."""
    host = address.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", "/control/state")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return found


def wait_for(port: int, process: subprocess.Popen[Any], seconds: float = 30) -> None:
    """Return once a server answers on a port. Raises RuntimeError if it ends or does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"A server ended with exit code {process.returncode}; see its messages.")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"Nobody answers on port {port}.")


def end(process: subprocess.Popen[Any]) -> None:
    """Ask a server to end; kill it if it does not."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]


def memory(pid: int) -> float:
    """The resident memory of a process, in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


class Watch:
    """Samples the memory of a process while the block lasts."""

    def __init__(self, pid: int, every: float = 0.02) -> None:
        self.pid, self.every = pid, every
        self.before = self.peak = memory(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        while not self._stop.wait(self.every):
            with suppress(OSError):
                self.peak = max(self.peak, memory(self.pid))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
