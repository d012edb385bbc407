"""Reviews in evidence packs, and what the verifier that travels with them says."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import NexmoAccount
from events.archive import review_statements, seals
from events.evidence import verify_evidence
from events.evidence.verify_evidence import Fault
from events.models import Review, ReviewStatement
from tests.conftest import add_numbered
from tests.reviews.conftest import SignOff
from tests.tools.evidence import check, files_of, signed

pytestmark = pytest.mark.django_db

REVIEWS = "reviews/demo0001.ndjson"


@pytest.fixture
def review(archive: NexmoAccount, other: NexmoAccount, sign_off: SignOff) -> Review:
    add_numbered(archive, range(8, 11), event_type="APP_CREATE")
    return sign_off("alice", "event_type=APP_CREATE", note="All planned.")


@pytest.fixture
def pack_of(tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    def make(*options: str) -> dict[str, bytes]:
        file = tmp_path / "pack.zip"
        call_command("export_evidence", "-o", str(file), *options, stdout=io.StringIO())
        return files_of(file)

    return make


def test_pack_holds_the_reviews_of_its_accounts_and_they_are_checked(
    review: Review, pack_of: Any, tmp_path: Path, capsys: Any
) -> None:
    files = pack_of("--account=demo0001")
    assert REVIEWS in files
    assert "reviews/demo0002.ndjson" not in files
    assert b"demo0002" not in files[REVIEWS]

    assert verify_evidence.main([str(tmp_path / "pack.zip"), "--public-key", seals.public_key()]) == 0
    assert "signed off by alice" in (said := capsys.readouterr().out)
    assert ": 3 events, each in this chain." in said


@pytest.mark.parametrize(
    ("period", "is_there"),
    [
        (("--date-from=2026-03-15T12:00Z",), True),
        (("--date-to=2026-03-15T12:04Z",), False),
        (("--date-from=2026-03-15T12:07Z", "--date-to=2026-03-15T12:08Z"), True),
    ],
)
def test_only_reviews_of_the_packs_period_are_in_it(
    archive: NexmoAccount, sign_off: SignOff, pack_of: Any, period: tuple[str, ...], is_there: bool
) -> None:
    sign_off("alice", "account=demo0001&date_from=2026-03-15T12:05:00Z&date_to=2026-03-15T12:07:00Z")
    assert (REVIEWS in pack_of(*period)) is is_there


def test_pack_that_begins_later_says_that_not_all_is_checked(
    archive: NexmoAccount, sign_off: SignOff, pack_of: Any, tmp_path: Path, capsys: Any
) -> None:
    add_numbered(archive, range(8, 11), event_type="APP_CREATE")
    sign_off("alice", "account=demo0001")
    pack_of("--event-type=APP_CREATE")
    assert verify_evidence.main([str(tmp_path / "pack.zip"), "--public-key", seals.public_key()]) == 0
    assert "10 events. Some lie before the first link here" in capsys.readouterr().out


def altered(files: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    line = json.loads(files[REVIEWS])
    return signed(files | {REVIEWS: json.dumps(line | changes).encode()})


def resigned(files: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    values = json.loads(json.loads(files[REVIEWS])["statement"]) | changes
    text = review_statements.text_of(values)
    return altered(files, statement=text, signature=seals.sign(text))


def test_review_in_a_pack_cannot_be_changed(review: Review, pack_of: Any) -> None:
    files = pack_of()
    statement = json.loads(files[REVIEWS])["statement"]
    with pytest.raises(Fault, match="was changed"):
        check(files | {REVIEWS: files[REVIEWS].replace(b"All planned.", b"All perfect.")}, seals.public_key())
    with pytest.raises(Fault, match="a review was not signed"):
        check(altered(files, statement=statement.replace("All planned.", "All perfect.")), seals.public_key())
    for numbers in ("7-9", "8-9", "8-11", "10,8", "8-", "0-10"):
        with pytest.raises(Fault, match="the events of|the numbers of"):
            check(altered(files, numbers=numbers), seals.public_key())


def test_review_of_another_chain_is_refused(review: Review, pack_of: Any) -> None:
    """Signed with the right key, but not of what this pack proves."""
    files = pack_of()
    other = "ab" * 32
    for changes, said in (
        ({"chain": "0" * 32}, "another chain"),
        ({"account": "demo0002"}, "another chain"),
        ({"head": {"count": 10, "digest": other}}, "does not fit the chain"),
        ({"head": {"count": 11, "digest": other}}, "later time than the seal"),
        ({"events": {"count": 3, "digest": other}}, "are others"),
        ({"format": "auditsite review 9"}, "does not know the format"),
    ):
        with pytest.raises(Fault, match=said):
            check(resigned(files, **changes), seals.public_key())


def test_statements_that_were_taken_away_are_checked_offline(review: Review, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "review.ndjson"
    rows = ReviewStatement.objects.filter(review=review)
    file.write_text("".join(json.dumps(review_statements.export(row)) + "\n" for row in rows))
    assert verify_evidence.main([str(file), "--public-key", seals.public_key()]) == 0
    said = capsys.readouterr().out
    assert "the review of demo0001 from the beginning to" in said
    assert "3 events. Note: All planned." in said

    file.write_text(file.read_text().replace("All planned.", "All perfect."))
    assert verify_evidence.main([str(file), "--public-key", seals.public_key()]) == 1
    assert "the statement in line 1 was not signed" in capsys.readouterr().out


def test_digest_of_the_events_can_be_made_from_the_pack_alone(review: Review, pack_of: Any) -> None:
    """As docs/reviews.md tells it."""
    files = pack_of("--event-type=APP_CREATE", "--account=demo0001")
    events = [json.loads(line) for line in files["events.ndjson"].splitlines()]
    content = "".join(
        f"{event['record'][0]} {event['digest']}\n" for event in sorted(events, key=lambda each: int(each["record"][0]))
    )
    statement = json.loads(json.loads(files[REVIEWS])["statement"])
    assert hashlib.sha256(content.encode()).hexdigest() == statement["events"]["digest"]
