"""Windows and covered spans: pure arithmetic of days, and its merging in the database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.models import CoveredSpan
from events.sync import coverage, state
from events.sync.coverage import Window

TODAY = date(2026, 3, 15)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def span(start: datetime | None, end: datetime) -> CoveredSpan:
    return CoveredSpan(start=start, end=end)


def test_window_covers_whole_days_and_an_open_end_reaches_to_the_moment_of_asking() -> None:
    assert Window(date(2026, 3, 1), date(2026, 3, 2)).span(at(15, 9)) == (at(1), at(3))
    assert Window(None, None).span(at(15, 9)) == (None, at(15, 9))


@pytest.mark.parametrize("days", [2, 3, 31, 32, 731])
def test_halves_meet_without_gap_or_overlap(days: int) -> None:
    window = Window(TODAY - timedelta(days=days - 1), TODAY)
    older, newer = window.halves(TODAY, TODAY)
    assert older.first == window.first
    assert newer.last == window.last
    assert older.last is not None
    assert newer.first == older.last + timedelta(days=1)
    assert older.days(TODAY, TODAY) + newer.days(TODAY, TODAY) == days


def test_halves_of_an_open_window_stay_open() -> None:
    older, newer = Window(None, None).halves(TODAY - timedelta(days=100), TODAY)
    assert older.first is None
    assert newer.last is None
    assert older.last == TODAY - timedelta(days=51)


def test_gaps_are_before_and_between_spans_newest_first() -> None:
    spans = [span(at(3), at(5)), span(at(8), at(10))]
    assert coverage.gaps(spans) == [(at(5), at(8)), (None, at(3))]
    assert coverage.gaps([span(None, at(5))]) == []


def test_a_usual_run_reads_what_is_new_with_an_overlap_and_then_the_gaps() -> None:
    windows = coverage.windows_to_read([span(at(3), at(5)), span(at(8), at(10, 14))], timedelta(days=2))
    assert windows == [
        Window(date(2026, 3, 8), None),
        Window(date(2026, 3, 5), date(2026, 3, 7)),
        Window(None, date(2026, 3, 2)),
    ]


def test_an_account_never_read_is_read_whole() -> None:
    assert coverage.windows_to_read([], timedelta(days=2)) == [Window(None, None)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("added", "left"),
    [
        ([(at(1), at(2)), (at(3), at(4))], [(at(1), at(2)), (at(3), at(4))]),
        ([(at(1), at(2)), (at(2), at(4))], [(at(1), at(4))]),
        ([(at(1), at(2)), (at(3), at(4)), (at(2), at(3))], [(at(1), at(4))]),
        ([(None, at(2)), (at(1), at(4))], [(None, at(4))]),
        ([(at(1), at(4)), (None, at(2))], [(None, at(4))]),
        ([(at(1), at(9)), (at(3), at(4))], [(at(1), at(9))]),
    ],
)
def test_spans_that_meet_become_one(account: NexmoAccount, added: Any, left: Any) -> None:
    state.ensure([account])
    for start, end in added:
        coverage.add(account, start, end)
    assert [(found.start, found.end) for found in CoveredSpan.objects.order_by("end")] == left
