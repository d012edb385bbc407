"""What `verify_archive` finds when somebody has been at a review behind the site's back."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import seals
from events.models import AuditEvent, LedgerEntry, Review, ReviewStatement
from events.reviews import sign
from tests.archive.conftest import SQL, verified
from tests.archive.test_verify import rewrite_chain
from tests.conftest import add_numbered
from tests.reviews.conftest import SignOff

pytestmark = pytest.mark.django_db


@pytest.fixture
def review(archive: NexmoAccount, other: NexmoAccount, sign_off: SignOff) -> Review:
    add_numbered(archive, range(8, 11), event_type="APP_CREATE")
    return sign_off("alice", "event_type=APP_CREATE")


def test_untouched_reviews_are_intact(review: Review, archive: NexmoAccount, sign_off: SignOff) -> None:
    sign_off("bob", "search_text=447700900000&user_email=yourname@example.com&source_ip=192.0.2.0/24")
    sign_off("bob", "event_type=-APP_CREATE")
    sign_off("bob", "new=country")
    add_numbered(archive, range(11, 15), event_type="APP_CREATE")
    assert verified() == "intact"


def test_database_refuses_to_change_or_delete_what_was_signed(review: Review, sql: SQL) -> None:
    for statement in (
        "UPDATE events_review SET note = 'x'",
        "UPDATE events_review SET name = 'x'",
        "UPDATE events_reviewstatement SET count = 4",
        "UPDATE events_reviewstatement SET numbers = '1'",
        "DELETE FROM events_reviewstatement",
        "DELETE FROM events_review",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            sql(statement)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE events_review SET note = 'All good.'", "does not say what was signed"),
        ("UPDATE events_review SET username = 'bob'", "does not say what was signed"),
        ("UPDATE events_review SET name = 'Somebody Else'", "does not say what was signed"),
        ("UPDATE events_review SET email = 'bob@example.com'", "does not say what was signed"),
        ("UPDATE events_review SET signed_at = '2026-01-01 00:00:00'", "does not say what was signed"),
        ("UPDATE events_review SET start = '2026-01-01 00:00:00'", "does not say what was signed"),
        ("UPDATE events_reviewstatement SET count = count + 1", "does not say what was signed"),
        ("UPDATE events_reviewstatement SET key_id = '0123456789abcdef'", "does not say what was signed"),
        ("UPDATE events_reviewstatement SET numbers = '1-3' WHERE numbers = '8-10'", "are others"),
        ("UPDATE events_reviewstatement SET numbers = '8-11' WHERE numbers = '8-10'", "are others"),
        ("UPDATE events_reviewstatement SET numbers = 'all'", "cannot be read"),
        (
            "UPDATE events_reviewstatement SET statement = replace(statement, 'APP_CREATE', 'APP_DELETE')",
            "is not genuine",
        ),
        ("UPDATE events_reviewstatement SET signature = replace(signature, 'a', 'b')", "is not genuine"),
    ],
)
def test_altered_review_is_found(review: Review, tamper: SQL, statement: str, said: str) -> None:
    tamper(statement)
    assert said in verified()


def test_change_signed_with_another_key_is_found(review: Review, tamper: SQL, settings: Any) -> None:
    row = ReviewStatement.objects.get(review=review, account__api_key="demo0001")
    text = json.dumps(json.loads(row.statement) | {"note": "All good."}, sort_keys=True, separators=(",", ":"))
    known, settings.SEAL_KEY = settings.SEAL_KEY, seals.new_key()
    signature, settings.SEAL_KEY = seals.sign(text), known
    tamper("UPDATE events_reviewstatement SET statement = %s, signature = %s WHERE id = %s", text, signature, row.pk)
    assert "is not genuine: none of the known keys signed it" in verified()


def test_deleted_review_is_found(review: Review, tamper: SQL) -> None:
    tamper("DELETE FROM events_reviewstatement")
    tamper("DELETE FROM events_review")
    assert "is in the ledger, and was removed from the database" in verified()


def test_review_deleted_in_part_is_found(review: Review, attack: SQL) -> None:
    row = ReviewStatement.objects.first()
    attack("DELETE FROM events_reviewstatement WHERE id <> %s", row.pk)
    assert "is in the ledger, and was removed" in verified()


def test_review_without_anything_signed_is_found(review: Review, tamper: SQL) -> None:
    Review.objects.create(
        pk="00000000-0000-4000-8000-000000000001",
        person=review.person,
        username="alice",
        signed_at=timezone.now(),
        end=timezone.now(),
        note="x",
    )
    assert "has no signed statement" in verified()


def test_statement_put_in_by_hand_is_found(review: Review, archive: NexmoAccount) -> None:
    row = ReviewStatement.objects.get(review=review, account=archive)
    copy = Review.objects.create(
        pk="00000000-0000-4000-8000-000000000001",
        person=review.person,
        username="alice",
        signed_at=review.signed_at,
        end=review.end,
        note=review.note,
    )
    ReviewStatement.objects.create(
        review=copy,
        account=archive,
        count=row.count,
        statement=row.statement,
        signature=row.signature,
        key_id=row.key_id,
        numbers=row.numbers,
    )
    assert "does not say what was signed" in verified()


def test_review_proves_the_chain_up_to_it(review: Review, archive: NexmoAccount, attack: SQL) -> None:
    rows = list(AuditEvent.objects.filter(account=archive).order_by("seq"))
    rows[2].user_id = "somebody else"  # none of those that were looked through
    rewrite_chain(archive, rows)
    assert "the chain was rewritten before it" in verified()


def test_event_that_was_hidden_from_the_filter_when_it_was_signed_is_found(
    archive: NexmoAccount, sign_off: SignOff, sql: SQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_numbered(archive, range(8, 11), event_type="APP_CREATE")
    matching = sign.matching
    with monkeypatch.context() as patch:  # as if its entry had been missing from an index
        patch.setattr(sign, "matching", lambda *args: matching(*args)[1:])
        sign_off("alice", "event_type=APP_CREATE&account=demo0001")
    assert "now its filter finds others up to there, such as number 8" in verified()


def test_what_retention_removed_stays_accounted_for(review: Review, archive: NexmoAccount, tamper: SQL) -> None:
    NexmoAccount.objects.filter(pk=archive.pk).update(keep_days=1)
    call_command("apply_retention", "--yes", "--trust-clock", stdout=io.StringIO())
    assert not AuditEvent.objects.filter(account=archive).exists()
    out = io.StringIO()
    call_command("verify_archive", stdout=out)
    assert "1 review(s); 3 of their events removed since" in out.getvalue()

    tamper("UPDATE events_reviewstatement SET numbers = '5-7' WHERE numbers = '8-10'")
    assert "are others" in verified()


def test_ledger_has_an_entry_for_each_statement(review: Review) -> None:
    assert LedgerEntry.objects.filter(kind="review").count() == ReviewStatement.objects.count() == 2
