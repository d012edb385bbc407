"""The child process of a `Partner` that streams all events to a webhook, and writes them as the NDJSON export does."""

from __future__ import annotations

from time import perf_counter, process_time
from typing import Any

from tests.benchmarks.answering import Site, serve
from tests.benchmarks.partner import SUPERUSER


def do_stream(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """All events, from the first on, to an address: seconds, those of our processor, and how many were taken. After
    `at_most` seconds, if that is asked, no further ones."""
    from events.models import Stream
    from events.outbound import signing
    from events.streams import deliver, progress

    stream = Stream.objects.create(
        owner=site.users[SUPERUSER],
        name="Benchmark",
        kind=Stream.Kind.WEBHOOK,
        format=asked["format"],
        address=asked["address"],
        shown="here",
        secret=signing.new_secret(),
        start=Stream.Start.BEGINNING,
    )
    progress.begin(stream)
    began, worked, taken = perf_counter(), process_time(), 0
    at_most = asked.get("at_most", float("inf"))
    while perf_counter() - began < at_most and (some := deliver.serve(stream.pk)):  # turn by turn, as the worker does
        taken += some
    found = {"seconds": perf_counter() - began, "cpu": process_time() - worked, "taken": taken}
    stream.refresh_from_db()
    if stream.problem:
        raise RuntimeError(f"The stream failed: {stream.problem}")
    stream.delete()
    return found


def do_export(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """The same events as the lines of the NDJSON export, in UTF-8, thrown away."""
    from django.http import QueryDict

    from accounts.models import NexmoAccount
    from events.export.files import ndjson_lines
    from events.filters.form import EventFilter
    from events.reading.stream import stream_raw

    conditions = EventFilter(QueryDict(""), accounts=list(NexmoAccount.objects.all())).conditions
    began, worked = perf_counter(), process_time()
    size = sum(len(piece.encode()) for piece in ndjson_lines(stream_raw(conditions)))
    return {"seconds": perf_counter() - began, "cpu": process_time() - worked, "bytes": size}


if __name__ == "__main__":
    serve({"stream": do_stream, "export": do_export}, Site)
