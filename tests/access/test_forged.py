"""Rows of the access log's proof and of the ledger that somebody put in: verification names them, whatever number they
have, and never ends in a traceback."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.access import record
from accounts.access.models import AccessEntry
from events.archive import access_chain
from events.models import AccessBatch, AccessRemoval, LedgerEntry
from events.storage import ledger, triggers
from tests.tools.access import add

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("chained")]
HUGE = 2**62
only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's columns take values of any type")
OLD = datetime(2020, 5, 1, tzinfo=UTC)
EMPTY = hashlib.sha256().hexdigest()


@pytest.fixture
def chained(account: Any) -> Iterator[None]:
    """Three entries in a batch, and no triggers."""
    for _ in range(3):
        add()
    access_chain.extend()
    triggers.remove(connection)
    yield
    triggers.install(connection)


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute(statement, values)


def verified() -> str:
    out = io.StringIO()
    triggers.install(connection)
    with pytest.raises(CommandError):
        call_command("verify_archive", stdout=out)
    return out.getvalue()


def forge_batch(first: int, last: int, *, count: int = 0, entered: bool = True, newest: Any = None) -> AccessBatch:
    """A batch without entries; `entered`: in the ledger too, as whoever knows how it is computed would."""
    made = timezone.now()
    values = {"first": first, "last": last, "count": count, "newest_at": newest or made, "digest": EMPTY}
    batch = AccessBatch(**values, made_at=made)
    batch.save() if entered else batch.save_unrecorded()
    return batch


def end() -> int:
    return access_chain.chained_upto()


@pytest.mark.parametrize("entered", [True, False])
@pytest.mark.parametrize("last", [HUGE, 2**63 - 1])
def test_batch_up_to_a_huge_number_is_named(last: int, entered: bool) -> None:
    batch = forge_batch(end() + 1, last, entered=entered)

    said = verified()

    assert f"Batch {batch.pk} of the access log holds no entry, and would keep others from being chained." in said
    assert entered or f"Batch of the access log {batch.pk} is not in the ledger" in said


def test_batch_that_reaches_beyond_its_last_entry_is_named() -> None:
    entry = add()
    digest = hashlib.sha256(f"{entry.pk}\0{entry.record_hash}\n".encode()).hexdigest()
    batch = AccessBatch(first=end() + 1, last=HUGE, count=1, newest_at=entry.at, digest=digest, made_at=timezone.now())
    batch.save()

    # Not by the command, whose own entries would count.
    assert list(access_chain.problems()) == [
        f"Batch {batch.pk} of the access log ends with entry {HUGE:,}, which there is not."
    ]


@pytest.mark.parametrize(("first", "last"), [(1, -5), (-9, -5), (-HUGE, HUGE), (0, 0)])
def test_batch_of_negative_numbers_is_named(first: int, last: int) -> None:
    batch = forge_batch(first, last)

    assert f"Batch {batch.pk} of the access log holds no entry" in verified()


def test_batch_behind_a_gap_and_one_that_overlaps_are_named() -> None:
    behind = forge_batch(end() + 10, end() + 20, count=1)
    overlapping = forge_batch(1, end() + 5, count=1)

    said = verified()

    assert f"Batch {behind.pk} of the access log begins with entry {behind.first:,}, not with" in said
    assert f"Batch {overlapping.pk} of the access log begins with entry 1, not with" in said


def test_counts_beyond_what_a_database_adds_up_are_named() -> None:
    for number in range(1, 5):
        forge_batch(end() + 1, end() + 1, count=HUGE, newest=OLD + timedelta(days=number))
    removal = AccessRemoval(last=end(), count=3, older_than=OLD + timedelta(days=9), removed_at=timezone.now())
    removal.save()

    assert f"Removal {removal.pk} from the access log says 3 entries; its batches say otherwise." in verified()


@pytest.mark.parametrize("last", [HUGE, -1])
@pytest.mark.parametrize("count", [0, 3])
def test_removal_that_ends_where_no_batch_does_is_named(last: int, count: int) -> None:
    removal = AccessRemoval(last=last, count=count, older_than=OLD, removed_at=timezone.now())
    removal.save()

    assert f"Removal {removal.pk} from the access log ends with entry {last:,}, where no batch" in verified()


def test_second_removal_of_the_same_is_named() -> None:
    first = AccessRemoval(last=end(), count=3, older_than=OLD, removed_at=timezone.now())
    first.save()
    twin = AccessRemoval(last=first.last, count=0, older_than=OLD, removed_at=timezone.now())
    twin.save()

    assert f"Removal {twin.pk} from the access log ends with entry {first.last:,}, where no batch" in verified()


@pytest.mark.parametrize("key", [HUGE, -7, 0])
def test_entry_with_a_number_out_of_order_is_named(key: int) -> None:
    columns = ", ".join((*record.COLUMNS, "record_hash"))
    sql(
        f"INSERT INTO access_accessentry (id, {columns}) SELECT {key}, {columns} FROM access_accessentry "
        f"WHERE id = {AccessEntry.objects.order_by('pk')[0].pk}"
    )
    if key == HUGE:  # chained, it holds the place of all that come after it
        access_chain.extend()
        sql(f"UPDATE access_accessentry SET id = {HUGE - 1} WHERE id = {add().pk}")

    assert "inserted" in verified()


# --- the ledger -------------------------------------------------------------------------------------------------------


def put_into_the_ledger(number: int, **changes: Any) -> None:
    """An entry whose digest follows from the last one's."""
    last = LedgerEntry.objects.order_by("-number")[0]
    values = {"kind": last.kind, "row": last.row + 1, "account_pk": None, "seq": None} | changes
    digest = ledger.link(
        bytes.fromhex(last.digest),
        number,
        *(values["kind"], values["account_pk"], values["row"], values["seq"], EMPTY),
    ).hex()
    values |= {"number": number, "detail": "", "record_hash": EMPTY, "digest": digest}
    sql(
        f"INSERT INTO events_ledgerentry ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
        *values.values(),
    )


@pytest.mark.parametrize("number", [HUGE, 2**63 - 1, "gap"])
def test_ledger_entry_behind_a_gap_is_named(number: Any) -> None:
    last = LedgerEntry.objects.count()
    put_into_the_ledger(last + 2 if number == "gap" else number)

    assert f"Entry {last + 1:,} of the ledger is missing." in verified()


@only_sqlite
@pytest.mark.parametrize("number", [-HUGE, -1, 0])
def test_ledger_entry_before_the_first_is_named(number: int) -> None:
    """PostgreSQL's column takes no number below 0."""
    put_into_the_ledger(number)

    assert f"Entry {number:,} of the ledger was inserted: they are counted from 1." in verified()


@pytest.mark.parametrize(
    "changes", [{"row": HUGE}, {"row": -HUGE}, {"account_pk": HUGE}, {"seq": HUGE}, {"kind": "nonsense"}]
)
def test_ledger_entry_of_nothing_is_named(changes: dict[str, Any]) -> None:
    put_into_the_ledger(LedgerEntry.objects.count() + 1, **changes)

    said = verified()
    assert "is in the ledger, and was removed from the database." in said or "compared no further" in said


def test_ledger_entry_that_repeats_another_is_named() -> None:
    last = LedgerEntry.objects.order_by("-number")[0]
    put_into_the_ledger(last.number + 1, row=last.row)

    assert f"Entry {last.number + 1:,} of the ledger repeats an earlier one." in verified()


# --- what is no number ------------------------------------------------------------------------------------------------


@only_sqlite
@pytest.mark.parametrize("value", ["'huge'", "1e300", "x'00'", "9223372036854775808"])
@pytest.mark.parametrize("column", ["first", "last", "count"])
def test_batch_whose_number_is_none_is_named(column: str, value: str) -> None:
    sql(f"UPDATE events_accessbatch SET {column} = {value}")

    assert "of events_accessbatch holds a value in a form in which nothing is stored." in verified()


@only_sqlite
@pytest.mark.parametrize("value", ["'huge'", "1e300", "x'00'"])
def test_ledger_entry_whose_number_is_none_is_named(value: str) -> None:
    put_into_the_ledger(LedgerEntry.objects.count() + 1)
    sql(f"UPDATE events_ledgerentry SET number = {value} WHERE number = (SELECT max(number) FROM events_ledgerentry)")

    assert "of events_ledgerentry holds a value in a form in which nothing is stored." in verified()
