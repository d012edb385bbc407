"""How the client waits between attempts and between requests, and how it is stopped."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from events.nexmo import errors
from events.nexmo.client import AuditClient, Pacer
from events.nexmo.values import parse_retry_after
from tests.tools.client import EMPTY_LIST, KEY, SECOND, SECRET, URL, Faked, Make, Waits

# --- how it waits


def test_pauses_grow_and_are_jittered(
    faked: Faked, make: Make, waits: Waits, no_jitter: list[tuple[float, float]]
) -> None:
    faked.answer(503)
    with pytest.raises(errors.Unavailable):
        make(attempts=6, longest_wait=12).list_events()
    assert waits.seconds == [1, 2, 4, 8, 12]
    assert no_jitter == [(0.2, pause) for pause in waits.seconds]


def test_one_attempt_is_one_request(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(503)
    with pytest.raises(errors.Unavailable):
        make(attempts=1).list_events()
    assert len(faked.requests) == 1 and waits.seconds == []


def test_each_call_has_all_attempts(faked: Faked, make: Make) -> None:
    faked.answer(503, 503, EMPTY_LIST, 503, 503, EMPTY_LIST)
    client = make(attempts=3)
    client.list_events()
    client.list_events()
    assert len(faked.requests) == 6


def test_pauses_are_told_before_they_begin(faked: Faked, make: Make, waits: Waits) -> None:
    told: list[tuple[float, str, int]] = []
    faked.answer(429, 503, EMPTY_LIST, headers={"Retry-After": "7"})
    make(on_wait=lambda seconds, why: told.append((seconds, why, len(waits.seconds)))).list_events()
    assert [(why, before) for _, why, before in told] == [
        (errors.RateLimited.what, 0),
        (errors.Unavailable.what, 1),
    ]
    assert [seconds for seconds, _, _ in told] == waits.seconds


@pytest.mark.parametrize(
    ("hint", "pause"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 1),
        ("59", 59),
        ("60", 60),
        ("61", 60),
        ("999999999", 60),
        ("99999999999", 60),
        ("-1", 1),
        ("1.5", 1),
        ("soon", 1),
        ("", 1),
        ("²", 1),
        ("nan", 1),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Wed, 21 Oct 9999 07:28:00 GMT", 60),
        ("Wed, 99 Oct 2015 07:28:00 GMT", 1),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 1),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999", 1),
    ],
)
def test_F15_retry_after_is_honoured_within_reason(
    faked: Faked, make: Make, waits: Waits, hint: str, pause: float
) -> None:
    """Without a usable hint the first pause is that of the backoff: at most 1 second."""
    faked.answer(429, headers={"Retry-After": hint.encode().decode("latin-1")})
    faked.answer(EMPTY_LIST)
    make(longest_wait=60).list_events()
    assert waits.seconds == [pause]


def test_F15_retry_after_as_a_date(faked: Faked, make: Make, waits: Waits) -> None:
    hint = format_datetime(datetime.now(UTC) + timedelta(seconds=31), usegmt=True)
    faked.answer(429, headers={"Retry-After": hint})
    faked.answer(EMPTY_LIST)
    make().list_events()
    assert 25 < waits.seconds[0] <= 31


def test_retry_after_as_a_date_counts_from_the_other_side_s_clock(faked: Faked, make: Make, waits: Waits) -> None:
    """By ours, which may be wrong, it might have passed long ago, or lie far ahead."""
    there = datetime(2020, 1, 1, 12, tzinfo=UTC)
    dates = {"Date": there, "Retry-After": there + timedelta(seconds=31)}
    faked.answer(429, headers={name: format_datetime(moment, usegmt=True) for name, moment in dates.items()})
    faked.answer(EMPTY_LIST)
    make().list_events()
    assert waits.seconds == [31]


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("Wed, 01 Jan 2020 12:00:00 GMT", datetime(2020, 1, 1, 12, tzinfo=UTC)),
        ("Wed, 01 Jan 2020 13:00:00 +0100", datetime(2020, 1, 1, 12, tzinfo=UTC)),
        ("Wed, 01 Jan 99999 12:00:00 GMT", None),
        ("Mon, 31 Dec 9999 23:59:59 GMT", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_page_says_what_time_it_was_at_nexmo(faked: Faked, make: Make, date: str | None, read: datetime | None) -> None:
    faked.answer(EMPTY_LIST, headers={} if date is None else {"Date": date})
    assert make().list_events().sent_at == read


@pytest.mark.parametrize("text", ["99999999999", "9" * 400, "Mon, 01 Jan 2300 00:00:00 GMT"])
def test_retry_after_is_a_day_at_most(text: str) -> None:
    assert parse_retry_after(text) == 86_400


@pytest.mark.parametrize("spelled", ["-0000", "+0000", "GMT", ""])
def test_F15_date_without_a_zone_is_utc(spelled: str) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)
    read = parse_retry_after(f"{moment:%a, %d %b %Y %H:%M:%S} {spelled}".strip())
    assert read is not None and 90 < read <= 100


def test_F15_retry_after_is_told_to_the_caller(faked: Faked, make: Make) -> None:
    faked.answer(429, headers={"Retry-After": "3600"})
    with pytest.raises(errors.RateLimited) as caught:
        make(attempts=2).list_events()
    assert caught.value.retry_after == 3600


def test_F15_no_retry_after_is_told_as_none(faked: Faked, make: Make) -> None:
    faked.answer(429)
    with pytest.raises(errors.RateLimited) as caught:
        make(attempts=1).list_events()
    assert caught.value.retry_after is None


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_F17_retry_after_of_any_passing_trouble_is_honoured(
    faked: Faked, make: Make, waits: Waits, status: int
) -> None:
    """Maintenance is told with 503 and Retry-After; five hasty attempts within it would all be lost."""
    faked.answer(status, headers={"Retry-After": "7"})
    faked.answer(EMPTY_LIST)
    make().list_events()
    assert waits.seconds == [7]


odd_dates = st.tuples(
    st.sampled_from(("Wed, ", "", "x, ")),
    st.integers(-1, 99),
    st.sampled_from((" Oct ", "-oct-", " Foo ")),
    st.integers(-1, 10**25),
    st.sampled_from((" 07:28:00 ", " 7:28 ", " 99:99:99 ", " ")),
    st.sampled_from(("GMT", "-0000", "EST", "", "+")),
    st.integers(0, 10**25) | st.just(""),
).map(lambda parts: "".join(map(str, parts)))


@settings(deadline=None, max_examples=200, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(st.text(max_size=40) | odd_dates)
def test_F15_no_retry_after_is_too_odd(text: str) -> None:
    seconds = parse_retry_after(text)
    assert seconds is None or seconds >= 0


# --- stopping and pacing


def test_stop_before_a_request_makes_none(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(EMPTY_LIST)
    waits.set()
    client = make()
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert client.requests_made == 0 and not faked.requests


def test_stop_during_a_pause_ends_it(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(503)
    client = make(on_wait=lambda seconds, why: waits.set())
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert client.requests_made == 1 and len(waits.seconds) == 1


def test_stop_while_pacing_makes_no_request(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(EMPTY_LIST)
    pacer = Pacer(0.001)
    pacer.delay()
    client = make(pacer=pacer)
    waits.set()
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert client.requests_made == 0 and waits.seconds[0] > 900


def test_a_real_stop_signal_wakes_a_long_pause(faked: Faked, make: Make) -> None:
    faked.answer(429, headers={"Retry-After": "30"})
    stop = threading.Event()
    begin = time.monotonic()
    client = make(stop=stop, on_wait=lambda seconds, why: threading.Timer(0.05, stop.set).start())
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert time.monotonic() - begin < 5


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The client's clock, which stands still until told."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("events.nexmo.client.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_pacer_spaces_requests_out(clock: SimpleNamespace) -> None:
    pacer = Pacer(4)
    assert [pacer.delay() for _ in range(4)] == [0, 0.25, 0.5, 0.75]
    clock.now += 0.5
    assert pacer.delay() == 0.5


def test_pacer_saves_nothing_up_while_idle(clock: SimpleNamespace) -> None:
    pacer = Pacer(4)
    pacer.delay()
    clock.now += 60
    assert [pacer.delay() for _ in range(3)] == [0, 0.25, 0.5]


@pytest.mark.parametrize("rate", [0, -1])
def test_pacer_without_a_rate_never_delays(clock: SimpleNamespace, rate: float) -> None:
    pacer = Pacer(rate)
    assert [pacer.delay() for _ in range(3)] == [0, 0, 0]


def test_clients_of_one_account_share_its_pace(faked: Faked, make: Make, waits: Waits, clock: SimpleNamespace) -> None:
    faked.answer(EMPTY_LIST)
    pacer = Pacer(2)
    make(pacer=pacer).list_events()
    make(pacer=pacer).list_events()
    make(pacer=pacer).list_events()
    assert waits.seconds == [0.5, 1.0]


def test_retries_and_the_second_secret_keep_the_pace_too(
    faked: Faked, make: Make, waits: Waits, clock: SimpleNamespace
) -> None:
    faked.answer(401, 503, EMPTY_LIST)
    make(secrets=[SECRET, SECOND], pacer=Pacer(2)).list_events()
    assert waits.seconds == [0.5, 1, 1.0]  # pace, pause after 503, pace


def test_one_request_a_second_is_the_default(faked: Faked, waits: Waits, clock: SimpleNamespace) -> None:
    faked.answer(EMPTY_LIST)
    with AuditClient(KEY, [SECRET], URL, stop=waits) as client:
        client.list_events()
        client.list_events()
    assert waits.seconds == [1.0]
