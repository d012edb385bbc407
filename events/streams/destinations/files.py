"""Files in a folder of this machine, one line of JSON for each item, for a log shipper to take up.

A batch is taken once it is on the disk. Files are begun anew each day and when they have grown; what is finished is
never written to again. A line that a crash cut short is removed before anything is added: it is sent again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from events.outbound.entered import NotUsable
from events.outbound.results import Outcome
from events.streams.batch import Batch, Delivered
from events.streams.destinations.destination import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

LARGEST = 64_000_000  # bytes, about: a file is finished after the batch that exceeds it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
FILE = re.compile(r"\d{4}-\d\d-\d\d-(\d{6})\.ndjson")
TAIL = 1_000_000  # bytes that are looked through at once for the end of the last whole line


class Files:
    """A folder of its own, in that which STREAM_FILES names."""

    most_bytes = 4_000_000

    def checked(self, entered: str) -> tuple[str, str]:
        """A folder's name."""
        if not settings.STREAM_FILES:
            raise NotUsable(_("No folder is configured for files (STREAM_FILES)."))
        entered = entered.strip()
        if not NAME.fullmatch(entered):
            raise NotUsable(_("The name of a folder consists of letters, digits, - and _ only."))
        return entered, entered

    def send(self, place: Place, batch: Batch) -> Delivered:
        if not settings.STREAM_FILES:
            return Delivered(0, Outcome(sent=False, problem="no_folder", is_final=True))
        try:
            _append(Path(settings.STREAM_FILES) / place.address, b"\n".join([*batch.items.bodies, b""]))
        except OSError as error:
            return Delivered(0, Outcome(sent=False, problem=f"disk {os.strerror(error.errno or 0)}"[:200]))
        return Delivered(len(batch.items))


def _append(folder: Path, lines: bytes) -> None:
    folder.mkdir(mode=0o750, exist_ok=True)
    with _alone(folder) as directory:
        with _current(folder) as file:
            _end_at_a_line(file)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        os.fsync(directory)  # else a new file's name might be lost


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Keep whoever has lost the stream, and does not know it yet, from writing meanwhile. Yields the folder's
    descriptor."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield directory
    finally:
        os.close(directory)


def _current(folder: Path) -> BinaryIO:
    """The file to write to, made where it is not there."""
    today = f"{timezone.now():%Y-%m-%d}"
    names = sorted((name for name in os.listdir(folder) if FILE.fullmatch(name)), key=_number)
    last = names[-1] if names else ""
    if last.startswith(today) and (folder / last).stat().st_size < LARGEST:
        return (folder / last).open("r+b")
    number = _number(last) + 1 if last else 1
    descriptor = os.open(folder / f"{today}-{number:06}.ndjson", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
    return os.fdopen(descriptor, "r+b")


def _number(name: str) -> int:
    match = FILE.fullmatch(name)
    return int(match[1]) if match else 0


def _end_at_a_line(file: BinaryIO) -> None:
    """Go to the end of the last whole line, and cut off what stands behind it."""
    end = at = file.seek(0, os.SEEK_END)
    while at > 0:
        start = max(0, at - TAIL)
        file.seek(start)
        found = file.read(at - start).rfind(b"\n")
        if found >= 0:
            at = start + found + 1
            break
        at = start
    if at < end:
        file.truncate(at)
    file.seek(at)
