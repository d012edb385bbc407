"""The child process of a `Partner` that adds batches of events to a copy of the archive and says how long each took."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from time import perf_counter
from typing import Any

from tests.benchmarks import internals
from tests.benchmarks import vocabulary as words
from tests.benchmarks.answering import serve
from tests.benchmarks.generator import END, Story

_TURN = 0.6180339887  # steps of the golden ratio scatter evenly


class Desk:
    """A copy of the archive, to be written to."""

    def __init__(self) -> None:
        from accounts.models import NexmoAccount

        self.accounts = {account.api_key: account for account in NexmoAccount.objects.all()}
        self.raw: Any = None
        self.seq = 1_000_000_000  # beyond every place that the product gives
        internals.forget_coverage()

    def events(self, total: int, batch: int, size: int, order: str) -> tuple[Any, list[Any]]:
        """An account and a batch of new events for it: the newest there are, or from all of the three years."""
        from events.nexmo.parse import parse_event

        story = Story(total)
        key = words.api_key(batch % (words.ACCOUNTS - words.SILENT))
        events = []
        for n in range(size):
            place = batch * size + n
            share = 1 + place / total / 100 if order == "in order" else place * _TURN % 1
            made = story.event(total + place, at_share=share) | {"account_id": key, "id": f"{order[:2]}{place:012d}"}
            events.append(parse_event(json.dumps(made, ensure_ascii=False, separators=(",", ":")), UTC))
        return self.accounts[key], events


def do_ready(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """Only what making a `Desk` does."""
    return {}


def do_ours(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """A batch through `add_events`, and how much of that the chain's hashing takes."""
    from events.archive.add import add_events

    account, events = desk.events(asked["total"], asked["batch"], asked["size"], asked["order"])
    began = perf_counter()
    added = add_events(account, events, run=None, fetched_at=END + timedelta(days=1))
    seconds = perf_counter() - began
    if added.new != asked["size"]:
        raise RuntimeError(f"{added.new} of {asked['size']} were new")
    hashing = sorted(internals.hashing_ms(account, events) for _ in range(3))[1]
    return {"ms": [seconds * 1000], "hashing": hashing}


def do_raw(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """A batch through the driver alone, its values made ready beforehand."""
    from django.db import connection

    postgresql = connection.vendor == "postgresql"
    if desk.raw is None:
        desk.raw = (_open_postgresql if postgresql else _open_sqlite)(connection)
    account, events = desk.events(asked["total"], asked["batch"], asked["size"], asked["order"])
    rows = internals.ready_rows(account, events, END + timedelta(days=1), desk.seq)
    desk.seq += len(rows)
    began = perf_counter()
    (_copy if postgresql else _executemany)(desk.raw, rows)
    return {"ms": [(perf_counter() - began) * 1000]}


def _open_sqlite(connection: Any) -> Any:
    import sqlite3

    settings = connection.settings_dict
    raw = sqlite3.connect(settings["NAME"], isolation_level=None)
    raw.executescript(settings["OPTIONS"]["init_command"])  # the same journal, cache and checkpoints as the site
    internals.drop_guards(raw, postgresql=False)
    return raw


def _open_postgresql(connection: Any) -> Any:
    import psycopg

    parameters = connection.get_connection_params()
    wanted = ("dbname", "user", "password", "host", "port")
    raw = psycopg.connect(**{name: parameters[name] for name in wanted if parameters.get(name)}, autocommit=True)
    internals.drop_guards(raw, postgresql=True)
    names = ", ".join(internals.columns())
    raw.execute(f"CREATE TEMP TABLE staged AS SELECT {names} FROM {internals.EVENTS} LIMIT 0")
    return raw


def _executemany(raw: Any, rows: list[list[Any]]) -> None:
    names = internals.columns()
    marks = ", ".join("?" * len(names))
    raw.execute("BEGIN IMMEDIATE")
    raw.executemany(f"INSERT INTO {internals.EVENTS} ({', '.join(names)}) VALUES ({marks})", rows)
    raw.execute("COMMIT")


def _copy(raw: Any, rows: list[list[Any]]) -> None:
    names = ", ".join(internals.columns())
    with raw.transaction():
        raw.execute("TRUNCATE staged")
        with raw.cursor().copy(f"COPY staged ({names}) FROM STDIN") as into:
            for row in rows:
                into.write_row(row)
        raw.execute(f"INSERT INTO {internals.EVENTS} ({names}) SELECT {names} FROM staged ON CONFLICT DO NOTHING")


if __name__ == "__main__":
    serve({"ready": do_ready, "ours": do_ours, "raw": do_raw}, Desk)
