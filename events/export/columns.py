"""What files with columns hold: which columns there are, and their cells, some events at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from events.display.event_table import FileTable, file_columns, page_columns
from events.reading.applications import names_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from accounts.models import NexmoAccount
    from events.reading import Row

Item = TypeVar("Item")
FIRST_LINES, LINES = 50, 200  # written and reported together

_NAMES = file_columns()
COLUMNS = tuple(_NAMES)
# What repeats other columns in words: for people, so that programs get it only where they ask.
IN_WORDS = ("what_happened", "source_country_name")
FOR_PROGRAMS = tuple(name for name in COLUMNS if name not in IN_WORDS)
# What people look for first in a spreadsheet, and then what happened in words.
FIRST_FOR_PEOPLE = ("created_at", "account", "account_name", "user_email", "what_happened")
# Called with the number of rows just written.
OnRows = Callable[[int], None]


def ignore_progress(rows: int) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True)
class Shape:
    """What a file of events looks like. Made while the request is there: a stream outlives it.

    Attributes:
        columns: of CSV and Excel, in the order of COLUMNS.
        zone: of the times.
        byte_order_mark: whether a CSV begins with one.
        whole: whether events as received hold what is sensitive in them too; columns never do.
    """

    columns: Sequence[str]
    zone: tzinfo
    byte_order_mark: bool = False
    whole: bool = False


def for_people(columns: Sequence[str]) -> tuple[str, ...]:
    """Columns in the order in which a spreadsheet has them."""
    first = [name for name in FIRST_FOR_PEOPLE if name in columns]
    return (*first, *(name for name in columns if name not in first))


def parts(rows: Iterable[Row], accounts: Mapping[int, NexmoAccount], shape: Shape) -> Iterator[list[Sequence[str]]]:
    """The cells of some events at a time, column by column."""
    table = FileTable((), accounts=accounts.values(), zone=shape.zone, shown=tuple(page_columns()), sequence=["..."])
    names = [_NAMES[name] for name in shape.columns]
    for some in pieces(rows):
        if "what_happened" in names:
            table.applications = names_for(some)
        yield table.values(some, names)


def pieces(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Some at a time: the first ones soon, then more together."""
    source, size = iter(items), FIRST_LINES
    while some := list(islice(source, size)):
        yield some
        size = LINES
