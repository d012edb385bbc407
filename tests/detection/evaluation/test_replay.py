"""A replay: in batches, broken off and begun again, and of a part of the archive."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import NexmoAccount
from events.detection.evaluation import replay as replaying
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting
from events.detection.evaluation.replay import Replay, Scope, replay
from events.detection.findings import writing
from events.models import BackgroundJob, Finding, FindingChange
from tests.detection.archives import LOGIN, add, correlation, detection, rule_of, stored, told

pytestmark = pytest.mark.django_db
SECRETS = detection("secrets", "event_type: ACCOUNT_SECRET_CREATE", "merge: 1h")
HOURS = [f"2026-01-02T{hour:02}:00:00" for hour in range(0, 20, 2)]


def event(number: int, at: str, **fields: Any) -> dict[str, Any]:
    given = {"id": f"e{number:05d}", "event_type": "ACCOUNT_SECRET_CREATE", "created_at": at, "source": "CD"}
    return given | {"user_email": "ann@example.com", "source_ip": "192.0.2.1", "source_country": "GB"} | fields


@pytest.fixture
def archive(account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> NexmoAccount:
    """Ten findings of a rule, written three at a time. No other rule is on."""
    monkeypatch.setattr(replaying, "BATCH", 3)
    monkeypatch.setattr(replaying, "follow", lambda tick: follow(tick, rules=[]))
    add(account, [event(number, at) for number, at in enumerate(HOURS)])
    return account


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times() -> list[str]:
    """When the findings of the inbox begin."""
    rows = Finding.objects.exclude(state="withdrawn").order_by("first_at")
    return [f"{finding.first_at:%H:%M}" for finding in rows]


def test_findings_are_written_in_batches_with_progress(archive: NexmoAccount) -> None:
    told_of: list[tuple[int, int]] = []
    _, done = replay(rule_of(SECRETS), wrote=lambda *numbers: told_of.append(numbers))
    assert told_of == [(3, 10), (6, 10), (9, 10), (10, 10)]
    assert done.made == Finding.objects.count() == 10


def test_replay_that_is_broken_off_goes_on_and_adds_nothing_twice(archive: NexmoAccount) -> None:
    rule = rule_of(SECRETS)

    def stop(written: int, total: int) -> None:
        if written == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(rule, wrote=stop)
    assert Finding.objects.count() == 6

    assert [replay(rule)[1].made for _ in range(2)] == [4, 0]
    assert FindingChange.objects.count() == 10


def test_batch_that_is_broken_off_leaves_nothing_of_it(archive: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    make = writing.make

    def interrupted(made: Any) -> None:
        make(made)
        if Finding.objects.count() == 6:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "make", interrupted)
        with pytest.raises(KeyboardInterrupt):
            replay(rule_of(SECRETS))
    assert Finding.objects.count() == 3


@pytest.mark.parametrize("is_installed", [True, False])
def test_what_is_followed_between_two_batches_counts(archive: NexmoAccount, is_installed: bool) -> None:
    """Also where it joins findings that were written already, or takes the place of planned ones."""
    rule = rule_of(SECRETS)

    def meanwhile(written: int, total: int) -> None:
        if written == 3:
            late = ("2026-01-02T00:50:00", "2026-01-02T01:30:00", "2026-01-02T17:00:00", "2026-01-02T22:00:00")
            add(archive, [event(50 + number, at) for number, at in enumerate(late)])
            follow(rules=[rule] if is_installed else [])

    found, _ = replay(rule, wrote=meanwhile)

    assert told(found) == told(Hunting(rule).run()) == stored(rule)
    assert replay(rule)[1].made == 0


def test_finding_that_somebody_wrote_meanwhile_is_not_doubled(archive: NexmoAccount) -> None:
    """By another replay of the same rule."""
    rule = rule_of(SECRETS)
    replay(rule, wrote=lambda written, total: replay(rule) and None if written == 3 else None)
    assert Finding.objects.count() == 10


def test_only_what_changed_is_written_again(archive: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often events arrive while findings are written."""
    written: list[int] = []
    write = Replay._write

    def counted(self: Replay, batch: Any) -> None:
        written.append(len(batch))
        write(self, batch)

    monkeypatch.setattr(Replay, "_write", counted)

    def meanwhile(done: int, total: int) -> None:
        if done in (3, 6):
            add(archive, [event(50 + done, f"2026-01-03T{done:02}:00:00")])
            follow(rules=[])

    replay(rule_of(SECRETS), wrote=meanwhile)
    assert sum(written) == 12


# --- a part of the archive --------------------------------------------------------------------------------------------


def test_finding_that_touches_the_period_is_taken_whole(account: NexmoAccount) -> None:
    """However far it reaches, on both sides."""
    add(account, [event(hour, f"2026-01-02T{hour:02}:00:00") for hour in (0, 1, 2, 3, 4, 5, 6, 9, 12)])
    scope = Scope(since=moment("2026-01-02T02:30:00"), until=moment("2026-01-02T03:30:00"))
    rule = rule_of(SECRETS)

    (found,), _ = replay(rule, scope=scope)

    assert len(found.events) == 7
    assert stored(rule) == told(Hunting(rule).run())[:0] + told([found])
    assert replay(rule)[1].made == 2


def test_windows_that_began_before_the_period_count(account: NexmoAccount) -> None:
    logins = [event(n, at, event_type="USER_LOGIN") for n, at in enumerate(("2026-01-02T09:30:00", HOURS[5]))]
    add(account, logins)
    rule = rule_of(LOGIN, correlation("event_count", ["login"], "account", "1h", "{gte: 2}"))
    (found,), _ = replay(rule, scope=Scope(since=moment(HOURS[5])))
    assert len(found.events) == 2


def test_findings_outside_the_period_stay_as_they_are(archive: NexmoAccount) -> None:
    """What the rule does not find any more is withdrawn within the period alone."""
    rule = rule_of(SECRETS)
    replay(rule)
    none = rule_of(SECRETS.replace("ACCOUNT_SECRET_CREATE}", "ACCOUNT_SECRET_CREATE, source: API}"))

    _, done = replay(none, scope=Scope(since=moment(HOURS[4]), until=moment(HOURS[6])))

    assert done.withdrawn == 3
    assert times() == ["00:00", "02:00", "04:00", "06:00", "14:00", "16:00", "18:00"]


def test_account_alone_is_replayed_with_what_it_shares_with_others(archive: NexmoAccount) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")
    add(other, [event(70, "2026-01-02T04:30:00"), event(71, "2026-01-02T23:00:00")])
    assert replay(rule_of(SECRETS), scope=Scope(frozenset({other.pk})))[1].made == 2

    across = rule_of(detection("across", "event_type: ACCOUNT_SECRET_CREATE", "merge: 1h, group_by: [user_email]"))
    found, _ = replay(across, scope=Scope(frozenset({other.pk})))
    assert [len(one.accounts) for one in found] == [2, 1]


def test_finding_that_once_spanned_accounts_is_replaced_in_all_of_them(archive: NexmoAccount) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")
    add(other, [event(70, "2026-01-02T04:30:00")])
    across = rule_of(detection("across", "event_type: ACCOUNT_SECRET_CREATE", "merge: 1h, group_by: [user_email]"))
    replay(across)
    apart = rule_of(across.text.replace("group_by: [user_email]", "group_by: [account]"))

    replay(apart, scope=Scope(frozenset({other.pk})))

    live = Finding.objects.exclude(state="withdrawn")
    assert live.filter(first_at=moment(HOURS[2]), accounts=archive).count() == 1
    assert live.filter(accounts=other).count() == 1


# --- on the command line ----------------------------------------------------------------------------------------------


def command(tmp_path: Path, *arguments: str) -> str:
    file, out = tmp_path / "mine.yml", StringIO()
    file.write_text(SECRETS)
    call_command("hunt", str(file), "--replay", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_command_replays_a_period_and_an_account(archive: NexmoAccount, tmp_path: Path) -> None:
    add(archive, [event(80, "2026-01-05T10:00:00")])
    period = ("--since", "2026-01-03", "--until", "2026-01-05")
    assert command(tmp_path, *period, "--account", "demo0002").endswith("Inbox: 0 new, 0 extended, 0 withdrawn.\n")
    assert command(tmp_path, *period, "--account", "demo0001").endswith("Inbox: 1 new, 0 extended, 0 withdrawn.\n")
    with pytest.raises(CommandError, match="is later than"):
        command(tmp_path, "--since", "2026-01-03", "--until", "2026-01-01")


def test_command_that_is_stopped_says_how_it_goes_on(
    archive: NexmoAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Replay._write

    def interrupted(self: Replay, batch: Any) -> None:
        if Finding.objects.count() == 6:
            raise KeyboardInterrupt
        write(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Replay, "_write", interrupted)
        with pytest.raises(CommandError, match="goes on from here") as stopped:
            command(tmp_path)
    assert stopped.value.returncode == 130
    assert BackgroundJob.objects.filter(kind="route_alerts").exists()
    assert command(tmp_path).endswith("Inbox: 4 new, 0 extended, 0 withdrawn.\n")
