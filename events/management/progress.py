"""Bars for what takes long, on a terminal only."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@contextmanager
def copying(command: Any, words: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show how far a copy is: of a whole where that is known, else only how much there is."""
    console = Console(file=cast("IO[str]", command.stdout._out))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(words, total=None)

        def report(done: int, total: int | None) -> None:
            grown = "" if total else f" {done / 1_000_000:,.0f} MB"
            bars.update(bar, completed=done if total else 0, total=total, description=f"{words}{grown}")

        yield report


@contextmanager
def counting(file: IO[str], words: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many rows are written, of a whole where that is known; each call says how many more."""
    console = Console(file=file)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar, done = bars.add_task(words, total=total), 0

        def wrote(rows: int) -> None:
            nonlocal done
            done += rows
            of = f" of {total:,}" if total is not None else ""
            bars.update(bar, advance=rows, description=f"{words} {done:,}{of} rows")

        yield wrote


@contextmanager
def stages(file: IO[str], titles: Mapping[str, Any]) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show how far work of several stages is; each call says the stage, how much of it is done, and of how much."""
    console = Console(file=file)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar_of: dict[str, Any] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in bar_of:
                for finished in bar_of.values():
                    bars.update(finished, visible=False)
                bar_of[stage] = bars.add_task(str(titles[stage]), total=total)
            figure = f" {done:,}" if total is None and done else ""
            bars.update(bar_of[stage], completed=done, total=total, description=f"{titles[stage]}{figure}")

        yield report
