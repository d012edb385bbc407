"""When Python looks for garbage in a process that works in batches."""

from __future__ import annotations

import gc

AFTER = 50_000  # objects more than were given back; Python's own 700 are for processes that make few


def collect_seldom() -> None:
    """Look for garbage less often, and never again in what was loaded so far.

    A batch of evaluation makes hundreds of thousands of events and hits that stay until its end. Looking through them
    for cycles, over and over, took a fifth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(AFTER, *gc.get_threshold()[1:])
