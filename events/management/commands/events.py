"""`manage.py events`: events as NDJSON for a pipe, and, with --follow, those that arrive from then on."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.db import close_old_connections

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind
from accounts.models import NexmoAccount
from events.export.files import ndjson_lines
from events.management.filtering import add_filter_arguments, read_filter
from events.masking import mask_json
from events.reading.arrivals import heads, read_arrivals
from events.reading.filterable import PARAMETERS
from events.reading.stream import stream_raw
from events.wording.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.filters.form import EventFilter

BATCH = 500  # events that are read at a time while following
ASK_EVERY = 1.0  # seconds, whether a person still sees what is sensitive


class Command(LoggedCommand):
    help = (
        "Prints archived events as NDJSON: one a line, as received, newest first. With --follow they come in the order "
        "in which they were archived, and more as they arrive, until it is stopped or nobody reads on."
    )
    begun, ended, about = Action.EXPORT_BEGUN, Action.EXPORT_ENDED, Kind.EVENT
    told_options = (*PARAMETERS, "follow", "from_now", "user")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--follow", action="store_true", help="Go on with events as they arrive, late ones too.")
        parser.add_argument(
            "--from-now",
            action="store_true",
            dest="from_now",
            help="With --follow: leave out what is archived already.",
        )
        parser.add_argument(
            "--interval", type=float, default=2.0, metavar="SECONDS", help="How often to look for more; 2 by default."
        )
        parser.add_argument("--user", metavar="NAME", help="Only what this person may see; all accounts without it.")
        add_filter_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0.05 <= options["interval"] <= 3_600:
            raise CommandError("--interval takes seconds, from 0.05 to 3600.")
        if options["from_now"] and not options["follow"]:
            raise CommandError("--from-now is for --follow.")
        reader = _person(options["user"])
        event_filter = _filter(options, reader)
        output = Output(sys.stdout.buffer, reader)
        stop = Stop()
        # A supervisor's TERM ends it as Ctrl-C does: between two lines.
        before = (
            {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)} if _is_main() else {}
        )
        try:
            if not options["follow"]:
                output.write(stream_raw(event_filter.conditions), stop)
                return
            places = heads(None) if options["from_now"] else {}
            while True:
                places = _write_arrivals(event_filter, places, output, stop)
                if stop.wait(options["interval"], output.file):
                    return
                close_old_connections()
                event_filter = _filter(options, reader)  # accounts are shared and taken back, and days go on
        except KeyboardInterrupt:
            pass  # while it waited, or for the second time
        except BrokenPipeError:
            # Whoever read has enough. Python would try to empty its buffer once more at its end, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Stop:
    """Whether it was told to end. A line is finished first, even where its reader is slow; being told again breaks off.

    It handles signals, and so it takes no lock: the one of an Event may be held by the very code that is interrupted.
    """

    def __init__(self) -> None:
        self.is_told = self._waits = False

    def __call__(self, *_signal: object) -> None:
        if self.is_told or self._waits:
            raise KeyboardInterrupt
        self.is_told = True

    def wait(self, seconds: float, file: IO[bytes]) -> bool:
        """Wait so long, and say whether it was told to end. Raises BrokenPipeError once nobody reads the file."""
        self._waits = True
        if not self.is_told:
            poll = select.poll()
            poll.register(file.fileno(), 0)  # errors are told without being asked for
            if poll.poll(seconds * 1_000):
                raise BrokenPipeError
        self._waits = False
        return self.is_told


class Output:
    """Where lines go: whole ones, at once.

    Args:
        reader: the person whose sight it has; without one, that of whoever may read the database.
    """

    def __init__(self, file: IO[bytes], reader: Any = None) -> None:
        self.file, self.reader = file, reader
        self.is_terminal = file.isatty()

    def write(self, raws: Iterable[str], stop: Stop) -> None:
        for lines in ndjson_lines(raws if self.reader is None else self._as_seen(raws)):
            # Foreign text must not drive a terminal.
            text = "".join(f"{printable(line)}\n" for line in lines.split("\n")[:-1]) if self.is_terminal else lines
            left = memoryview(text.encode())
            while left:  # with PYTHONUNBUFFERED a signal cuts a write short
                left = left[self.file.write(left) :]
            self.file.flush()
            if stop.is_told:
                return

    def _as_seen(self, raws: Iterable[str]) -> Iterator[str]:
        """Events as the person may see them, who is asked about again while they are printed: a permission that is
        taken away ends what it showed."""
        asked, sees = -ASK_EVERY, False
        for raw in raws:
            if time.monotonic() - asked >= ASK_EVERY:
                sees = NexmoAccount.objects.sees_sensitive(_person(self.reader.get_username()))
                asked = time.monotonic()
            yield raw if sees else mask_json(raw)


def _write_arrivals(event_filter: EventFilter, places: dict[int, int], output: Output, stop: Stop) -> dict[int, int]:
    """Print what was archived beyond these places; returns how far that is."""
    while True:
        batch = read_arrivals(event_filter.conditions, places, BATCH)
        output.write((arrival.raw for arrival in batch.arrivals), stop)
        # An account that cannot be seen just now is not begun anew when it can be again.
        places = places | batch.places
        if not batch.more or stop.is_told:
            return places


def _filter(options: dict[str, Any], reader: Any) -> EventFilter:
    if reader is not None:
        reader = _person(reader.get_username())  # with the rights of now
    return read_filter(options, reader)


def _person(name: str | None) -> Any:
    """The person whose sight it has. Raises CommandError."""
    if name is None:
        return None
    person = get_user_model().objects.filter(username=name, is_active=True).first()
    if person is None:
        raise CommandError(printable(f"There is no active user {name!r}."))
    return person


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
