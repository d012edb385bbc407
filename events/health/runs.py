"""The latest syncs of an account as its page lists them: those without news fold into one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.models import SyncRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from accounts.models import NexmoAccount

LINES = 15
READ = 60  # runs: a line of them is long enough
LEAST = 3  # runs that are worth folding


@dataclass(frozen=True)
class RunLine:
    """One line of the list: a run, or several in a row that brought nothing."""

    runs: tuple[SyncRun, ...]  # newest first

    @property
    def is_folded(self) -> bool:
        return len(self.runs) > 1

    @property
    def first(self) -> datetime:
        """When the earliest of them started."""
        return self.runs[-1].started_at

    @property
    def last(self) -> datetime:
        """When the latest of them started."""
        return self.runs[0].started_at

    @property
    def seen(self) -> int:
        return sum(run.seen for run in self.runs)

    @property
    def requests(self) -> int:
        return sum(run.requests for run in self.runs)


def latest_runs(account: NexmoAccount) -> list[RunLine]:
    """The latest syncs, newest first. The newest of all stands by itself, whatever it brought."""
    runs = list(SyncRun.objects.filter(account=account).select_related("requested_by")[:READ])
    return [RunLine((run,)) for run in runs[:1]] + list(_folded(runs[1:]))[: LINES - 1]


def _folded(runs: Iterable[SyncRun]) -> Iterator[RunLine]:
    quiet: list[SyncRun] = []
    for run in runs:
        if _is_quiet(run):
            quiet.append(run)
            continue
        yield from _line(quiet)
        quiet = []
        yield RunLine((run,))
    yield from _line(quiet)


def _line(quiet: list[SyncRun]) -> list[RunLine]:
    return [RunLine(tuple(quiet))] if len(quiet) >= LEAST else [RunLine((run,)) for run in quiet]


def _is_quiet(run: SyncRun) -> bool:
    """Whether it went well, brought nothing, and nobody asked for it."""
    went_well = run.status == SyncRun.Status.SUCCEEDED and not run.problem
    return went_well and not (run.added or run.conflicts_found or run.requested_by_id)
