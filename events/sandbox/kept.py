"""Events added to a running sandbox, kept in a file, so that a later start lists them again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from events.sandbox.store import Row, row_of


class KeptFile:
    """One line of JSON for each event: its account, when the API learnt it, and its text."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self) -> Iterator[tuple[str, Row]]:
        """The events kept so far, each with its account's key.

        Raises:
            ValueError: a line is none of ours.
        """
        if not self._path.exists():
            return
        for number, line in enumerate(self._path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                kept = json.loads(line)
                yield str(kept["account"]), row_of(str(kept["text"]), float(kept["arrived"]))
            except (ValueError, TypeError, KeyError):
                raise ValueError(f"{self._path}, line {number}, holds no event that the sandbox kept") from None

    def add(self, api_key: str, rows: Iterable[Row]) -> None:
        lines = [
            json.dumps({"account": api_key, "arrived": row.arrived, "text": row.body.decode("utf-8", "surrogatepass")})
            for row in rows
        ]
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
