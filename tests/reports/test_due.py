"""Who is due a report, and when: by each receiver's own calendar, each period once, and of several the latest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.models import Profile
from events.models import Report, ReportMail, ReportStop, SavedView
from events.reports import due
from tests.reports.conftest import MONDAY, nothing

pytestmark = pytest.mark.django_db


def plan(now: datetime) -> list[tuple[str, date]]:
    """What is written down at a moment: to whom, about the week of which day."""
    before = set(ReportMail.objects.values_list("pk", flat=True))
    due.plan_mails(nothing, now)
    made = ReportMail.objects.exclude(pk__in=before).order_by("receiver__username")
    return [(mail.receiver.username, mail.first_day) for mail in made]


def test_a_week_is_due_on_monday_at_its_time_and_once(make_report: Callable[..., Report]) -> None:
    report = make_report()

    assert plan(MONDAY - timedelta(minutes=1)) == []
    report.refresh_from_db()
    assert report.look_at == MONDAY  # looked at again just then
    assert plan(MONDAY) == [("alice", date(2026, 3, 9))]
    for days in (0, 1, 6):
        Report.objects.update(look_at=MONDAY)
        assert plan(MONDAY + timedelta(days=days, hours=1)) == []
    assert plan(MONDAY + timedelta(days=7)) == [("alice", date(2026, 3, 16))]


def test_what_was_due_before_it_was_set_up_is_not_sent(make_report: Callable[..., Report]) -> None:
    make_report(starts_at=MONDAY + timedelta(hours=1))

    assert plan(MONDAY + timedelta(hours=2)) == []
    assert plan(MONDAY + timedelta(days=7)) == [("alice", date(2026, 3, 16))]


def test_a_paused_report_and_who_cannot_log_in_get_nothing(
    make_report: Callable[..., Report], cast: dict[str, Any]
) -> None:
    make_report("alice", is_active=False)
    make_report("bob")
    cast["bob"].is_active = False
    cast["bob"].save()

    assert plan(MONDAY) == []


def test_after_weeks_without_a_worker_only_the_latest_is_sent_and_says_so(make_report: Callable[..., Report]) -> None:
    make_report()
    plan(MONDAY)

    assert plan(MONDAY + timedelta(days=7 * 4)) == [("alice", date(2026, 4, 6))]
    assert [mail.missed for mail in ReportMail.objects.order_by("first_day")] == [0, 3]
    assert plan(MONDAY + timedelta(days=7 * 5)) == [("alice", date(2026, 4, 13))]
    assert ReportMail.objects.latest("first_day").missed == 0


@pytest.mark.parametrize("frequency", ["weekly", "monthly", "quarterly"])
def test_what_fell_due_while_no_worker_ran_is_sent_even_on_the_morning_of_the_next(
    make_report: Callable[..., Report], frequency: str
) -> None:
    began, back, periods = {
        "weekly": (date(2026, 3, 8), date(2026, 3, 16), [date(2026, 3, 2), date(2026, 3, 9)]),
        "monthly": (date(2026, 1, 31), date(2026, 3, 1), [date(2026, 1, 1), date(2026, 2, 1)]),
        "quarterly": (date(2025, 12, 31), date(2026, 4, 1), [date(2025, 10, 1), date(2026, 1, 1)]),
    }[frequency]
    gone = datetime.combine(began, time(12), tzinfo=UTC)
    morning = datetime.combine(back, time(7), tzinfo=UTC)
    make_report(frequency=frequency, starts_at=gone, looked_at=gone, look_at=gone)

    assert plan(morning - timedelta(hours=7, minutes=1)) == [("alice", periods[0])]
    ReportMail.objects.all().delete()
    Report.objects.update(looked_at=gone, look_at=gone)
    assert plan(morning) == [("alice", periods[0])]
    assert plan(morning + timedelta(hours=1)) == [("alice", periods[1])]
    assert [mail.missed for mail in ReportMail.objects.all()] == [0, 0]


def test_each_member_of_a_team_is_due_by_their_own_clock(
    make_report: Callable[..., Report], team: Group, cast: dict[str, Any]
) -> None:
    Profile.objects.create(user=cast["bob"], time_zone="Pacific/Auckland")
    make_report(team, at=time(7))
    sunday_evening = datetime(2026, 3, 15, 18, 0, tzinfo=UTC)  # Monday, 7:00 in Auckland

    assert plan(sunday_evening) == [("bob", date(2026, 3, 9))]
    assert plan(MONDAY) == [("alice", date(2026, 3, 9))]


def test_moving_to_another_zone_brings_no_week_twice(make_report: Callable[..., Report], cast: dict[str, Any]) -> None:
    make_report()
    plan(MONDAY)
    Profile.objects.create(user=cast["alice"], time_zone="America/Los_Angeles")
    Report.objects.update(look_at=MONDAY)

    assert plan(MONDAY + timedelta(hours=12)) == []


def test_clocks_that_change_change_nothing(make_report: Callable[..., Report], cast: dict[str, Any]) -> None:
    Profile.objects.create(user=cast["alice"], time_zone="Europe/Madrid")
    monday = datetime(2026, 3, 16, 12, tzinfo=UTC)
    report = make_report(at=time(2, 30), starts_at=monday)  # skipped on the Sunday before, 2026-03-29

    before, after = datetime(2026, 3, 23, 1, 30, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    assert plan(before - timedelta(seconds=1)) == []
    assert plan(before) == [("alice", date(2026, 3, 16))]
    Report.objects.update(look_at=before)
    assert plan(after - timedelta(seconds=1)) == []
    report.refresh_from_db()
    assert report.look_at == after
    assert plan(after) == [("alice", date(2026, 3, 23))]


def test_who_left_the_team_stopped_or_has_no_address_is_not_due(
    make_report: Callable[..., Report], team: Group, cast: dict[str, Any]
) -> None:
    report = make_report(team)
    cast["bob"].groups.remove(team)
    assert plan(MONDAY) == [("alice", date(2026, 3, 9))]

    ReportStop.objects.create(report=report, receiver=cast["alice"], at=MONDAY)
    assert plan(MONDAY + timedelta(days=7)) == []

    ReportStop.objects.all().delete()
    cast["alice"].email = "nowhere"
    cast["alice"].save()
    assert plan(MONDAY + timedelta(days=8)) == []

    cast["alice"].email = "alice@example.com"  # entered later that week: what is due is sent
    cast["alice"].save()
    assert plan(MONDAY + timedelta(days=9)) == [("alice", date(2026, 3, 16))]


def test_a_view_that_is_not_shared_any_more_is_sent_to_nobody(make_report: Callable[..., Report], team: Group) -> None:
    make_report(team)
    SavedView.objects.update(team=None)

    assert plan(MONDAY) == []
