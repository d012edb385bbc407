"""What is signed, for whom, and what stops it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from accounts.models import NexmoAccount
from events.archive import review_statements, seals
from events.models import AuditEvent, BackgroundJob, ChainHead, Review, ReviewStatement, SignOff
from events.operations import jobs
from events.reviews import recheck, sign
from tests.conftest import NOON, add_numbered
from tests.reviews.conftest import SignOff as Sign
from tests.reviews.conftest import matter_of, run_jobs

pytestmark = pytest.mark.django_db


def values_of(review: Review, api_key: str) -> dict[str, Any]:
    row = ReviewStatement.objects.get(review=review, account__api_key=api_key)
    return review_statements.read(row.statement, row.signature).values


def test_statement_says_who_looked_through_what(archive: NexmoAccount, sign_off: Sign, cast: dict[str, Any]) -> None:
    cast["alice"].first_name, cast["alice"].last_name = "Alice", "Example"
    cast["alice"].save()
    add_numbered(archive, range(8, 11), event_type="APP_CREATE", event_type_description="Application created")

    query = "event_type=APP_CREATE,-USER_LOGIN&source=CD,API&account=demo0001"
    review = sign_off("alice", query, note="All planned.\nSee ticket 7.")

    values, head = values_of(review, "demo0001"), ChainHead.objects.get(account=archive)
    lines = "".join(
        f"{event.seq} {event.digest}\n" for event in AuditEvent.objects.filter(seq__in=(8, 9, 10)).order_by("seq")
    )
    assert values["events"] == {"count": 3, "digest": hashlib.sha256(lines.encode()).hexdigest()}
    assert values["head"] == {"count": 10, "digest": head.digest}
    assert values["chain"] == head.chain_id
    assert values["person"] == {
        "id": cast["alice"].pk,
        "username": "alice",
        "name": "Alice Example",
        "email": "alice@example.com",
    }
    assert values["note"] == "All planned.\nSee ticket 7."
    assert values["filter"]["query"].startswith("date_to=")
    assert values["filter"]["words"] == [
        "Type is not User login into Customer dashboard",
        "Type is Application created",
        "Source is API, Dashboard",
    ]
    assert values["covered"] == []
    assert values["key"] == seals.key_id(seals.public_key())
    assert ReviewStatement.objects.get(review=review).numbers == "8-10"


def test_each_account_has_its_own_statement_that_tells_of_no_other(
    archive: NexmoAccount, other: NexmoAccount, sign_off: Sign
) -> None:
    review = sign_off("alice", "account=demo0001,demo0002")

    rows = {row.account.api_key: row for row in ReviewStatement.objects.filter(review=review)}
    assert {key: row.count for key, row in rows.items()} == {"demo0001": 7, "demo0002": 5}
    for key, stranger in (("demo0001", "demo0002"), ("demo0002", "demo0001")):
        assert stranger not in rows[key].statement
        assert NexmoAccount.objects.get(api_key=stranger).name not in rows[key].statement
        assert json.loads(rows[key].statement)["review"] == str(review.pk)


APP = "63beaff6-5864-498e-aa76-14e6b2a0c111"


@pytest.fixture
def application(other: NexmoAccount) -> str:
    """The id of an application that only the other account has, called Night shift."""
    add_numbered(other, [110], event_type="APP_CREATE", context={"appId": APP, "name": "Night shift"})
    return APP


@pytest.mark.parametrize("asked", [APP, "Night shift", f"-{APP}", f"{APP},Payments"])
def test_application_of_one_account_is_named_in_no_others_statement(
    archive: NexmoAccount, application: str, sign_off: Sign, login: Any, asked: str
) -> None:
    add_numbered(
        archive,
        [20],
        event_type="APP_CREATE",
        context={"appId": APP.replace("63beaff6", "73beaff6"), "name": "Payments"},
    )
    review = sign_off("alice", f"application={asked}")

    own = values_of(review, "demo0002")
    assert own["events"]["count"] == (5 if asked.startswith("-") else 1)
    text = ReviewStatement.objects.get(review=review, account=archive).statement
    assert application not in text
    assert "Night shift" not in text
    foreign = values_of(review, "demo0001")
    expected = {f"-{APP}": (8, []), f"{APP},Payments": (1, ["Application is Payments"])}
    nothing = (0, ["Matches nothing in this account"])
    assert (foreign["events"]["count"], foreign["filter"]["words"]) == expected.get(asked, nothing)
    assert not list(recheck.problems(archive))
    bob = login("bob").get(review.get_absolute_url())
    assert "Night shift" not in bob.content.decode()
    (part,) = bob.context["shown"].parts
    assert bool(part.list_url) == (asked in expected)


def test_part_of_an_address_stands_for_no_users_of_other_accounts(archive: NexmoAccount, sign_off: Sign) -> None:
    hidden = NexmoAccount.objects.get(api_key="demo0003")
    add_numbered(hidden, [300], user_email="zoe@hidden.example.com")
    add_numbered(archive, [20], user_email="zoe@example.com")

    review = sign_off("alice", "user_email=zoe")

    row = ReviewStatement.objects.get(review=review, account=archive)
    assert row.count == 1
    assert "hidden" not in row.statement
    assert values_of(review, "demo0001")["filter"]["conditions"]["wanted"]["user_email"] == ["*zoe*"]
    assert not list(recheck.problems(archive))


def test_type_that_only_one_account_has_is_in_no_others_statement(
    archive: NexmoAccount, other: NexmoAccount, sign_off: Sign
) -> None:
    add_numbered(other, [120], event_type="BETA_SWITCHED", event_type_description="Beta switched")
    for query in ("event_type=BETA_SWITCHED,NUMBER_UPDATED", "event_type=BETA_*,NUMBER_UPDATED"):
        review = sign_off("alice", query)
        text = ReviewStatement.objects.get(review=review, account=archive).statement
        assert "BETA_SWITCHED" not in text
        assert "Beta switched" not in text
        assert values_of(review, "demo0001")["events"]["count"] == 7
        assert values_of(review, "demo0002")["events"]["count"] == 1


def test_period_is_that_of_the_filter_and_ends_now_at_the_latest(archive: NexmoAccount, sign_off: Sign) -> None:
    open_end = sign_off("alice", "account=demo0001&date_to=2999-01-01")
    closed = sign_off("alice", "account=demo0001&date_from=2026-03-15T12:02:00Z&date_to=2026-03-15T12:03:00Z")

    assert open_end.end <= open_end.signed_at
    assert open_end.start is None
    assert (closed.start, values_of(closed, "demo0001")["events"]["count"]) == (NOON.replace(minute=2), 2)


def test_figure_is_that_of_the_moment_of_signing(archive: NexmoAccount, cast: dict[str, Any]) -> None:
    asked = sign.request(cast["alice"], matter_of(cast["alice"], "account=demo0001"), "Seen.")
    add_numbered(archive, range(20, 23))  # older than the end, and archived since the page was shown
    run_jobs()

    assert SignOff.objects.get(pk=asked.pk).shown == 7
    assert ReviewStatement.objects.get(review=asked.pk).count == 10


def test_account_without_such_events_has_a_statement_too(archive: NexmoAccount, sign_off: Sign) -> None:
    review = sign_off("alice", "event_type=APP_CREATE")
    assert sorted(ReviewStatement.objects.filter(review=review).values_list("account__api_key", "count")) == [
        ("demo0001", 0),
        ("demo0002", 0),
    ]


def test_without_a_key_nothing_is_signed_and_the_sentence_says_what_to_do(
    archive: NexmoAccount, cast: dict[str, Any], settings: Any
) -> None:
    settings.SEAL_KEY = ""
    asked = sign.request(cast["alice"], matter_of(cast["alice"]), "Seen.")
    run_jobs()

    asked.refresh_from_db()
    assert "SEAL_KEY is not set" in asked.problem
    assert not Review.objects.exists()

    settings.SEAL_KEY = "c2VhbHMtb2YtdGhlLXRlc3RzLXNlYWxzLW9mLXRlc3Q="
    sign.retry(asked)
    run_jobs()
    assert Review.objects.filter(pk=asked.pk).exists()


def test_who_lost_an_account_meanwhile_signs_nothing(archive: NexmoAccount, cast: dict[str, Any]) -> None:
    asked = sign.request(cast["bob"], matter_of(cast["bob"]), "Seen.")
    archive.teams.clear()
    run_jobs()

    asked.refresh_from_db()
    assert "can no longer see all of these accounts" in asked.problem
    assert not Review.objects.exists()


@pytest.mark.parametrize("change", ["unshared", "switched off"])
def test_who_lost_access_while_events_were_read_signs_nothing(
    archive: NexmoAccount, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    asked = sign.request(cast["bob"], matter_of(cast["bob"]), "Seen.")
    read = sign._parts

    def long_reading(*args: Any) -> Any:
        parts = read(*args)
        if change == "unshared":
            archive.teams.clear()
        else:
            User.objects.filter(username="bob").update(is_active=False)
        return parts

    monkeypatch.setattr(sign, "_parts", long_reading)
    run_jobs()

    asked.refresh_from_db()
    assert "can no longer see all of these accounts" in asked.problem
    assert not Review.objects.exists()


def test_worker_that_dies_after_signing_signs_once(archive: NexmoAccount, cast: dict[str, Any]) -> None:
    asked = sign.request(cast["alice"], matter_of(cast["alice"]), "Seen.")
    claim = jobs.claim_next()
    assert claim
    sign.sign(claim)  # and then it was gone, with its job still there
    BackgroundJob.objects.update(lease_until=None, lease_owner="")
    run_jobs()

    assert Review.objects.filter(pk=asked.pk).count() == 1
    assert ReviewStatement.objects.count() == 2


def test_retention_while_events_are_read_begins_the_reading_again(
    archive: NexmoAccount, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sign.request(cast["alice"], matter_of(cast["alice"], "account=demo0001"), "Seen.")
    readings = []
    digests = sign._digests

    def first_lacks_one(account: NexmoAccount, numbers: Any) -> Any:
        readings.append(len(numbers))
        return list(digests(account, numbers))[len(readings) == 1 :]

    monkeypatch.setattr(sign, "_digests", first_lacks_one)
    run_jobs()

    assert readings == [7, 7]
    assert ReviewStatement.objects.get(review=asked.pk).count == 7


def test_many_events_are_left_to_the_threads_for_long_work(
    archive: NexmoAccount, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign, "AT_ONCE", 6)
    sign.request(cast["alice"], matter_of(cast["alice"]), "Seen.")
    assert jobs.claim_next(urgent=True) is None
    run_jobs()
    assert Review.objects.count() == 1


def test_what_was_given_up_is_said_and_can_be_asked_for_again(archive: NexmoAccount, cast: dict[str, Any]) -> None:
    with translation.override("es"):
        asked = sign.request(cast["alice"], matter_of(cast["alice"]), "Seen.")
    BackgroundJob.objects.filter(subject=str(asked.pk)).delete()
    sign.tidy()
    asked.refresh_from_db()
    assert asked.problem.startswith("Todos los intentos")
    sign.retry(asked)
    run_jobs()
    assert Review.objects.get().pk == asked.pk


@pytest.mark.parametrize("numbers", [[], [1], [1, 2, 3], [2, 4, 5, 6, 9]])
def test_numbers_survive_as_ranges(numbers: list[int]) -> None:
    assert list(review_statements.from_ranges(review_statements.as_ranges(numbers))) == numbers


@pytest.mark.parametrize("text", ["0", "3-1", "2,2", "1-5,4", "1,", ",", "a", "1 2", "-3", "\u0661"])
def test_other_texts_are_no_numbers(text: str) -> None:
    with pytest.raises(review_statements.BadReview):
        list(review_statements.from_ranges(text))
