"""A process that answers requests and times them itself, asked over a pipe.

Two archives of different sizes, or two sites with different settings, are measured side by side by asking two partners
in turn: each keeps its own database connection and caches warm, and the pipe is not part of what is timed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Self

from tests.benchmarks.config import ROOT, Archive, environment

SUPERUSER = "bench-superuser"


class PartnerFailed(Exception):
    """The other process could not do what it was asked."""


class Partner:
    """A child process on one archive. Use it as a context manager."""

    def __init__(self, archive: Archive, module: str = "answering", **more: str) -> None:
        self.archive = archive
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.{module}"],
            cwd=ROOT,
            env=environment(archive, **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """One request and its answer. Raises PartnerFailed."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PartnerFailed("The process has ended; see its messages above.") from None
        line = self._process.stdout.readline()
        if not line:
            raise PartnerFailed("The process ended without an answer; see its messages above.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PartnerFailed(f"{do} {what.get('path', '')}: {answer['error']}")
        return answer

    def visit(self, path: str, *, user: str = "bench-auditor", **how: Any) -> dict[str, Any]:
        """Visit a page. Raises PartnerFailed unless it answers 200."""
        answer = self.ask("visit", path=path, user=user, **how)
        if answer["status"] != 200:
            raise PartnerFailed(f"{path}: status {answer['status']}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
