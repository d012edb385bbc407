"""Counting what Python does: a cost that is the same on every machine and every run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def python_calls(run: Callable[[], Any]) -> int:
    """How many Python functions are called, and generators resumed, by `run`; those written in C do not count."""
    count = 0

    def profile(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal count
        if event == "call":
            count += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count
