"""Who is reminded of which review, what fulfils it, and what became of each period."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import NexmoAccount, Profile
from events.models import BackgroundJob, DueReview, Review, ReviewSchedule, ReviewStatement, SavedView, held
from events.operations import jobs
from events.outbound.results import Outcome
from events.reviews import reminders, schedules, sign
from events.reviews.metrics import ReviewCollector
from tests.reviews.conftest import MONDAY, make_schedule, matter_of, remind, run_jobs
from tests.reviews.conftest import SignOff as Sign
from tests.reviews.test_pages import hidden, text_of

pytestmark = pytest.mark.django_db


def test_period_becomes_due_when_it_has_ended(archive: Any, cast: Any, clock: Any, mails: list[Any]) -> None:
    schedule = make_schedule(cast)
    clock.move_to(MONDAY - timedelta(seconds=1))
    remind()
    assert not DueReview.objects.exists()
    clock.move_to(MONDAY)
    remind()
    due = DueReview.objects.get()
    assert (due.start, due.end, due.due_at) == (MONDAY - timedelta(days=7), MONDAY, MONDAY + timedelta(days=3))
    assert [(to, subject) for to, subject, _ in mails] == [
        ("alice@example.com", "Review due: Numbers changed, 2026-03-09 to 2026-03-15")
    ]
    assert f"https://audit.example.com/reviews/new?due={due.pk}" in mails[0][2]
    schedule.refresh_from_db()
    assert schedule.last_end == MONDAY


def test_reminders_come_once_each_daily_at_first_and_then_weekly(
    archive: Any, cast: Any, clock: Any, mails: list[Any]
) -> None:
    make_schedule(cast)
    ReviewSchedule.objects.update(frequency="monthly", last_end=datetime(2026, 2, 1, tzinfo=UTC))
    at, days = datetime(2026, 3, 1, tzinfo=UTC), []
    for hour in range(0, 24 * 30, 6):
        clock.move_to(at + timedelta(hours=hour))
        before = len(mails)
        remind()
        remind()
        days += [hour / 24] * (len(mails) - before)
    assert days == [0, 3, 4, 5, 12, 19, 26]
    assert [subject.split(":")[0] for _, subject, _ in mails] == ["Review due", *["Overdue"] * 6]


def test_every_member_of_a_team_is_reminded_in_their_own_language(
    archive: Any, cast: Any, clock: Any, mails: list[Any]
) -> None:
    make_schedule(cast, team=True)
    Profile.objects.create(user=cast["bob"], language="es")
    cast["alice"].email = "not an address"
    cast["alice"].save()
    remind()
    ((receiver, subject, text),) = mails
    assert receiver == "bob@example.com"
    assert "Numbers changed" in subject
    assert not subject.startswith("Overdue")
    assert "Messaging team" in text


def test_reminder_goes_to_a_domain_beyond_ascii_as_servers_know_it(
    archive: Any, cast: Any, clock: Any, mails: list[Any]
) -> None:
    cast["alice"].email = "ana@münchen.example"
    cast["alice"].save()
    make_schedule(cast)
    remind()
    assert [receiver for receiver, _subject, _text in mails] == ["ana@xn--mnchen-3ya.example"]


def test_nothing_is_sent_without_a_mail_server(
    archive: Any, cast: Any, clock: Any, mails: list[Any], settings: Any
) -> None:
    settings.ALERT_MAIL_SERVER = ""
    make_schedule(cast)
    remind()
    assert not mails
    assert not BackgroundJob.objects.filter(kind=reminders.SEND).exists()


def test_reminder_that_cannot_be_sent_is_tried_again(
    archive: Any, cast: Any, clock: Any, mails: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(cast)
    with monkeypatch.context() as patch:
        patch.setattr(reminders, "hand_over", lambda *args: Outcome(sent=False, problem="unreachable"))
        remind()
    assert BackgroundJob.objects.get(kind=reminders.SEND).problem == "the mail server: unreachable"
    clock.shift(timedelta(minutes=2))
    run_jobs()
    assert len(mails) == 1


def test_reminder_of_what_was_signed_meanwhile_is_not_sent(
    archive: Any, cast: Any, clock: Any, mails: list[Any], sign_off: Sign
) -> None:
    make_schedule(cast)
    reminders.plan_reviews()
    job = BackgroundJob.objects.get(kind=reminders.SEND)
    BackgroundJob.objects.update(due_at=timezone.now() + timedelta(hours=1))
    asked = sign.request(cast["alice"], matter_of(cast["alice"]), "Seen.", DueReview.objects.get())
    claim = jobs.claim_next()
    assert claim
    sign.sign(claim)
    assert Review.objects.filter(pk=asked.pk).exists()
    BackgroundJob.objects.filter(pk=job.pk).update(due_at=timezone.now())
    run_jobs()
    assert not mails


def test_link_is_prefilled_and_signing_fulfils_the_period(archive: Any, cast: Any, clock: Any, login: Any) -> None:
    make_schedule(cast)
    remind()
    due = DueReview.objects.get()
    alice = login("alice")
    assert "Numbers changed" in text_of(alice.get("/reviews/"))
    page = alice.get(f"/reviews/new?due={due.pk}")
    assert set(hidden(page)) == {"due", "shown"}
    assert "Events 7 ·" in text_of(page)
    # A filter that is sent along does not count: the view and its period do.
    alice.post("/reviews/new", hidden(page) | {"query": "event_type=APP_CREATE", "note": "Nothing unusual."})
    run_jobs()

    due.refresh_from_db()
    assert due.review is not None
    assert (due.review.start, due.review.end) == (due.start, due.end - timedelta(microseconds=1))
    assert ReviewStatement.objects.get(review=due.review, account=archive).count == 7
    assert alice.get(f"/reviews/new?due={due.pk}").status_code == 404  # it is done
    assert "To be signed off" not in text_of(alice.get("/reviews/"))


def test_any_member_signs_for_the_team_and_only_its_accounts(
    archive: Any, other: Any, cast: Any, clock: Any, login: Any
) -> None:
    """Alice sees another account, which is not the team's."""
    make_schedule(cast, team=True)
    remind()
    due = DueReview.objects.get()
    assert login("bob").get(f"/reviews/new?due={due.pk}").status_code == 200
    alice = login("alice")
    alice.post("/reviews/new", hidden(alice.get(f"/reviews/new?due={due.pk}")) | {"note": "Nothing unusual."})
    run_jobs()
    due.refresh_from_db()
    assert list(ReviewStatement.objects.filter(review=due.review).values_list("account__api_key", flat=True)) == [
        "demo0001"
    ]


@pytest.mark.parametrize("name", ["bob", "charlie", "audrey", "admin"])
def test_others_periods_are_nobody_elses_to_sign(archive: Any, cast: Any, clock: Any, login: Any, name: str) -> None:
    schedule = make_schedule(cast)
    remind()
    client = login(name)
    assert client.get(f"/reviews/new?due={DueReview.objects.get().pk}").status_code == 404
    assert client.post("/reviews/new", {"due": DueReview.objects.get().pk, "note": "x"}).status_code == 404
    assert client.get(f"/reviews/schedules/{schedule.pk}/edit").status_code == 404
    assert "To be signed off" not in text_of(client.get("/reviews/"))


def test_history_says_what_was_signed_late_and_missed(
    archive: Any, cast: Any, clock: Any, mails: list[Any], login: Any
) -> None:
    make_schedule(cast)
    remind()  # the week of the 9th, overdue since the 19th at midnight
    first = DueReview.objects.get()
    sign.request(cast["alice"], matter_of(cast["alice"]), "Late.", first)
    run_jobs()
    clock.move_to(MONDAY + timedelta(days=7, hours=1))
    remind()  # the week of the 16th
    clock.move_to(MONDAY + timedelta(days=14, hours=1))
    remind()  # that of the 23rd
    assert DueReview.objects.filter(missed_at__isnull=False, remind_at=None).count() == 1

    audrey = text_of(login("audrey").get("/reviews/schedules/"))
    rows = [
        "2026-03-23 to 2026-03-29 Due ",
        "2026-03-16 to 2026-03-22 Missed ",
        "2026-03-09 to 2026-03-15 Signed off late ",
    ]
    assert [audrey.index(row) for row in rows] == sorted(audrey.index(row) for row in rows)
    assert "alice, 2026-03-19 10:00:00" in audrey
    assert "Numbers changed" not in text_of(login("bob").get("/reviews/schedules/"))


def test_periods_of_a_long_silence_are_all_on_record(archive: Any, cast: Any, clock: Any, mails: list[Any]) -> None:
    make_schedule(cast)
    clock.move_to(MONDAY + timedelta(days=21, hours=5))
    remind()
    assert DueReview.objects.count() == 4
    assert DueReview.objects.waiting().count() == 1
    assert len(mails) == 1


def test_schedule_that_is_switched_off_asks_for_nothing(
    archive: Any, cast: Any, clock: Any, mails: list[Any], login: Any
) -> None:
    schedule = make_schedule(cast)
    remind()
    answer = login("alice").post(
        f"/reviews/schedules/{schedule.pk}/edit", {"view": schedule.view_id, "name": "Numbers", "days": 3}, follow=True
    )
    assert "The schedule was saved." in text_of(answer)
    clock.move_to(MONDAY + timedelta(days=30))
    remind()
    assert len(mails) == 1
    assert not DueReview.objects.waiting().exists()


def test_reminder_that_may_have_been_taken_is_sent_once_more_as_the_same_mail(
    archive: Any, cast: Any, clock: Any, mails: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(cast)
    answers, ids = ["unclear", "unreachable", "unclear", "unclear"], []

    def take(message: Any, *args: Any) -> Outcome:
        ids.append(message["Message-ID"])
        return Outcome(sent=False, problem=answers[len(ids) - 1])

    monkeypatch.setattr(reminders, "hand_over", take)
    for _ in range(6):
        remind()
        clock.shift(timedelta(minutes=20))
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert BackgroundJob.objects.get(kind=reminders.SEND).failed_at


def test_holders_who_remind_at_once_compare_in_the_row_itself(
    archive: Any, cast: Any, clock: Any, mails: list[Any]
) -> None:
    """PostgreSQL evaluates the condition again on the row that another one has changed, and not its subqueries."""
    make_schedule(cast)
    schedules.plan(timezone.now())
    with CaptureQueriesContext(connection) as queries:
        reminders.plan_reviews()
    (update,) = (query["sql"] for query in queries if query["sql"].startswith('UPDATE "events_duereview"'))
    own_condition = update.partition("WHERE")[2].partition("SELECT")[0]
    assert '"reminders" = 0' in own_condition


def test_schedules_that_are_switched_off_leave_room_for_others(
    archive: Any, cast: Any, clock: Any, login: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "MOST", 1)
    off = make_schedule(cast)
    ReviewSchedule.objects.update(created_by=cast["alice"], is_active=False)
    alice, fields = login("alice"), {"view": off.view_id, "frequency": "weekly", "days": 5}
    assert alice.post("/reviews/schedules/new", fields).status_code == 302
    edit = f"/reviews/schedules/{off.pk}/edit"
    refused = alice.post(edit, fields | {"is_active": "on"})
    assert "You have already set up 1 of these. Switch off one" in text_of(refused)
    assert alice.post(edit, fields | {"days": 6}).status_code == 302


def test_schedule_is_set_up_for_oneself_or_a_team_and_begins_now(
    archive: Any, cast: Any, clock: Any, login: Any
) -> None:
    alice = login("alice")
    view = SavedView.objects.get(name="Numbers pointed elsewhere")  # the demo's, shared with the team
    assert f'value="{view.pk}" selected' in alice.get(f"/reviews/schedules/new?view={view.pk}").content.decode()
    fields = {"view": view.pk, "frequency": "weekly", "days": 5}
    alice.post("/reviews/schedules/new", fields | {"holder": view.team_id})
    alice.post("/reviews/schedules/new", fields | {"name": "Mine"})
    team, own = ReviewSchedule.objects.order_by("pk")
    assert (team.team, team.owner, team.name, team.last_end) == (view.team, None, view.name, MONDAY)
    assert (own.team, own.owner, own.name) == (None, cast["alice"], "Mine")

    refused = login("bob").post("/reviews/schedules/new", fields | {"holder": view.team_id})  # may not triage
    assert refused.status_code == 302
    assert ReviewSchedule.objects.latest("pk").owner == cast["bob"]

    private = SavedView.objects.create(owner=cast["alice"], name="Private", query="source=CD")
    again = alice.post("/reviews/schedules/new", fields | {"view": private.pk, "holder": view.team_id})
    assert "Share this view with the team first" in text_of(again)
    assert f'value="{private.pk}" selected' in unescape(again.content.decode())


def test_metrics_count_what_is_overdue(archive: Any, cast: Any, clock: Any) -> None:
    make_schedule(cast)

    def figures() -> dict[str, float]:
        return {metric.name: metric.samples[0].value for metric in ReviewCollector().collect()}

    clock.move_to(MONDAY + timedelta(days=1))
    remind()
    assert figures() == {"auditsite_reviews_due": 1, "auditsite_reviews_overdue": 0}
    clock.move_to(MONDAY + timedelta(days=4))
    assert figures() == {"auditsite_reviews_due": 1, "auditsite_reviews_overdue": 1}


def test_reading_the_list_does_not_ask_more_for_more_reviews(
    archive: NexmoAccount, login: Any, sign_off: Sign, django_assert_num_queries: Any
) -> None:
    alice = login("alice")
    sign_off("alice")
    alice.get("/reviews/")
    with django_assert_num_queries(QUERIES_OF_THE_LIST):
        alice.get("/reviews/")
    for _ in range(3):
        sign_off("alice")
    with django_assert_num_queries(QUERIES_OF_THE_LIST):
        assert len(re.findall("data-review", alice.get("/reviews/").content.decode())) == 4


QUERIES_OF_THE_LIST = 12  # one of them writes the entry of the access log
