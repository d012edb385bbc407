"""Everything that the benchmark knows of the product's inside. Whoever changes that inside adapts this module alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

EVENTS = "events_auditevent"

# The same rows and columns as a page of ours, for the bare view and the floor.
NEWEST_ROWS = f"""
    SELECT e.event_id, e.created_at, a.name, e.event_type, e.event_type_description, e.user_email, e.source,
           e.source_country, e.source_ip, e.context
    FROM {EVENTS} e JOIN accounts_nexmoaccount a ON a.id = e.account_id
    ORDER BY e.created_at DESC, e.id DESC LIMIT 50
"""
# The same columns as our CSV, for the raw driver's rate.
ALL_ROWS = f"""
    SELECT e.created_at, a.api_key, a.name, e.event_id, e.event_type, e.event_type_description, e.user_email, e.user_id,
           e.source, e.source_description, e.source_ip, e.source_country, e.context, e.odd_fields
    FROM {EVENTS} e JOIN accounts_nexmoaccount a ON a.id = e.account_id
    ORDER BY e.created_at DESC, e.id DESC
"""
EXPORT_COLUMNS = (
    "created_at", "account", "account_name", "event_id", "event_type", "event_type_description", "user_email",
    "user_id", "source", "source_description", "source_ip", "source_country", "context", "odd_fields",
)  # fmt: skip

# What our own path is asked with for table and form alone, which is what the stock page holds (`events_page`).
FRAGMENT_HEADERS = {"HX-Request": "true"}

# What a page says that had to end before it was full or at the end.
ENDED_EARLY = b"Searched back to"

# What each relation's bytes are counted under; the first pattern that fits its name.
SIZE_GROUPS: tuple[tuple[str, str], ...] = (
    ("search index", r"^events_search|^event_account_text$"),
    ("rollups", r"daycount|monthcount|firstseen|day_count|month_count|first_seen"),
    ("events: unique and primary keys", r"event_once|event_seq_once|auditevent_pkey|sqlite_autoindex_events_aud"),
    ("events: indexes for filters", r"^event_|auditevent.*_idx$"),
    ("events: table", r"^events_auditevent"),
)  # fmt: skip


def group_of(relation: str) -> str:
    """What a relation's bytes are counted under."""
    return next((title for title, pattern in SIZE_GROUPS if re.search(pattern, relation)), "everything else")


def cursor(created_at: datetime, pk: int) -> str:
    """The `before=` value of the page that begins after a row."""
    from events.reading import Cursor

    return str(Cursor(created_at, pk))


def columns() -> list[str]:
    """The database columns of an event, without its key."""
    from events.models import AuditEvent

    return [field.column for field in AuditEvent._meta.concrete_fields if not field.primary_key]


def ready_rows(account: Any, events: Sequence[Any], fetched_at: datetime, first_seq: int) -> list[list[Any]]:
    """The database values of events for a raw insert: all the work before the driver's, done beforehand."""
    from django.db import connection

    from events.models import AuditEvent
    from events.nexmo.values import ip_key
    from events.storage.search_index import searchable_text

    fields = [field for field in AuditEvent._meta.concrete_fields if not field.primary_key]
    parsed = {field.name for field in fields} - {"account", "odd_fields"}
    rows = []
    for seq, event in enumerate(sorted(events, key=lambda event: event.created_at), start=first_seq):
        known = {name: getattr(event, name) for name in parsed if hasattr(event, name)}
        row = AuditEvent(
            **known | {"seq": seq, "digest": f"{seq:064x}"},
            account=account,
            event_id_key=event.identity,
            source_ip_key=ip_key(event.source_ip),
            searchable=searchable_text(event.raw),
            odd_fields=",".join(event.odd_fields),
            fetched_at=fetched_at,
        )
        rows.append([field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields])
    return rows


def hashing_ms(account: Any, events: Sequence[Any]) -> float:
    """Milliseconds that the chain's hashing of archived events takes, alone: all that a chain adds to an insert.

    An insert with the hashing left out would be the other way to learn it, but two inserts differ by more than that,
    whenever one of them happens to merge a search index.
    """
    from time import perf_counter

    from events.models import AuditEvent
    from events.storage import chain

    rows = AuditEvent.objects.filter(account=account, event_id__in=[event.event_id for event in events])
    records = [chain.values_of(row) for row in rows.order_by("seq")]
    digest = bytes(32)
    began = perf_counter()
    for record in records:
        digest = chain.link(digest, chain.record_hash(record))
        digest.hex()
    return (perf_counter() - began) * 1000


def archived(account_keys: Sequence[str]) -> dict[str, int]:
    """How many events of each account are archived."""
    from events.models import ChainHead

    found = dict(ChainHead.objects.values_list("account__api_key", "seq"))
    return {key: found.get(key, 0) for key in account_keys}


def note_complete(account: Any, until: datetime) -> None:
    """Let an account look as it does after a good sync."""
    from events.models import SyncRun, SyncState, SyncWindow
    from events.sync import coverage

    now = datetime.now(UTC)
    SyncState.objects.filter(account=account).update(last_success_at=now)
    run = SyncRun.objects.create(account=account, trigger="command", started_at=now, status="succeeded", added=1)
    SyncWindow.objects.create(account=account, run=run, asked_at=max(now, until), verified=True)
    coverage.add(account, None, until)


def forget_coverage() -> None:
    """Let older events arrive without each being noted as late: as in a first sync."""
    from events.models import CoveredSpan

    CoveredSpan.objects.all().delete()


def settle() -> None:
    """What a database does sooner or later by itself. SQLite gathers no statistics unless told, so it has none here."""
    from django.db import connection

    with connection.cursor() as db:
        if connection.vendor == "postgresql":
            db.execute("VACUUM (ANALYZE)")
            db.execute("CHECKPOINT")
        else:
            db.execute("DROP TABLE IF EXISTS sqlite_stat1")  # whoever looked at a kept archive may have left some
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def drop_guards(raw: Any, *, postgresql: bool) -> None:
    """Take the append-only triggers off a copy, so that a raw insert pays for indexes and search alone."""
    from events.storage import triggers

    names = [(table, name) for table, name in triggers.names()]
    if postgresql:
        for table, name in [*names, *((table, f"{table}_no_truncate") for table in triggers.ALL)]:
            raw.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
    else:
        for _, name in [*names, (EVENTS, f"{EVENTS}_no_replace")]:
            raw.execute(f"DROP TRIGGER IF EXISTS {name}")


def events_page(request: Any) -> Any:
    """Our page of events; with FRAGMENT_HEADERS only its filter form and table, made of the same parts."""
    from django.shortcuts import render

    from events.display.event_table import EventTable
    from events.display.page_size import SIZES
    from events.reading import Cursor, read_page
    from events.views import lists
    from events.views.scope import filtered_events

    if not request.headers.get("HX-Request"):
        return lists.event_list(request)
    found = filtered_events(request)
    before = request.GET.get("before")
    page = read_page(found.conditions, 50, before=Cursor.parse(before) if before else None)
    return render(
        request,
        "benchmarks/part.html",
        {
            "filter_html": found.html(one_account=False, sizes=SIZES, size=50),
            "list_url": "/events/",
            "table": EventTable(page.rows, accounts=found.accounts.values(), descriptions=found.type_descriptions),
        },
    )
