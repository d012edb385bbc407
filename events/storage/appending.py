"""The end of an account's chain, held while events are put there: places, digests, counts and rollups in one motion.

Whatever adds an event, adds it through here (`events.archive.add.add_events`, or `AuditEvent.objects.create`
in tests and tools), inside a transaction that also holds the rows: all of it stands or falls together.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection
from django.db.models import F

from events.masking import shown
from events.nexmo.applications import NAMING_TYPES, application, words_of
from events.storage import application_names, chain, first_seen

if TYPE_CHECKING:
    from collections.abc import Iterable

_AT, _TYPE, _USER, _COUNTRY, _CONTEXT = (
    chain.FIELDS.index(name) for name in ("created_at", "event_type", "user_email", "source_country", "context")
)


class ChainAppender:
    """Places for new events of one account. The chain's head stays locked until the caller's transaction ends."""

    def __init__(self, account_id: int, *, state_is_locked: bool = False) -> None:
        """
        Args:
            state_is_locked: the caller holds the account's SyncState already.
        """
        self.account_id = account_id
        self.counts: Counter[tuple[str, str]] = Counter()
        self.firsts: dict[tuple[str, str], tuple[str, int]] = {}  # of each user and country: time and place
        self.names: dict[str, tuple[str, int, str]] = {}  # of each application: when and where it is named, and how
        # First the state, then the head: as everything else that locks both.
        self.states = apps.get_model("events", "SyncState").objects
        if not state_is_locked:
            self.states.get_or_create(account_id=account_id)
            self.states.select_for_update().get(account_id=account_id)
        heads = apps.get_model("events", "ChainHead").objects
        heads.get_or_create(account_id=account_id)
        self.head = heads.select_for_update().get(account_id=account_id)
        self.digest = bytes.fromhex(self.head.digest) if self.head.digest else chain.genesis(self.head.chain_id)

    def place(self, values: list[str]) -> tuple[int, str]:
        """Give an event its number and digest. `values` are its record's, in the order of chain.FIELDS; the number,
        which comes first, is filled in."""
        self.head.seq += 1
        values[0] = str(self.head.seq)
        self.digest = chain.link(self.digest, chain.record_hash(values))
        at, who = values[_AT], (values[_USER], values[_COUNTRY])
        self.counts[at[:10], values[_TYPE]] += 1
        if all(who):
            self.firsts[who] = min(self.firsts.get(who, (at, self.head.seq)), (at, self.head.seq))
        if values[_TYPE] in NAMING_TYPES:
            self._note_name(values[_CONTEXT], at)
        return self.head.seq, self.digest.hex()

    def _note_name(self, context: str, at: str) -> None:
        app_id, name = application(shown(context))
        if app_id and name:
            noted = (at, self.head.seq, words_of(name))
            self.names[app_id] = max(self.names.get(app_id, noted), noted)

    def finish(self) -> None:
        """Write the new head and count what was added, which must be in the table by now."""
        added = self.counts.total()
        if not added:
            return
        self.head.digest = self.digest.hex()
        self.head.save(update_fields=["seq", "digest"])
        self.states.filter(account_id=self.account_id).update(event_count=F("event_count") + added)
        count(self.account_id, self.counts)
        first_seen.add(self.account_id, [place for _, place in self.firsts.values()])
        application_names.add(self.account_id, {app: noted[1:] for app, noted in self.names.items()})


def count(account_id: int, changes: Counter[tuple[str, str]]) -> None:
    """Add to the rollups, by (day, type); negative figures take away."""
    months: Counter[tuple[str, str]] = Counter()
    for (day, event_type), number in changes.items():
        months[f"{day[:7]}-01", event_type] += number
    _add("daycount", "day", account_id, changes.items())
    _add("monthcount", "month", account_id, months.items())


def _add(table: str, unit: str, account_id: int, figures: Iterable[tuple[tuple[str, str], int]]) -> None:
    # Rows are locked in one order, whoever comes.
    rows = [(account_id, day, event_type, number) for (day, event_type), number in sorted(figures)]
    insert = f"INSERT INTO events_{table} (account_id, {unit}, event_type, count) "
    conflict = (
        f" ON CONFLICT (account_id, {unit}, event_type) DO UPDATE SET count = events_{table}.count + excluded.count"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
            source = "SELECT * FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::int[])"
            cursor.execute(insert + source + conflict, columns)
        else:
            cursor.executemany(f"{insert}VALUES (%s, %s, %s, %s){conflict}", rows)


def uncount(account_id: int, removed: Counter[tuple[str, str]]) -> None:
    """Take removed events out of the rollups, by (day, type)."""
    months: Counter[tuple[str, str]] = Counter()
    for (day, event_type), number in removed.items():
        months[f"{day[:7]}-01", event_type] += number
    for name, unit, figures in (("DayCount", "day", removed), ("MonthCount", "month", months)):
        counts = apps.get_model("events", name).objects.filter(account_id=account_id)
        for (start, event_type), number in sorted(figures.items()):
            counts.filter(**{unit: start}, event_type=event_type).update(count=F("count") - number)
        counts.filter(count=0).delete()
