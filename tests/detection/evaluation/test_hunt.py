"""A rule tried over the archive: by the worker, on the command line, and into the inbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import NexmoAccount
from events.detection.evaluation import hunt, reconcile
from events.detection.evaluation import jobs as detection_jobs  # noqa: F401 - declares jobs
from events.detection.evaluation import replay as replaying
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting, TooMany
from events.detection.evaluation.replay import replay
from events.detection.evaluation.stored import Stored
from events.models import BackgroundJob, DetectionCursor, Finding, FindingChange, Hunt, SeenField
from events.operations import jobs
from tests.detection.archives import LOGIN, add, correlation, detection, rule_of, stored, told

pytestmark = pytest.mark.django_db

SECRETS = detection("secrets", "event_type: ACCOUNT_SECRET_CREATE", "merge: 1h")
BURST = LOGIN + "---\n" + correlation("event_count", ["login"], "account", "1h", "{gte: 2}")


def event(number: int, at: str = "2026-01-02T10:00:00", **fields: Any) -> dict[str, Any]:
    given = {"id": f"e{number:05d}", "event_type": "ACCOUNT_SECRET_CREATE", "created_at": at, "source": "CD"}
    return given | {"user_email": "ann@example.com", "source_ip": "192.0.2.1", "source_country": "GB"} | fields


@pytest.fixture
def archive(account: NexmoAccount) -> NexmoAccount:
    times = ("2025-11-05T10:00:00", "2026-01-02T10:00:00", "2026-01-02T10:20:00")
    add(account, [event(number, at) for number, at in enumerate(times)])
    return account


def ask(cast: Any, text: str = SECRETS, *, is_replay: bool = False) -> Hunt:
    trial: Hunt = Hunt.objects.create(
        requested_by=cast["admin"], requested_at="2026-01-03T00:00Z", text=text, replay=is_replay
    )
    jobs.enqueue(hunt.KIND, str(trial.pk))
    return trial


def run_hunts() -> None:
    BackgroundJob.objects.exclude(kind=hunt.KIND).delete()
    while jobs.run_next():
        BackgroundJob.objects.exclude(kind=hunt.KIND).delete()


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("hunt", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


# --- by the worker --------------------------------------------------------------------------------------------------


def test_trial_says_what_would_be_found_and_changes_nothing(archive: NexmoAccount, cast: Any) -> None:
    trial = ask(cast)

    run_hunts()

    trial.refresh_from_db()
    assert (trial.state, trial.found, trial.problem) == ("done", 2, "")
    assert trial.result["months"] == [["2025-11", 1], ["2026-01", 1]]
    newest, oldest = trial.result["newest"]
    assert newest["group"] == {"account": archive.api_key, "user_email": "ann@example.com"}
    assert [each["event_id"] for each in newest["events"]] == ["e00001", "e00002"]
    assert oldest["first_at"] == "2025-11-05T10:00:00+00:00"
    assert (newest["accounts"], newest["more"]) == ([archive.pk], 0)
    assert trial.done == trial.total == 3
    assert not Finding.objects.exists()
    assert not DetectionCursor.objects.exists()


def test_replay_puts_it_into_the_inbox_once(archive: NexmoAccount, cast: Any) -> None:
    for _ in range(2):
        ask(cast, is_replay=True)
        run_hunts()

    assert list(Hunt.objects.values_list("state", "found")) == [("done", 2), ("done", 2)]
    assert Finding.objects.count() == FindingChange.objects.count() == 2


def test_rule_that_cannot_be_read_fails_in_words(archive: NexmoAccount, cast: Any) -> None:
    trial = ask(cast, "title: x")

    run_hunts()

    trial.refresh_from_db()
    assert trial.state == "failed"
    assert "line 1" in trial.problem
    assert BackgroundJob.objects.get().failed_at, "it is not tried again"


def test_trial_that_was_withdrawn_is_not_done(archive: NexmoAccount, cast: Any) -> None:
    ask(cast).delete()
    run_hunts()
    assert not BackgroundJob.objects.exists()


def test_trial_goes_on_when_its_worker_stopped(
    archive: NexmoAccount, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = ask(cast)
    with monkeypatch.context() as patch:
        patch.setattr(Hunting, "run", lambda *_: (_ for _ in ()).throw(jobs.JobInterrupted))
        assert jobs.run_next()
    trial.refresh_from_db()
    assert trial.state == "running"

    run_hunts()

    trial.refresh_from_db()
    assert (trial.state, trial.found) == ("done", 2)


# --- what it reads --------------------------------------------------------------------------------------------------


def test_progress_counts_the_events_that_can_matter(archive: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "SLICE", 2)
    add(archive, [event(9, event_type="USER_LOGIN")])
    ticks: list[tuple[int, int, int]] = []

    Hunting(rule_of(SECRETS), tick=lambda *tick: ticks.append(tick)).run()

    assert ticks == [(2, 3, 2), (3, 3, 3)], "the login is not read: an index knows the types"


def test_values_that_no_rule_asked_for_before_are_looked_through_and_not_kept(archive: NexmoAccount) -> None:
    rule = rule_of(detection("new", "source: CD", "first_seen: {fields: [source_ip], history: 1d}"))
    add(archive, [event(9, "2026-01-02T11:00:00", source_ip="192.0.2.7")])
    hunting = Hunting(rule)

    (found,) = hunting.run()

    assert [fact.event_id for fact, _ in found.events] == ["e00009"]
    assert hunting.done == hunting.total == 8, "each event twice"
    assert not SeenField.objects.exists()


def test_span_limits_events_and_not_their_past(archive: NexmoAccount) -> None:
    rule = rule_of(detection("new", "source: CD", "first_seen: {fields: [source_ip], history: 1d}"))
    add(archive, [event(9, "2026-01-02T11:00:00", source_ip="192.0.2.7")])

    found = Hunting(rule, since=datetime(2026, 1, 2, tzinfo=UTC)).run()
    none = Hunting(rule, until=datetime(2026, 1, 2, 10, 59, tzinfo=UTC)).run()

    assert [[fact.event_id for fact, _ in one.events] for one in found] == [["e00009"]]
    assert none == []


def test_rule_that_matches_nearly_everything_is_refused(archive: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "MOST_HITS", 2)
    with pytest.raises(TooMany, match="more than 200,000 events"):
        Hunting(rule_of(SECRETS)).run()


@pytest.mark.parametrize("custom", ["merge: 1h", "first_seen: {fields: [source_ip], history: 1h}, merge: 1h"])
def test_events_followed_during_a_replay_are_counted(
    archive: NexmoAccount, custom: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = rule_of(detection("all", "source: CD", custom))
    caught_up = Hunting.catch_up

    def meanwhile(self: Hunting) -> bool:
        add(archive, [event(7, "2025-11-05T09:30:00"), event(8, "2026-01-02T10:40:00", source_ip="192.0.2.8")])
        follow(rules=[])
        return caught_up(self)

    with monkeypatch.context() as patch:
        patch.setattr(Hunting, "catch_up", meanwhile)
        found, _ = replay(rule)

    assert told(found) == told(Hunting(rule).run())
    assert replay(rule)[1].made == 0


# --- on the command line --------------------------------------------------------------------------------------------


def test_command_tries_a_file_that_is_not_installed(archive: NexmoAccount, tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(SECRETS)

    text = command(str(file))

    assert "2026-01-02 10:00:00 to 2026-01-02 10:20:00 UTC" in text
    assert f"account {archive.api_key}, user_email ann@example.com" in text
    assert "e00002" in text
    assert text.endswith("secrets: 2 findings.\n")
    assert not Finding.objects.exists()


def test_command_writes_json_and_takes_a_span_and_accounts(archive: NexmoAccount, tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(SECRETS)

    (line,) = command(str(file), "--format", "json", "--since", "2026-01-01", "--account", "demo0001").splitlines()
    none = command(str(file), "--format", "json", "--account", "demo0002")
    old = command(str(file), "--until", "2025-11-05", "--format", "json")

    found = json.loads(line)
    assert found["accounts"] == ["demo0001"]
    assert [each["account"] for each in found["events"]] == ["demo0001"] * 2
    assert none == ""
    assert json.loads(old)["first_at"].startswith("2025-11-05")


def test_command_replays_and_says_what_that_did(archive: NexmoAccount, tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(SECRETS)

    assert command(str(file), "--replay").endswith("Inbox: 2 new, 0 extended, 0 withdrawn.\n")
    assert command(str(file), "--replay").endswith("Inbox: 0 new, 0 extended, 0 withdrawn.\n")


def test_command_knows_installed_rules_by_id_title_and_file(archive: NexmoAccount) -> None:
    texts = {
        command(name).splitlines()[-1]
        for name in ("bc7eccd2-ce3c-45da-b0ce-b50c0999768c", "allow_list_emptied.yml", "allow_list_emptied")
    }
    assert len(texts) == 1
    assert texts.pop().endswith(": 0 findings.")


@pytest.mark.parametrize(
    ("text", "says"), [("title: x", "line 1"), (SECRETS + "---\n" + LOGIN, "several rules"), (None, "There is no rule")]
)
def test_command_refuses_what_is_no_rule(db: None, tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "mine.yml"
    if text:
        file.write_text(text)
    with pytest.raises(CommandError, match=says):
        command(str(file))


def test_rule_about_syncing_has_nothing_to_look_for(db: None) -> None:
    with pytest.raises(CommandError, match="look at the present"):
        command("sync_failing")


def test_what_is_followed_during_a_replay_counts_too(account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rule_of(SECRETS)
    add(account, [event(1)])
    follow(rules=[])
    monkeypatch.setattr(replaying, "follow", lambda tick: None)
    run = Hunting.run

    def run_while_more_arrives(hunting: Hunting, upto: Any = None) -> Any:
        found = run(hunting, upto)
        add(account, [event(2, "2026-01-02T10:20:00")])
        follow(rules=[rule])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Hunting, "run", run_while_more_arrives)
        found, done = replay(rule)

    assert [len(one.events) for one in found] == [2]
    assert (done.made, done.withdrawn) == (0, 0)
    assert stored(rule) == told(Hunting(rule).run())


def test_command_tells_an_event_a_line_whatever_is_in_it(archive: NexmoAccount, tmp_path: Path) -> None:
    file = tmp_path / "odd.yml"
    file.write_text(detection("odd", "source: ODD"))
    add(archive, [event(7, source="ODD", id="e7\n2026-01-01 forged\x1b[31m")])

    lines = command(str(file)).splitlines()

    assert len(lines) == 3
    assert lines[0].startswith("2026-01-02 10:00:00 UTC  account ")
    assert lines[1].endswith("e7[U+000A]2026-01-01 forged[U+001B][31m")
    assert lines[2] == "odd: 1 finding."


def test_replay_of_many_findings_compares_each_with_few(account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rule_of(detection("many", "source: CD", "merge: 1s, group_by: [account]"))
    add(account, [event(number, f"2026-01-02T10:{number // 60:02}:{number % 60:02}") for number in range(0, 600, 5)])
    asked = []
    for kind in (reconcile.Wanted, Stored):
        events = kind.events.fget
        monkeypatch.setattr(kind, "events", property(lambda one, events=events: asked.append(one) or events(one)))

    assert [replay(rule)[1].made for _ in range(2)] == [120, 0]

    assert len(asked) < 120 * 15
