"""Deliveries: claimed once, tried again with growing pauses, told, and nothing waits for another channel."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_httpserver import HTTPServer

from events.alerts import deliver, outcome
from events.alerts.messages import compose
from events.alerts.sending import send
from events.models import Channel, Delivery
from events.operations import jobs
from events.outbound.results import SENT, Outcome

pytestmark = pytest.mark.django_db
MakeChannel = Callable[..., Channel]


def add(channel: Channel, **values: Any) -> Delivery:
    now = timezone.now()
    told = {"kind": "test", "occasion": "x", "created_at": now, "due_at": now} | values
    delivery: Delivery = Delivery.objects.create(channel=channel, **told)
    return delivery


def plain(channel: Channel, **values: Any) -> Delivery:
    """One whose failure is not final, as a test's is; its text is made by a stand-in (`_composed`)."""
    return add(channel, kind="opened", **values)


@pytest.fixture(autouse=True)
def _composed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "compose", lambda delivery: compose.Message("test", "T", "B"))
    monkeypatch.setattr(outcome.random, "uniform", lambda low, high: 0.0)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """What the next attempts come to; afterwards all are sent."""
    given: list[Outcome] = []
    monkeypatch.setattr(send, "attempt", lambda *_: given.pop(0) if given else SENT)
    return given


def failed(problem: str = "http 503", **values: Any) -> Outcome:
    return Outcome(sent=False, problem=problem, status=503, **values)


def test_sent_is_noted_and_counted(make_channel: MakeChannel, answers: list[Outcome]) -> None:
    channel = make_channel(failures=3, problem="timeout")
    delivery = add(channel)

    assert deliver.serve(channel.pk) == 1

    delivery.refresh_from_db()
    channel.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.lease_until) == ("sent", 1, None)
    assert (channel.failures, channel.problem, channel.sent_count) == (0, "", 1)
    assert deliver.serve(channel.pk) == 0


def test_pauses_grow_to_an_hour_and_the_id_stays(make_channel: MakeChannel, answers: list[Outcome]) -> None:
    channel = make_channel()
    delivery = plain(channel)
    pauses = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(10):
            answers.append(failed())
            deliver.serve(channel.pk)
            key, due = Delivery.objects.values_list("key", "due_at").get()
            assert key == delivery.key
            pauses.append(round((due - timezone.now()).total_seconds()))
            assert deliver.channels_due() == []
            clock.move_to(due + timedelta(seconds=1))
        assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
        assert deliver.serve(channel.pk) == 1


def test_receivers_wish_to_wait_is_kept(make_channel: MakeChannel, answers: list[Outcome]) -> None:
    channel = make_channel()
    plain(channel)
    answers.append(failed(pause=timedelta(minutes=20)))
    with time_machine.travel(timezone.now(), tick=False):
        deliver.serve(channel.pk)
        channel.refresh_from_db()
        assert Delivery.objects.get().due_at - timezone.now() == timedelta(minutes=20)
        assert channel.retry_at - timezone.now() == timedelta(minutes=20)


def test_final_answer_ends_it_with_its_reason_and_the_next_is_sent(
    make_channel: MakeChannel, answers: list[Outcome]
) -> None:
    channel = make_channel()
    plain(channel, occasion="1")
    plain(channel, occasion="2")
    answers.append(failed("http 404", is_final=True))

    deliver.serve(channel.pk)

    assert list(Delivery.objects.order_by("id").values_list("state", "problem")) == [
        ("failed", "http 404"),
        ("sent", ""),
    ]
    channel.refresh_from_db()
    assert channel.lost_count == 1


def test_of_a_channel_that_is_down_one_message_is_tried_and_the_others_wait(
    make_channel: MakeChannel, answers: list[Outcome]
) -> None:
    channel = make_channel()
    for number in range(5):
        plain(channel, occasion=str(number))
    answers.append(failed())

    assert deliver.serve(channel.pk) == 0

    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 0, 0, 0, 1]


def test_message_is_given_up_after_its_last_attempt(make_channel: MakeChannel, answers: list[Outcome]) -> None:
    channel = make_channel()
    plain(channel, attempts=outcome.MOST_ATTEMPTS - 1)
    answers.append(failed())
    deliver.serve(channel.pk)
    assert Delivery.objects.get().state == "failed"


def test_channel_that_failed_too_often_is_paused_until_somebody_resumes_it(
    make_channel: MakeChannel, answers: list[Outcome]
) -> None:
    channel = make_channel(failures=outcome.MOST_FAILURES - 1)
    plain(channel)
    answers.append(failed())
    deliver.serve(channel.pk)
    channel.refresh_from_db()
    assert channel.paused_at
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert deliver.channels_due() == []
        outcome.resume(channel)
        assert deliver.serve(channel.pk) == 1


def test_test_is_sent_through_a_paused_channel_and_its_success_resumes_it(
    make_channel: MakeChannel, answers: list[Outcome]
) -> None:
    channel = make_channel(failures=30, paused_at=timezone.now())
    add(channel)
    assert deliver.serve(channel.pk) == 1
    channel.refresh_from_db()
    assert channel.paused_at is None


def test_failure_of_a_test_is_its_result(make_channel: MakeChannel, answers: list[Outcome]) -> None:
    channel = make_channel()
    add(channel)
    answers.append(failed("timeout"))
    deliver.serve(channel.pk)
    assert Delivery.objects.values_list("state", "problem").get() == ("failed", "timeout")


def test_what_waits_for_a_paused_channel_is_given_up_after_days(make_channel: MakeChannel) -> None:
    paused = make_channel(paused_at=timezone.now())
    plain(paused)
    off = make_channel("bob", is_active=False)
    plain(off)
    outcome.give_up_old(timezone.now())
    assert set(Delivery.objects.values_list("channel", "state")) == {(paused.pk, "waiting"), (off.pk, "dropped")}
    outcome.give_up_old(timezone.now() + outcome.KEPT_WHILE_PAUSED + timedelta(hours=1))
    assert Delivery.objects.get(channel=paused).state == "failed"


def test_delivery_is_claimed_by_one_alone_until_its_lease_ends(make_channel: MakeChannel) -> None:
    channel = make_channel()
    plain(channel)
    first = deliver.claim(channel.pk)
    assert first
    assert deliver.claim(channel.pk) is None
    with time_machine.travel(timezone.now() + deliver.LEASE + timedelta(seconds=1)):
        second = deliver.claim(channel.pk)
        assert second
        assert second.key == first.key
        # The first comes back after all: what it notes counts for nothing.
        assert not outcome.note(first, first.lease_owner, failed())
        assert outcome.note(second, second.lease_owner, SENT)
    assert Delivery.objects.get().state == "sent"


def test_lease_and_pause_of_the_future_count_for_nothing(make_channel: MakeChannel, answers: list[Outcome]) -> None:
    ahead = timezone.now() + timedelta(days=40)
    channel = make_channel(retry_at=ahead)
    plain(channel, lease_until=ahead, lease_owner="x")
    assert deliver.serve(channel.pk) == 1


def test_what_cannot_be_written_is_noted_and_holds_up_nothing(
    make_channel: MakeChannel, answers: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, other = make_channel(), make_channel("bob")
    plain(channel, occasion="1")
    plain(other, occasion="2")

    def fail(delivery: Delivery) -> Any:
        if delivery.channel_id == channel.pk:
            raise ValueError("hunter2")
        return compose.Message("test", "T", "B")

    monkeypatch.setattr(compose, "compose", fail)
    for pk in deliver.channels_due():
        deliver.serve(pk)
    assert dict(Delivery.objects.values_list("occasion", "state")) == {"1": "waiting", "2": "sent"}
    assert Delivery.objects.get(occasion="1").problem == "crashed"


def test_message_that_was_given_up_can_be_sent_again_under_its_id(
    make_channel: MakeChannel, answers: list[Outcome]
) -> None:
    delivery = plain(make_channel(), state="failed", attempts=12)
    assert outcome.retry(delivery)
    assert not outcome.retry(delivery)
    deliver.serve(delivery.channel_id)
    assert Delivery.objects.values_list("state", "key").get() == ("sent", delivery.key)


@pytest.mark.django_db(transaction=True)
def test_while_one_channel_hangs_all_others_are_served(
    make_channel: MakeChannel, httpserver: HTTPServer, hook: str
) -> None:
    """With threads and sockets, as in the worker."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = make_channel(address=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        plain(hanging, occasion="1")
        good = make_channel("bob", address=hook)
        plain(good, occasion="2")
        jobs.enqueue("send_alerts")

        started = deliver.start_due()
        assert len(started) == 2
        wire, _ = silent.accept()  # it is being sent
        try:
            of_good = next(thread for thread in started if thread is deliver._threads._running[good.pk])
            of_good.join(60)
            assert Delivery.objects.get(channel=good).state == "sent"
            assert deliver._threads.running() == [hanging.pk]

            plain(good, occasion="3")  # and what comes up meanwhile
            for thread in deliver.start_due():
                thread.join(60)
            assert Delivery.objects.filter(channel=good, state="sent").count() == 2
            assert len(httpserver.log) == 2
        finally:
            wire.close()  # the hanging one breaks off
        for thread in started:
            thread.join(60)
    assert Delivery.objects.get(channel=hanging).problem == "broken"
