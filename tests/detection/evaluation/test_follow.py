"""Following the archive: findings are made, grow, come back, and rules that fail stop no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention
from events.detection.evaluation import follow as following
from events.detection.evaluation import replay as replaying
from events.detection.evaluation.find import Found
from events.detection.evaluation.follow import Followed, behind, follow
from events.detection.evaluation.hunt import Hunting
from events.detection.evaluation.replay import replay
from events.detection.evaluation.seen import MOST_VALUES
from events.detection.rules.ruleset import RuleSet
from events.models import (
    AuditEvent,
    DetectionCursor,
    Finding,
    FindingAccount,
    FindingChange,
    FindingEvent,
    SeenField,
    SeenValue,
    Suppression,
)
from events.sync import state
from tests.detection.archives import LOGIN, add, correlation, detection, rule_of, stored, told
from tests.tools.findings import set_parts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 3, 12, tzinfo=UTC)
SECRETS = detection("secrets", "event_type: ACCOUNT_SECRET_CREATE", "merge: 1h")


def event(number: int, at: str = "2026-01-02T10:00:00", **fields: Any) -> dict[str, Any]:
    given = {
        "id": f"e{number:05d}",
        "event_type": "ACCOUNT_SECRET_CREATE",
        "created_at": at,
        "user_email": "ann@example.com",
        "source_ip": "192.0.2.1",
        "source_country": "GB",
        "source": "CD",
        "context": {},
    }
    return given | fields


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def history_of(finding: Finding) -> list[tuple[str, str]]:
    return list(finding.changes.values_list("action", "details"))


def test_finding_says_what_was_found_where_and_when(account: NexmoAccount) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1), event(2, "2026-01-02T10:30:00")])

    done = follow(rules=[rule])

    finding = Finding.objects.get()
    assert (done.events, done.made, done.accounts) == (2, 1, {account.pk})
    assert (finding.rule, finding.title, finding.severity) == (rule.uid, "secrets", 2)
    assert finding.group == {"account": account.api_key, "user_email": "ann@example.com"}
    assert (finding.event_count, finding.state, finding.routed_at) == (2, "open", None)
    assert (finding.first_at.hour, finding.last_at.minute, finding.found_at) == (10, 30, NOW)
    part = FindingAccount.objects.get()
    assert (part.account, part.event_count, part.state, part.found_at) == (account, 2, "open", NOW)
    assert history_of(finding) == [("found", "")]
    assert follow(rules=[rule]).events == 0


def test_later_event_extends_it_and_an_earlier_one_moves_its_beginning(account: NexmoAccount) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1)])
    follow(rules=[rule])
    number, key = Finding.objects.values_list("pk", "key").get()
    add(account, [event(2, "2026-01-02T10:40:00"), event(3, "2026-01-02T09:10:00")])

    follow(rules=[rule])

    finding = Finding.objects.get()
    assert (finding.pk, finding.event_count, finding.extended_at) == (number, 3, NOW)
    assert finding.key != key, "it is known by its first event"
    assert history_of(finding) == [("found", ""), ("extended", "2")]


def test_late_event_that_joins_two_leaves_the_older_one(account: NexmoAccount) -> None:
    rule = rule_of(SECRETS)
    for number, at in ((1, "10:00"), (2, "11:40")):
        add(account, [event(number, f"2026-01-02T{at}:00")])
        follow(rules=[rule])
    older, newer = Finding.objects.order_by("pk")
    add(account, [event(3, "2026-01-02T10:50:00")])

    follow(rules=[rule])

    older.refresh_from_db()
    newer.refresh_from_db()
    assert (older.event_count, older.state) == (3, "open")
    assert newer.state == "withdrawn"
    assert FindingAccount.objects.get(finding=newer).state == "withdrawn"
    assert history_of(newer)[-1] == ("withdrawn", "open")
    assert stored(rule) == told(Hunting(rule).run())


def test_late_event_that_contradicts_it_withdraws_it_and_it_can_come_back(account: NexmoAccount) -> None:
    rule = rule_of(detection("address", "source: CD", "first_seen: {fields: [source_ip], history: 1h}"))
    add(account, [event(1, "2026-01-01T10:00:00")])
    add(account, [event(2, source_ip="192.0.2.9")])
    follow(rules=[rule])
    (finding,) = Finding.objects.all()
    add(account, [event(3, "2026-01-01T11:30:00", source_ip="192.0.2.9")])

    follow(rules=[rule])

    finding.refresh_from_db()
    assert finding.state == "withdrawn"
    other = Finding.objects.exclude(pk=finding.pk).get()
    assert FindingEvent.objects.get(finding=other).nexmo_id == "e00003"
    assert stored(rule) == told(Hunting(rule).run())


@pytest.mark.parametrize("state", ["open", "acknowledged", "resolved"])
def test_only_a_resolved_finding_reopens_when_it_grows(account: NexmoAccount, state: str) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1)])
    follow(rules=[rule])
    Finding.objects.update(state=state, routed_at=NOW, resolution="false" if state == "resolved" else "")
    FindingAccount.objects.update(state=state)
    add(account, [event(2, "2026-01-02T10:10:00")])

    follow(rules=[rule])

    finding = Finding.objects.get()
    reopens = state == "resolved"
    assert finding.state == FindingAccount.objects.get().state == ("open" if reopens else state)
    assert (finding.routed_at is None, finding.resolution) == (reopens, "")
    assert ("reopened", "resolved") in history_of(finding) if reopens else len(history_of(finding)) == 2


def test_only_the_part_that_grows_reopens_and_a_suppression_covers_its_part(
    account: NexmoAccount, django_user_model: Any
) -> None:
    """A rule over accounts: in one of them it is resolved, in another somebody suppressed the like."""
    rule = rule_of(detection("everywhere", "event_type: ACCOUNT_SECRET_CREATE", "merge: 10h, group_by: [user_email]"))
    others = [
        NexmoAccount.objects.create(owner=account.owner, name=key, api_key=key, api_secret="x" * 8)  # noqa: S106
        for key in ("demo0008", "demo0009")
    ]
    add(account, [event(1)])
    add(others[0], [event(2, "2026-01-02T10:05:00")])
    follow(rules=[rule])
    finding = Finding.objects.get()
    set_parts([finding], state="resolved", resolution="false", resolved_at=NOW)
    Suppression.objects.create(rule=rule.uid, account=others[1], fields={"source_country": "GB"}, created_at=NOW)

    add(others[0], [event(3, "2026-01-02T10:10:00")])
    add(others[1], [event(4, "2026-01-02T10:15:00")])
    follow(rules=[rule])

    states = dict(finding.parts.values_list("account__api_key", "state"))
    assert states == {account.api_key: "resolved", "demo0008": "open", "demo0009": "suppressed"}
    finding.refresh_from_db()
    assert (finding.state, finding.resolution, finding.routed_at) == ("open", "", None)
    assert [line.accounts for line in finding.changes.filter(action="reopened")] == [[others[0].pk]]

    add(account, [event(5, "2026-01-02T10:20:00")])
    follow(rules=[rule])
    assert finding.parts.get(account=account).state == "open"
    assert finding.parts.get(account=others[1]).state == "suppressed"


def test_what_is_old_when_it_is_found_is_kept_and_announced_to_nobody(account: NexmoAccount) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1, "2025-12-01T10:00:00"), event(2)])

    follow(rules=[rule])

    assert list(Finding.objects.order_by("first_at").values_list("state", "routed_at")) == [
        ("open", NOW),
        ("open", None),
    ]


def test_rule_that_raises_is_told_and_stops_no_other(
    account: NexmoAccount, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(fields: Any) -> bool:
        raise RuntimeError("never mind")

    good, bad, worse = rule_of(SECRETS), rule_of(detection("bad", "source: CD")), rule_of(detection("w", "source: C*"))
    object.__setattr__(bad.selections[0], "matches", fail)
    object.__setattr__(bad.selections[0], "given", None)
    monkeypatch.setattr(
        Found, "step", lambda self, slot: "" if self.rule is good else (_ for _ in ()).throw(KeyError("x"))
    )
    add(account, [event(1)])

    done = follow(rules=[bad, worse, good])

    assert Finding.objects.get().rule == good.uid
    assert DetectionCursor.objects.get().problem.splitlines() == ["bad: RuntimeError", "w: KeyError"]
    assert DetectionCursor.objects.get().seq == 1
    assert done.problems.keys() == {bad.uid, worse.uid}
    assert "never mind" in caplog.text
    follow(rules=[good])
    add(account, [event(2, "2026-01-02T15:00:00")])
    follow(rules=[good])
    assert DetectionCursor.objects.get().problem == ""


def test_database_that_is_away_is_no_rules_fault(account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError

    add(account, [event(1)])
    with monkeypatch.context() as patch:
        patch.setattr(following, "increment", away)
        with pytest.raises(OperationalError):
            follow(rules=[rule_of(SECRETS)])
    assert DetectionCursor.objects.get().seq == 0

    follow(rules=[rule_of(SECRETS)])

    assert Finding.objects.exists()


def test_the_account_that_is_least_behind_comes_first_and_each_gets_a_turn(
    cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    small, large = NexmoAccount.objects.order_by("api_key")[:2]
    add(large, [event(number) for number in range(5)])
    add(small, [event(9)])
    seen = []

    follow(lambda done, total: seen.append((done, total, behind().keys())), rules=[])

    assert seen == [(1, 6, {large.pk}), (3, 6, {large.pk}), (5, 6, {large.pk}), (6, 6, set())]


def test_news_wait_for_no_long_archive_and_these_come_to_their_end(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    busy, *long = NexmoAccount.objects.order_by("api_key")[:3]
    for account in long:
        add(account, [event(number) for number in range(6)])
    order, news = [], iter(range(100, 104))

    def told(part: Followed) -> None:
        order.extend(part.evaluated)
        if (number := next(news, None)) is not None:
            add(busy, [event(number)])  # something new, after each of the first batches

    follow(rules=[], told=told)

    turns = [place for place, account in enumerate(order) if account == busy.pk]
    assert turns[0] <= 2, "before the long ones are done, or have had a turn each"
    assert turns[-1] < len(order) - 1
    assert [order.count(account.pk) for account in long] == [3, 3]
    assert not behind()


def test_what_stops_between_two_batches_goes_on_from_there(
    account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    add(account, [event(number, f"2026-01-02T10:{number:02d}:00") for number in range(5)])

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(stop, rules=[rule_of(SECRETS)])
    assert DetectionCursor.objects.get().seq == 2

    follow(rules=[rule_of(SECRETS)])

    assert Finding.objects.get().event_count == 5


def while_looked_at(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Have something happen once, after a batch was looked at and before what it changes is written."""
    look, left = following.Follower._look, [do]

    def look_and_do(*args: Any) -> Any:
        changes = look(*args)
        while left:
            left.pop()()
        return changes

    monkeypatch.setattr(following.Follower, "_look", look_and_do)


def test_batch_that_another_evaluator_was_quicker_with_is_left_to_it(
    account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1), event(2, "2026-01-02T10:30:00")])
    quicker: list[following.Followed] = []
    while_looked_at(monkeypatch, lambda: quicker.append(follow(rules=[rule])))

    done = follow(rules=[rule])

    assert [(each.events, each.made, each.problems) for each in (*quicker, done)] == [(2, 1, {}), (0, 0, {})]
    assert stored(rule) == told(Hunting(rule).run())


def test_batch_is_looked_at_again_where_a_replay_joined_what_it_had_looked_at(
    account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    custom = "first_seen: {fields: [event_id], history: 1m}, merge: 1h"
    rule = rule_of(detection("each", "event_type: ACCOUNT_SECRET_CREATE", custom))
    times = ("00:00", "10:00", "15:00", "20:00")
    add(account, [event(number, f"2026-01-02T{at}:00") for number, at in enumerate(times)])
    follow(rules=[rule])
    add(account, [event(9, "2026-01-02T15:10:00")])
    monkeypatch.setattr(replaying, "follow", lambda tick: None)
    joined = dataclasses.replace(rule, merge=timedelta(hours=10))
    while_looked_at(monkeypatch, lambda: replay(joined) and None)

    follow(rules=[rule])

    assert [one["events"] for one in stored(rule)] == [one["events"] for one in told(Hunting(rule).run())]
    assert len(stored(rule)) == 3


def test_what_retention_removes_stays_found_and_no_replay_adds_it_again(account: NexmoAccount) -> None:
    rule = rule_of(
        detection("new", "source: CD", "first_seen: {fields: [source_ip], history: 1h}, merge: 3h"),
    )
    times = ("2026-01-01T08:00:00", "2026-01-02T10:00:00", "2026-01-02T12:00:00")
    addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    add(account, [event(n, at, source_ip=ip) for n, (at, ip) in enumerate(zip(times, addresses, strict=True))])
    follow(rules=[rule])
    (finding,) = Finding.objects.all()
    account.keep_days = 1
    account.save()
    planned = retention.plan(account, datetime(2026, 1, 3, 11, tzinfo=UTC))
    assert planned is not None
    with time_machine.travel(time_machine.escape_hatch.datetime.datetime.now(UTC)):  # the database has its own clock
        retention.apply(planned)
    assert AuditEvent.objects.count() == 1
    add(account, [event(9, "2026-01-02T13:00:00", source_ip="192.0.2.4")])

    follow(rules=[rule])
    replay(rule)

    again = Finding.objects.get()
    assert (again.pk, again.key, again.event_count, again.state) == (finding.pk, finding.key, 3, "open")
    add(account, [event(10, "2026-01-02T13:30:00", source_ip="192.0.2.2")])
    follow(rules=[rule])
    assert Finding.objects.get().event_count == 3, "an address of a removed event was seen all the same"


def test_event_of_the_future_hides_nothing_that_really_happened(account: NexmoAccount) -> None:
    rule = rule_of(detection("new", "source: CD", "first_seen: {fields: [source_ip], history: 1h}"))
    add(account, [event(1, "2026-01-01T08:00:00"), event(2, "2126-01-01T00:00:00", source_ip="192.0.2.9")])
    follow(rules=[rule])
    add(account, [event(3, source_ip="192.0.2.9")])

    follow(rules=[rule])

    live = Finding.objects.exclude(state="withdrawn").get()
    assert FindingEvent.objects.get(finding=live).nexmo_id == "e00003"


def test_rule_that_is_new_asks_for_values_of_the_whole_archive(account: NexmoAccount) -> None:
    add(account, [event(1, "2026-01-01T08:00:00", source_ip="192.0.2.9"), event(2, "2026-01-01T09:00:00")])
    follow(rules=[])
    rule = rule_of(detection("new", "source: CD", "first_seen: {fields: [source_ip], history: 1h}"))
    add(account, [event(3, source_ip="192.0.2.9"), event(4, source_ip="192.0.2.10")])

    follow(rules=[rule])

    assert [row.nexmo_id for row in FindingEvent.objects.all()] == ["e00004"]
    assert SeenField.objects.get().seq == 4


def test_finding_over_accounts_has_a_part_in_each(cast: Any) -> None:
    one, other = NexmoAccount.objects.order_by("api_key")[:2]
    rule = rule_of(LOGIN, correlation("event_count", ["login"], "source_ip", "1h", "{gte: 2}"))
    add(one, [event(1, event_type="USER_LOGIN"), event(2, "2026-01-02T10:05:00", event_type="USER_LOGIN")])
    follow(rules=[rule])
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        add(other, [event(3, "2026-01-02T10:10:00", event_type="USER_LOGIN")])
        follow(rules=[rule])
        later = timezone.now()

    parts = FindingAccount.objects.order_by("account__api_key").values_list("account", "event_count", "found_at")
    assert list(parts) == [(one.pk, 2, NOW), (other.pk, 1, later)]
    assert Finding.objects.get().event_count == 3


def test_same_address_in_accounts_without_a_common_team(cast: Any) -> None:
    rule = rule_of(
        detection("shared", "source: CD", "shared_without_team: {field: source_ip, within: 1d}, group_by: [source_ip]")
    )
    alices, charlies = (NexmoAccount.objects.get(api_key=key) for key in ("demo0001", "demo0003"))
    add(alices, [event(1, "2026-01-01T10:00:00"), event(2, "2026-01-02T10:00:00")])
    follow(rules=[rule])
    assert not Finding.objects.exists()
    add(charlies, [event(3, "2026-01-02T10:30:00")])

    follow(rules=[rule])

    assert sorted(FindingEvent.objects.values_list("nexmo_id", flat=True)) == ["e00002", "e00003"]
    assert Finding.objects.get().details is None, "nothing is told of the other account"


def test_history_of_a_finding_only_grows(account: NexmoAccount) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1)])
    follow(rules=[rule])
    before = list(FindingChange.objects.values_list())
    add(account, [event(2, "2026-01-02T10:10:00")])
    follow(rules=[rule])
    assert list(FindingChange.objects.values_list())[: len(before)] == before


def test_account_that_cannot_be_read_holds_up_no_other(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rule_of(SECRETS)
    broken, sound = NexmoAccount.objects.order_by("api_key")[:2]
    add(broken, [event(1)])
    add(sound, [event(2), event(3)])
    original = following.Reader.in_chain

    def in_chain(reader: Any, account: int, *rest: Any, **how: Any) -> Any:
        if account == broken.pk:
            raise ValueError("Invalid isoformat string")  # what a failing disk left
        return original(reader, account, *rest, **how)

    with monkeypatch.context() as patch:
        patch.setattr(following.Reader, "in_chain", in_chain)
        done = follow(rules=[rule])

    assert (done.failed, done.evaluated) == ({broken.pk}, {sound.pk})
    assert behind() == {broken.pk: (0, 1)}
    assert DetectionCursor.objects.get(account=broken).problem == "ValueError"
    follow(rules=[rule])
    assert not behind()
    assert DetectionCursor.objects.get(account=broken).problem == ""


def test_row_that_is_no_text_is_no_database_that_is_away() -> None:
    assert following.is_away(OperationalError("database is locked"))
    assert not following.is_away(OperationalError("Could not decode to UTF-8 column 'context'"))


def test_rule_that_is_switched_meanwhile_counts_from_the_next_round(
    account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = rule_of(SECRETS), rule_of(detection("more", "event_type: ACCOUNT_SECRET_CREATE"))
    sets = [RuleSet({rule.uid: rule}, {rule.uid: rule}) for rule in (first, second)]
    monkeypatch.setattr(following, "current_rules", lambda: sets[bool(DetectionCursor.objects.filter(seq__gt=0))])
    monkeypatch.setattr(following, "BATCH", 1)
    add(account, [event(1), event(2, "2026-01-02T15:00:00")])

    follow()

    assert set(Finding.objects.values_list("rule", "evidence__nexmo_id")) == {
        (first.uid, "e00001"),
        (second.uid, "e00002"),
    }


def test_account_in_its_first_sync_waits_until_that_is_over(account: NexmoAccount) -> None:
    """Newest events are archived first, so that each would look like the first of its kind."""
    add(account, [event(1)])
    run = state.claim(account, "schedule")
    assert run is not None

    assert behind() == {}
    state.finish(run)
    assert behind() == {account.pk: (0, 1)}

    again = state.claim(account, "schedule")
    assert again is not None
    assert behind() == {account.pk: (0, 1)}


@pytest.mark.parametrize(
    ("at", "count", "is_first"), [("10:20", 3, False), ("09:50", 3, True), ("10:00", 3, False), ("14:00", 2, False)]
)
def test_finding_of_many_events_grows_without_reading_them(
    account: NexmoAccount, monkeypatch: pytest.MonkeyPatch, at: str, count: int, is_first: bool
) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1), event(2, "2026-01-02T10:30:00")])
    follow(rules=[rule])
    key = Finding.objects.get().key
    add(account, [event(3, f"2026-01-02T{at}:00")])

    def read(*_: Any) -> None:
        raise AssertionError("all its events are read")

    with monkeypatch.context() as patch:
        patch.setattr(following.writing, "evidence_of", read)
        assert follow(rules=[rule]).problems == {}

    finding = Finding.objects.order_by("pk")[0]
    assert (finding.event_count, finding.key != key) == (count, is_first)
    assert stored(rule) == told(Hunting(rule).run())


def test_event_whose_lists_combine_to_millions_is_followed(account: NexmoAccount) -> None:
    rule = rule_of(detection("lists", "source: CD", "first_seen: {fields: [context.a, context.b], history: 1h}"))
    many = [f"v{number}" for number in range(200)]
    add(account, [event(1, context={"a": many, "b": many})])

    follow(rules=[rule])

    assert SeenValue.objects.count() == MOST_VALUES
