"""When something weekly, monthly or quarterly is next due, and which period it is about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.wording.schedule import Frequency, last_due, next_due, period_before, period_words

MADRID, HAVANA, KATHMANDU = ZoneInfo("Europe/Madrid"), ZoneInfo("America/Havana"), ZoneInfo("Asia/Kathmandu")
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.floats(-9_000, 20_000).map(lambda days: SOME_DAY + timedelta(days=days))
ZONES = st.sampled_from([UTC, MADRID, HAVANA, KATHMANDU, ZoneInfo("Pacific/Apia"), ZoneInfo("America/Santiago")])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("frequency", "after", "due"),
    [
        ("weekly", "2026-11-26T15:00+01:00", "2026-11-30T08:00+01:00"),
        ("weekly", "2026-11-30T07:59+01:00", "2026-11-30T08:00+01:00"),
        ("weekly", "2026-11-30T08:00+01:00", "2026-12-07T08:00+01:00"),
        ("weekly", "2026-10-21T12:00+02:00", "2026-10-26T08:00+01:00"),  # clocks go back in between
        ("monthly", "2026-01-31T12:00+01:00", "2026-02-01T08:00+01:00"),
        ("monthly", "2026-12-01T08:00+01:00", "2027-01-01T08:00+01:00"),
        ("quarterly", "2026-11-26T15:00+01:00", "2027-01-01T08:00+01:00"),
        ("quarterly", "2026-04-01T07:00+02:00", "2026-04-01T08:00+02:00"),
        ("quarterly", "2026-04-01T08:00+02:00", "2026-07-01T08:00+02:00"),
    ],
)
def test_it_is_due_on_the_first_day_at_its_time(frequency: str, after: str, due: str) -> None:
    assert next_due(frequency, time(8), MADRID, at(after)) == at(due)


def test_a_time_that_clocks_skip_comes_after_the_gap() -> None:
    # On 2011-04-01, those of Amman went from 00:00 to 01:00.
    assert next_due("monthly", time(0, 30), ZoneInfo("Asia/Amman"), at("2011-03-20T00:00Z")) == at("2011-03-31T22:30Z")


def test_a_time_that_clocks_show_twice_is_due_once() -> None:
    havana = next_due("monthly", time(0, 30), HAVANA, at("2026-10-31T12:00Z"))
    assert havana == at("2026-11-01T04:30Z")  # the first of two
    assert next_due("monthly", time(0, 30), HAVANA, havana) == at("2026-12-01T05:30Z")


@pytest.mark.parametrize(
    ("frequency", "moment", "start", "end"),
    [
        ("weekly", "2026-11-30T08:00+01:00", "2026-11-23T00:00+01:00", "2026-11-30T00:00+01:00"),
        ("weekly", "2026-11-29T23:59+01:00", "2026-11-16T00:00+01:00", "2026-11-23T00:00+01:00"),
        ("weekly", "2026-10-26T08:00+01:00", "2026-10-19T00:00+02:00", "2026-10-26T00:00+01:00"),
        ("monthly", "2028-03-01T00:00+01:00", "2028-02-01T00:00+01:00", "2028-03-01T00:00+01:00"),
        ("monthly", "2027-01-15T00:00+01:00", "2026-12-01T00:00+01:00", "2027-01-01T00:00+01:00"),
        ("quarterly", "2026-11-26T15:00+01:00", "2026-07-01T00:00+02:00", "2026-10-01T00:00+02:00"),
        ("quarterly", "2026-02-01T00:00+01:00", "2025-10-01T00:00+02:00", "2026-01-01T00:00+01:00"),
    ],
)
def test_the_period_is_the_last_whole_one(frequency: str, moment: str, start: str, end: str) -> None:
    assert period_before(frequency, at(moment), MADRID) == (at(start), at(end))


def test_a_zone_decides_when_a_period_is_over() -> None:
    moment = at("2026-11-30T02:00Z")  # still Sunday in Havana
    assert period_before("weekly", moment, UTC)[1] == at("2026-11-30T00:00Z")
    assert period_before("weekly", moment, HAVANA)[1] == at("2026-11-23T00:00-05:00")


@given(st.sampled_from(Frequency), st.times(), ZONES, MOMENTS)
def test_periods_follow_each_other_without_gap_or_overlap(
    frequency: Frequency, clock: time, zone: ZoneInfo, after: datetime
) -> None:
    due = next_due(frequency, clock, zone, after)
    following = next_due(frequency, clock, zone, due)
    assert after < due < following
    assert period_before(frequency, following, zone)[0] == period_before(frequency, due, zone)[1] <= due
    assert due - after < timedelta(days=93)
    just_before = following - timedelta(microseconds=1)
    assert last_due(frequency, clock, zone, due) == last_due(frequency, clock, zone, just_before) == due


def test_an_unknown_frequency_is_refused() -> None:
    with pytest.raises(ValueError, match="yearly"):
        period_before("yearly", at("2026-11-30T02:00Z"), UTC)


def test_a_period_in_words() -> None:
    assert period_words("weekly", date(2026, 12, 28)) == "2026-12-28 to 2027-01-03"
    assert period_words("monthly", date(2026, 2, 1)) == "February 2026"
    assert [period_words("quarterly", date(2026, month, 1)) for month in (1, 4, 7, 10)] == [
        f"Q{number} 2026" for number in (1, 2, 3, 4)
    ]
