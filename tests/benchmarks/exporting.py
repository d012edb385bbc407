"""The child process of a `Partner` that reads all events with the raw driver and writes them as simply as can be."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from tests.benchmarks import internals
from tests.benchmarks.answering import Site, serve

AT_ONCE = 2_000


class _Nowhere:
    """A file that only counts."""

    def __init__(self) -> None:
        self.characters = 0

    def write(self, text: str) -> int:
        self.characters += len(text)
        return len(text)


def _rows(site: Site) -> Iterator[tuple[Any, ...]]:
    """All rows, newest first, streamed: SQLite does so by itself, PostgreSQL with a cursor on the server."""
    raw = site.raw_connection()
    if hasattr(raw, "transaction"):
        with raw.transaction(), raw.cursor(name="all_rows") as cursor:
            cursor.itersize = AT_ONCE
            yield from cursor.execute(internals.ALL_ROWS)
    else:
        cursor = raw.cursor()
        cursor.arraysize = AT_ONCE
        yield from cursor.execute(internals.ALL_ROWS)


def do_csv(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """The columns of our CSV as they come: no time zone, no masking, nothing made harmless."""
    began, sink = perf_counter(), _Nowhere()
    writer = csv.writer(sink)
    rows = 0
    for row in _rows(site):
        writer.writerow(row)
        rows += 1
    return {"seconds": perf_counter() - began, "rows": rows, "characters": sink.characters}


def do_ndjson(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """`json.dumps` of each row, its context decoded so that it is nested as it was received."""
    began, sink = perf_counter(), _Nowhere()
    names, rows = internals.EXPORT_COLUMNS, 0
    for row in _rows(site):
        fields = dict(zip(names, row, strict=True))
        fields["created_at"] = str(fields["created_at"])
        fields["context"] = json.loads(fields["context"]) if fields["context"] else None
        sink.write(json.dumps(fields) + "\n")
        rows += 1
    return {"seconds": perf_counter() - began, "rows": rows, "characters": sink.characters}


def do_orm(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """`json.dumps` of each event as it is usually written in Django: streamed model instances."""
    from django.db import connection, transaction

    from events.models import AuditEvent

    began, sink, rows = perf_counter(), _Nowhere(), 0
    names = [name for name in internals.EXPORT_COLUMNS if name not in ("account", "account_name")]
    # PostgreSQL streams within a transaction only; on SQLite one would keep everybody else from writing.
    with transaction.atomic() if connection.vendor == "postgresql" else contextlib.nullcontext():
        events = AuditEvent.objects.select_related("account").order_by("-created_at", "-id")
        for event in events.iterator(chunk_size=AT_ONCE):
            fields = {name: getattr(event, name) for name in names}
            fields |= {"account": event.account.api_key, "account_name": event.account.name}
            sink.write(json.dumps(fields, default=str) + "\n")
            rows += 1
    return {"seconds": perf_counter() - began, "rows": rows, "characters": sink.characters}


if __name__ == "__main__":
    serve({"csv": do_csv, "ndjson": do_ndjson, "orm": do_orm}, Site)
