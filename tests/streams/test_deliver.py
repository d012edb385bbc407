"""Whatever a receiver does, it gets every event at least once, in order, and twice only after a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.utils import timezone

from accounts.models import NexmoAccount
from events.export import watch
from events.models import AuditEvent, SavedView, Stream, StreamRefusal
from events.outbound.post import Answer
from events.streams import deliver, progress, read
from events.streams.destinations import bulk, splunk
from tests.streams.conftest import numbers_of, serve
from tests.tools.export import add_many
from tests.tools.receivers import DIE, STALL, Taken

Receive = Callable[..., tuple[Stream, Any]]
KINDS = ("webhook", "splunk", "bulk", "syslog")
pytestmark = pytest.mark.django_db


@pytest.fixture
def mine(cast: Any, monkeypatch: pytest.MonkeyPatch) -> list[NexmoAccount]:
    """Alice's two accounts with 25 events each, sent in batches of ten."""
    monkeypatch.setattr(read, "MOST_AT_ONCE", 10)
    accounts = list(NexmoAccount.objects.visible_to(cast["alice"]).order_by("api_key"))
    for account in NexmoAccount.objects.all():
        add_many(account, range(25))
    return accounts


def assert_whole(taken: Taken, accounts: list[NexmoAccount]) -> None:
    assert {source for source, _ in taken.items} == {account.api_key for account in accounts}
    for account in accounts:
        assert taken.first_arrivals(account.api_key) == numbers_of(account)


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_of_the_holders_accounts_arrives_once_and_in_order(
    kind: str, mine: list[NexmoAccount], receive: Receive
) -> None:
    stream, receiver = receive(kind)

    assert serve(stream) == 50
    assert serve(stream) == 0

    assert_whole(receiver.taken, mine)
    assert len(receiver.taken.items) == 50
    stream.refresh_from_db()
    assert (stream.sent_count, stream.failures, stream.problem, stream.lease_until) == (50, 0, "", None)
    add_many(mine[0], range(25, 28))
    assert serve(stream) == 3
    assert receiver.taken.of(mine[0].api_key)[-3:] == [26, 27, 28]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [500, 429, DIE, STALL])
def test_after_a_failure_it_goes_on_where_it_stood(
    kind: str, fault: Any, mine: list[NexmoAccount], receive: Receive, impatient: None
) -> None:
    if kind == "syslog" and isinstance(fault, int):
        pytest.skip("a receiver of syslog answers nothing")
    stream, receiver = receive(kind)
    receiver.faults.extend([None, fault])

    assert serve(stream) == 10
    stream.refresh_from_db()
    assert (stream.failures, bool(stream.problem), stream.failed_count) == (1, True, 1)
    assert stream.retry_at > timezone.now()
    assert deliver.serve(stream.pk) == 0  # not before then
    assert serve(stream) == 40

    assert_whole(receiver.taken, mine)
    stream.refresh_from_db()
    assert (stream.failures, stream.problem, stream.retry_at) == (0, "", None)


def test_what_a_receiver_asks_for_is_waited(mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive("webhook")
    receiver.retry_after = "600"
    receiver.faults.extend([500, 429])

    serve(stream)
    stream.refresh_from_db()
    assert (stream.failures, stream.status) == (1, 500)
    assert stream.retry_at - timezone.now() < timedelta(seconds=60)
    serve(stream)
    stream.refresh_from_db()
    assert (stream.failures, stream.status) == (2, 429)
    assert timedelta(minutes=9) < stream.retry_at - timezone.now() <= timedelta(minutes=10)


def test_pauses_grow_up_to_a_quarter_of_an_hour() -> None:
    pauses = [progress.pause_after(failures) / progress.FIRST_PAUSE for failures in (1, 2, 3, 5, 50)]
    for pause, usual in zip(pauses, (1, 2, 4, 16, 180), strict=True):
        assert usual * 0.75 <= pause <= usual * 1.25


def test_splunk_that_forgets_to_index_is_sent_the_batch_again(
    mine: list[NexmoAccount], receive: Receive, impatient: None
) -> None:
    stream, receiver = receive("splunk", accounts=mine[:1])
    receiver.forgets = True
    assert serve(stream) == 0
    stream.refresh_from_db()
    assert stream.problem == "no_ack"

    receiver.forgets = False
    assert serve(stream) == 25

    assert receiver.taken.of(mine[0].api_key)[:20] == [*range(1, 11), *range(1, 11)]
    assert_whole(receiver.taken, mine[:1])


def test_an_event_that_splunk_cannot_read_is_kept_aside(mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive("splunk", accounts=mine[:1])
    receiver.faults.extend([("bad", 3), None, ("bad", 0)])

    assert serve(stream) == 25

    # That the first three were indexed, Splunk says only if they are sent by themselves.
    assert receiver.taken.of(mine[0].api_key) == [1, 2, 3, 1, 2, 3, *range(5, 26)]
    assert list(StreamRefusal.objects.values_list("seq", "problem")) == [(4, "splunk 6")]
    stream.refresh_from_db()
    assert (stream.sent_count, stream.refused_count) == (24, 1)


def test_partial_failures_of_bulk(mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive("bulk", accounts=mine[:1])
    # Document 2 can never be mapped, 5 comes too fast; 6 to 9 were taken and are sent again.
    receiver.faults.append({2: 400, 5: 429})

    serve(stream)
    stream.refresh_from_db()
    assert (stream.problem, stream.sent_count, stream.refused_count) == ("http 429", 4, 1)
    assert serve(stream) == 20

    assert sorted(receiver.taken.of(mine[0].api_key)) == [1, 2, *range(4, 26)]
    assert len(receiver.taken.items) == 24  # each document once
    refusal = StreamRefusal.objects.get()
    assert (refusal.seq, refusal.problem) == (3, "bulk 400 mapper_parsing_exception")


@pytest.mark.parametrize("kind", ["webhook", "splunk", "bulk"])
def test_who_takes_less_gets_less(kind: str, mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive(kind, accounts=mine[:1])
    receiver.faults.extend([413, None, 413, 413, None])

    assert serve(stream) == 25

    assert_whole(receiver.taken, mine[:1])


def test_what_is_too_large_by_itself_is_kept_aside(
    mine: list[NexmoAccount], receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MOST_AT_ONCE", 1)
    stream, receiver = receive("webhook", accounts=mine[:1])
    receiver.faults.extend([None, 413])

    assert serve(stream) == 25

    assert receiver.taken.of(mine[0].api_key) == [1, *range(3, 26)]
    assert list(StreamRefusal.objects.values_list("seq", "problem")) == [(2, "http 413")]


def test_files_hold_whole_lines_also_after_a_crash(
    mine: list[NexmoAccount], make_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    from events.streams.destinations import files

    stream = make_stream("files", "audit", accounts=mine[:1])
    folder = Path(site.STREAM_FILES) / "audit"
    assert serve(stream) == 25
    with next(iter(folder.iterdir())).open("ab") as file:
        file.write(b'{"half of a li')  # and then the power failed

    monkeypatch.setattr(files, "LARGEST", 1)
    add_many(mine[0], range(25, 27))
    assert serve(stream) == 2
    add_many(mine[0], range(27, 28))
    assert serve(stream) == 1

    names = sorted(file.name[-13:] for file in folder.iterdir())
    assert names == ["000001.ndjson", "000002.ndjson", "000003.ndjson"]
    assert next(iter(sorted(folder.iterdir()))).read_bytes().count(b"\n") == 25


def test_a_syslog_receiver_that_goes_without_goodbye_is_not_believed(
    mine: list[NexmoAccount], receive: Receive
) -> None:
    stream, receiver = receive("syslog", accounts=mine[:1])
    receiver.faults.append("silent")
    assert serve(stream) == 0
    stream.refresh_from_db()
    assert stream.problem == "no_goodbye"

    stream.options = stream.options | {"lenient": True}
    stream.save()
    receiver.faults.append("silent")
    assert serve(stream) == 25


def test_a_receivers_certificate_must_be_right(mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive("syslog", options={"authorities": ""})
    assert serve(stream) == 0
    stream.refresh_from_db()
    assert stream.problem == "certificate"
    assert receiver.taken.items == []


def test_private_addresses_are_refused_unless_allowed(
    mine: list[NexmoAccount], receive: Receive, settings: Any
) -> None:
    settings.STREAM_TARGETS = []
    for kind in KINDS:
        stream, receiver = receive(kind)
        assert serve(stream) == 0
        stream.refresh_from_db()
        assert stream.problem.startswith("refused 127.0.0.1")
        assert receiver.taken.requests == []


def test_a_view_narrows_and_the_one_before_is_told(cast: Any, mine: list[NexmoAccount], receive: Receive) -> None:
    kinds = {event.seq: event.event_type for event in AuditEvent.objects.filter(account=mine[0])}
    chosen = next(iter(kinds.values()))
    view = SavedView.objects.create(owner=cast["alice"], name="Some", query=f"event_type={chosen}")
    stream, receiver = receive("webhook", accounts=mine[:1], view=view, narrowed=True)

    wanted = sorted(seq for seq, kind in kinds.items() if kind == chosen)
    assert serve(stream) == len(wanted)

    assert receiver.taken.of(mine[0].api_key) == wanted
    # By this a receiver sees that nothing is missing in between.
    told = [(body["previous_sequence"], body["sequence"]) for body in receiver.taken.bodies]
    assert told == list(zip([0, *wanted[:-1]], wanted, strict=True))


def test_nothing_goes_once_the_view_is_gone(cast: Any, mine: list[NexmoAccount], receive: Receive) -> None:
    view = SavedView.objects.create(owner=cast["alice"], name="Some", query="source=API")
    stream, receiver = receive("webhook", view=view, narrowed=True)
    view.delete()

    assert serve(stream) == 0

    stream.refresh_from_db()
    assert (stream.problem, receiver.taken.requests) == ("hidden", [])
    stream.narrowed = False
    stream.cursors.update(seq=25)
    stream.save()
    serve(stream)
    stream.refresh_from_db()
    assert stream.problem == ""  # although there was nothing to send


def test_an_account_that_is_no_longer_shared_is_no_longer_sent(
    cast: Any, mine: list[NexmoAccount], receive: Receive
) -> None:
    stream, receiver = receive("webhook")
    NexmoAccount.objects.filter(pk=mine[1].pk).update(owner=cast["charlie"])
    mine[1].teams.clear()

    serve(stream)

    assert_whole(receiver.taken, mine[:1])


@pytest.mark.parametrize("lost", ["sight", "permission"])
def test_what_is_lost_while_a_stream_is_sent_ends_its_turn(
    lost: str, cast: Any, mine: list[NexmoAccount], receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.0)
    stream, receiver = receive("webhook")
    moved = progress.move

    def lose(*args: Any, **kwargs: Any) -> None:
        moved(*args, **kwargs)
        NexmoAccount.objects.filter(pk=mine[1].pk).update(owner=cast["charlie"])
        mine[1].teams.clear()
        if lost == "permission":
            cast["alice"].user_permissions.clear()
            cast["alice"].groups.clear()

    monkeypatch.setattr(progress, "move", lose)
    serve(stream)
    assert len(receiver.taken.items) == 10

    serve(stream)
    assert len(receiver.taken.items) == 10 + (25 if lost == "sight" else 0), "of the other account"


def test_who_may_no_longer_set_up_streams_sends_nothing(cast: Any, mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive("webhook")
    cast["alice"].user_permissions.clear()
    cast["alice"].groups.clear()

    assert serve(stream) == 0

    stream.refresh_from_db()
    assert (stream.problem, receiver.taken.requests) == ("not_allowed", [])


@pytest.mark.parametrize(("start", "wanted"), [("now", []), ("date", range(13, 26)), ("beginning", range(1, 26))])
def test_where_a_stream_begins(start: str, wanted: Any, mine: list[NexmoAccount], receive: Receive) -> None:
    times = dict(AuditEvent.objects.filter(account=mine[0]).values_list("seq", "created_at"))
    since = sorted(times.values())[12] if start == "date" else None
    stream, receiver = receive("webhook", accounts=mine[:1], start=start, since=since)

    serve(stream)

    expected = [seq for seq, at in times.items() if since and at >= since] if since else list(wanted)
    assert sorted(receiver.taken.of(mine[0].api_key)) == sorted(expected)
    add_many(mine[0], range(300, 302))
    serve(stream)
    assert receiver.taken.of(mine[0].api_key)[-1] == 27


def test_a_replay_sends_again_what_was_sent_and_then_goes_on(mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive("webhook", accounts=mine[:1])
    assert serve(stream) == 25
    times = dict(AuditEvent.objects.filter(account=mine[0]).values_list("seq", "created_at"))
    since = sorted(times.values())[20]
    again = [seq for seq, at in times.items() if at >= since]
    receiver.taken.items.clear()

    progress.replay(stream, since)
    add_many(mine[0], range(25, 27))
    serve(stream)

    assert receiver.taken.of(mine[0].api_key) == [*sorted(again), 26, 27]
    assert len(again) == 5


def test_a_paused_stream_sends_nothing_and_loses_nothing(mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive("webhook")
    progress.pause(stream)
    assert (serve(stream), receiver.taken.requests) == (0, [])

    progress.resume(stream)
    assert serve(stream) == 50


def test_a_stream_that_is_paused_while_it_is_sent_stops_after_that_batch(
    mine: list[NexmoAccount], receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, receiver = receive("webhook")
    moved = progress.move

    def pause_after(*args: Any, **kwargs: Any) -> None:
        moved(*args, **kwargs)
        progress.pause(stream)

    monkeypatch.setattr(progress, "move", pause_after)
    serve(stream)

    assert len(receiver.taken.items) == 20  # the second was under way
    monkeypatch.setattr(progress, "move", moved)
    progress.resume(stream)
    serve(stream)
    assert_whole(receiver.taken, mine)


@pytest.mark.parametrize("kind", KINDS)
def test_a_test_is_marked_and_moves_nothing(kind: str, mine: list[NexmoAccount], receive: Receive) -> None:
    stream, receiver = receive(kind, start="now")
    if kind == "bulk":
        assert receiver.documents == {}
    progress.ask_for_test(stream)

    assert serve(stream) == 0

    stream.refresh_from_db()
    assert (stream.test_asked_at, stream.test_problem, stream.sent_count) == (None, "", 0)
    assert stream.tested_at is not None
    assert receiver.taken.items == [("test", 0)]
    told = receiver.documents if kind == "bulk" else receiver.taken.bodies
    assert "true" in str(told).lower()
    assert "AUDITSITE_TEST" in str(told)


@pytest.mark.parametrize("destination", [bulk, splunk])
def test_answer_that_is_nested_too_deep_is_an_answer_all_the_same(destination: Any) -> None:
    deep = b"[" * 16_000
    if destination is splunk:
        assert splunk._read(Answer(200, body=deep)) == {}
    else:
        assert bulk._read(deep, 1).outcome.problem == "broken"
