"""Starting our commands in processes of their own, on the database of the running test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    """What a process of ours needs from the environment, and nothing else of it."""
    keep = {name: os.environ[name] for name in ("PATH", "DATABASE_URL") if name in os.environ}
    return {"PYTHONPATH": str(ROOT), **keep, **more}


def start_command(sandbox_url: str, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """Start a management command and return its process, with its output as text."""
    process: Any = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "tests" / "scripts" / "run_command.py"),
            sandbox_url,
            str(connection.settings_dict["NAME"]),
            *arguments,
        ],
        cwd=ROOT,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Where the tests run in the background of a shell, Ctrl-C is ignored there, and in whatever they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    return process  # type: ignore[no-any-return]


def lives(process: int) -> bool:
    """Whether there is a process of this id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
