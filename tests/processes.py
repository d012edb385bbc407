"""Starting our commands in processes of their own, on the database of the running test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def start_command(sandbox_url: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a management command and return its process, with its output as text."""
    keep = {name: os.environ[name] for name in ("PATH", "DATABASE_URL") if name in os.environ}
    process: Any = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "tests" / "run_command.py"),
            sandbox_url,
            str(connection.settings_dict["NAME"]),
            *arguments,
        ],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **keep, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process  # type: ignore[no-any-return]
