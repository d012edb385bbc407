"""Measuring on a machine that others use too: what was interrupted is measured again.

The kernel counts how often it took the core away from a process that still wanted it. A measurement during which that
happened, to this process or to its PostgreSQL backend on the same machine, tells more of the others than of itself.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

TRIES = 3  # for each measurement that is wanted ...
PATIENCE = 0.5  # ... as long as they take no more seconds than this: what takes long is always interrupted


def interruptions(backend: int | None = None) -> int:
    """How often this process, and a database backend on this machine, had to give up the core so far."""
    count = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
    if backend:
        try:
            status = Path(f"/proc/{backend}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return count  # the server is elsewhere
        count += int(status.rpartition("nonvoluntary_ctxt_switches:")[2].split()[0])
    return count


def undisturbed(measure: Callable[[], tuple[float, Any]], times: int, backend: int | None = None) -> list[Any]:
    """So many measurements that were not interrupted, or else the shortest of those that were.

    `measure` returns how long it took and whatever else came of it; the whole pair is kept.
    """
    clean: list[Any] = []
    disturbed: list[Any] = []
    began = monotonic()
    for _ in range(times * TRIES):
        before = interruptions(backend)
        found = measure()
        (clean if interruptions(backend) == before else disturbed).append(found)
        late = monotonic() - began > PATIENCE and len(clean) + len(disturbed) >= times
        if len(clean) == times or late:
            break
    return (clean + sorted(disturbed, key=lambda each: each[0]))[:times]
