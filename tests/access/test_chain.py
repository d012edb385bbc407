"""The access log in batches, what verification finds, and how old entries go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.access.models import AccessEntry
from events.archive import access_chain, seals, verify_ledger
from events.models import AccessBatch, AccessRemoval, LedgerEntry
from events.storage import triggers
from tests.tools.access import add

pytestmark = pytest.mark.django_db
OLD = datetime(2020, 5, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
YEAR = timedelta(days=400)


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_chain, "BATCH", 3)


@pytest.fixture
def unguarded() -> None:
    triggers.remove(connection)


def wrong() -> list[str]:
    return [*verify_ledger.problems(None, []), *access_chain.problems()]


@pytest.mark.usefixtures("_small_batches")
def test_batches_follow_each_other_and_stand_in_the_ledger() -> None:
    entries = [add(person=f"p{number}") for number in range(7)]

    assert access_chain.unchained() == 7
    assert access_chain.extend() == 7
    assert access_chain.extend() == 0

    batches = list(AccessBatch.objects.order_by("last"))
    assert [batch.count for batch in batches] == [3, 3, 1]
    assert [(batch.first, batch.last) for batch in batches][1:] == [
        (entries[2].pk + 1, entries[5].pk),
        (entries[5].pk + 1, entries[6].pk),
    ]
    assert LedgerEntry.objects.filter(kind=LedgerEntry.Kind.ACCESS).count() == 3
    assert access_chain.unchained() == 0
    assert wrong() == []


@pytest.mark.parametrize("chained", [True, False])
def test_altered_entry_is_named(unguarded: None, chained: bool) -> None:
    entry = add()
    if chained:
        access_chain.extend()

    AccessEntry.objects.filter(pk=entry.pk).update(person="mallory")

    assert wrong() == [f"Entry {entry.pk:,} of the access log was altered: its hash does not fit."]


def test_entry_altered_with_its_hash_is_found_by_its_batch(unguarded: None) -> None:
    first, entry = add(), add()
    access_chain.extend()
    other = add(person="mallory", at=entry.at)
    AccessEntry.objects.filter(pk=other.pk).delete()

    AccessEntry.objects.filter(pk=entry.pk).update(person="mallory", record_hash=other.record_hash)

    assert len(wrong()) == 1
    assert f"to {entry.pk:,} of the access log one was altered together with its hash." in wrong()[0]
    assert first


def test_missing_and_inserted_entries_are_found(unguarded: None) -> None:
    entries = [add() for _ in range(3)]
    access_chain.extend()
    AccessEntry.objects.filter(pk=entries[1].pk).delete()

    assert "there are 2, and there were 3: some were removed or inserted." in wrong()[0]


@pytest.mark.usefixtures("_small_batches")
def test_batch_that_is_taken_out_is_found(unguarded: None) -> None:
    for _ in range(6):
        add()
    access_chain.extend()
    batch = AccessBatch.objects.order_by("last").first()
    AccessEntry.objects.filter(pk__lte=batch.last).delete()
    pk = batch.pk
    batch.delete()

    found = wrong()

    assert f"Batch of the access log {pk} is in the ledger, and was removed from the database." in found
    assert any("of the access log begins with entry" in problem for problem in found)


def test_verify_archive_tells_of_the_access_log(unguarded: None, cast: Any, capsys: pytest.CaptureFixture[str]) -> None:
    entry = add()
    access_chain.extend()
    triggers.install(connection)
    call_command("verify_archive")
    triggers.remove(connection)
    AccessEntry.objects.filter(pk=entry.pk).update(address="192.0.2.9")
    triggers.install(connection)

    with pytest.raises(CommandError):
        call_command("verify_archive")

    assert f"Entry {entry.pk:,} of the access log was altered" in capsys.readouterr().out


def test_seals_speak_of_the_access_log(account: Any, unguarded: None) -> None:
    add()
    access_chain.extend()
    seal = seals.seal(account)
    assert wrong() == []

    AccessBatch.objects.all().delete()
    LedgerEntry.objects.filter(kind=LedgerEntry.Kind.ACCESS).delete()

    assert any(f"The seal of {seals.read(seal.statement, seal.signature).sealed_at}" in problem for problem in wrong())


@pytest.mark.parametrize(
    ("older_than", "removed_at"),
    [
        (timedelta(days=1), timedelta(0)),  # nothing so new can go
        (timedelta(days=-30), timedelta(0)),  # it was newer than that
        (timedelta(days=1), timedelta(days=31)),  # that has not happened yet
    ],
)
def test_removal_that_retention_cannot_have_made_is_found(
    unguarded: None, older_than: timedelta, removed_at: timedelta
) -> None:
    entry, now = add(), datetime.now(UTC)
    access_chain.extend()

    AccessRemoval.objects.create(last=entry.pk, count=1, older_than=now + older_than, removed_at=now + removed_at)
    AccessEntry.objects.all().delete()

    assert [problem.partition("took")[2] for problem in wrong()] == [" entries that were too new, or is of the future."]


# --- what the database refuses ----------------------------------------------------------------------------------------


def refused(change: Any) -> bool:
    try:
        with transaction.atomic():
            change()
    except DatabaseError as error:
        return triggers.MESSAGE in str(error)
    return False


def test_database_refuses_to_change_the_access_log() -> None:
    entry = add()
    access_chain.extend()

    assert refused(lambda: AccessEntry.objects.update(person="mallory"))
    assert refused(lambda: AccessEntry.objects.all().delete())
    assert refused(lambda: AccessBatch.objects.update(count=0))
    assert refused(lambda: AccessBatch.objects.all().delete())
    if connection.vendor == "sqlite":
        columns = ", ".join(access_chain.record.COLUMNS)
        with connection.cursor() as cursor:
            statement = (
                f"INSERT OR REPLACE INTO access_accessentry (id, {columns}, record_hash) "
                f"SELECT id, {columns}, '' FROM access_accessentry WHERE id = {entry.pk}"
            )
            assert refused(lambda: cursor.execute(statement))
    assert wrong() == []


def test_database_lets_nothing_go_that_is_new_or_not_chained() -> None:
    entry = add()
    old = {"count": 1, "removed_at": NOW}

    assert refused(lambda: AccessRemoval.objects.create(last=entry.pk, older_than=datetime.now(UTC), **old))
    assert refused(lambda: AccessRemoval.objects.create(last=entry.pk, older_than=OLD, **old))
    access_chain.extend()
    assert refused(lambda: AccessRemoval.objects.create(last=entry.pk, older_than=OLD, **old))


# --- retention --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_small_batches")
def test_old_entries_go_in_whole_batches_and_their_batches_stay() -> None:
    for number in range(7):
        add(at=OLD + timedelta(days=number))
    add(at=NOW)
    access_chain.extend()

    assert access_chain.remove_old(NOW, YEAR) == 6
    assert access_chain.remove_old(NOW, YEAR) == 0

    assert AccessEntry.objects.count() == 2
    assert AccessBatch.objects.count() == 3
    assert AccessRemoval.objects.get().count == 6
    assert wrong() == []
    add()
    access_chain.extend()
    assert wrong() == []


@pytest.mark.usefixtures("_small_batches")
def test_what_a_stream_has_not_sent_goes_later(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(6):
        add(at=OLD + timedelta(hours=number))
    access_chain.extend()
    sent = AccessBatch.objects.order_by("last")[0].last

    assert access_chain.remove_old(OLD + YEAR + timedelta(days=29), YEAR, unsent=sent) == 3
    assert not caplog.messages
    assert access_chain.remove_old(OLD + YEAR + timedelta(days=31), YEAR, unsent=sent) == 3
    assert "a stream has sent them up to" in caplog.messages[0]


def test_nothing_goes_sooner_than_the_least_time() -> None:
    add(at=NOW - timedelta(days=20))
    access_chain.extend()

    assert access_chain.remove_old(NOW, timedelta(days=1)) == 0


def test_entries_put_back_after_their_removal_are_found() -> None:
    entry = add(at=OLD)
    access_chain.extend()
    access_chain.remove_old(NOW, YEAR)

    entry.save(force_insert=True)

    assert wrong() == ["There are entries of the access log that a removal says are gone: they were inserted."]
