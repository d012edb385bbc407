"""Views that are reviewed by schedule, and were changed, no longer shared, or name what a reviewer may not see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from events.models import DueReview, ReviewSchedule, SavedView, SignOff
from tests.reviews.conftest import make_schedule, remind
from tests.reviews.test_pages import hidden, text_of

pytestmark = pytest.mark.django_db


def test_view_that_is_no_longer_shared_is_not_reviewed_in_its_teams_name(
    archive: Any, cast: Any, clock: Any, mails: list[Any], login: Any
) -> None:
    schedule = make_schedule(cast, team=True)
    remind()
    view = SavedView.objects.filter(pk=schedule.view_id)
    view.update(team=None)
    answer = login("bob").get(f"/reviews/new?due={DueReview.objects.get().pk}", follow=True)
    assert "no longer shared with those who review it" in text_of(answer)
    assert "To be signed off" not in text_of(answer)

    before = len(mails)
    clock.shift(timedelta(days=2))
    remind()
    assert len(mails) == before
    audrey = text_of(login("audrey").get("/reviews/schedules/"))
    assert "its view is no longer shared with those who review it" in audrey
    assert "2026-03-09 to 2026-03-15 Stopped" in audrey

    view.update(team=schedule.team)
    remind()
    assert len(mails) > before


def test_own_schedule_of_a_view_of_a_team_ends_with_the_membership(
    archive: Any, cast: Any, clock: Any, mails: list[Any]
) -> None:
    make_schedule(cast, team=True)
    ReviewSchedule.objects.update(team=None, owner=cast["bob"])
    assert ReviewSchedule.objects.going_on().exists()
    cast["bob"].groups.clear()
    remind()
    assert not mails
    assert not DueReview.objects.waiting().exists()


def test_view_that_names_a_hidden_account_is_neither_offered_nor_quoted(
    archive: Any, other: Any, cast: Any, clock: Any, mails: list[Any], login: Any
) -> None:
    """Alice sees another account, and names it in a view that she shares with her team."""
    schedule = make_schedule(cast, team=True, query=f"account={other.api_key}")
    SavedView.objects.filter(pk=schedule.view_id).update(name="Marrowby alone")
    bob = login("bob")
    assert "Marrowby alone" not in text_of(bob.get("/reviews/schedules/new"))
    bob.post("/reviews/schedules/new", {"view": schedule.view_id, "frequency": "weekly", "days": 5})
    assert ReviewSchedule.objects.count() == 1

    remind()
    assert not mails  # nobody could sign it off in the team's name
    due = DueReview.objects.get()
    assert due.reminders == 0
    for client, said in (
        (bob, "You cannot open the view"),
        (login("alice"), "names accounts that this schedule is not"),
    ):
        answer = text_of(client.get(f"/reviews/new?due={due.pk}", follow=True))
        assert said in answer
        assert other.api_key not in answer


def test_view_that_was_changed_after_the_page_is_not_signed_unseen(
    archive: Any, cast: Any, clock: Any, login: Any
) -> None:
    schedule = make_schedule(cast, team=True)
    remind()
    bob = login("bob")
    page = bob.get(f"/reviews/new?due={DueReview.objects.get().pk}")
    SavedView.objects.filter(pk=schedule.view_id).update(query="event_type=APP_CREATE")
    again = bob.post("/reviews/new", hidden(page) | {"note": "Seen."})
    assert "have changed since this page was opened" in text_of(again)
    assert "Events 0 ·" in text_of(again)
    assert not SignOff.objects.exists()
    bob.post("/reviews/new", hidden(again) | {"note": "Seen."})
    assert SignOff.objects.get().query.startswith("date_from=")
