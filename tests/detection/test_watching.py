"""Which accounts are watched, for how long, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount
from events.detection import watching
from events.detection.evaluation import jobs as detection_jobs  # noqa: F401 - declares jobs
from events.detection.findings import triage
from events.detection.findings.sight import Sight
from events.models import AuditEvent, Finding, FindingAccount, FindingChange, SyncState
from events.models.detection import Severity
from events.operations import jobs
from tests.tools.findings import version_of

NOW = datetime(2026, 3, 15, 12, 20, tzinfo=UTC)
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def find(
    account: NexmoAccount,
    severity: int = Severity.HIGH,
    ago: timedelta = timedelta(minutes=1),
    last: timedelta | None = None,
    state: str = "open",
    events: int = 1,
    **fields: Any,
) -> Finding:
    """A finding made some time ago; `last`: how long ago its last event happened."""
    at = {"first_at": NOW - (last or ago), "last_at": NOW - (last or ago), "found_at": NOW - ago}
    known = {"state": state, "severity": severity, "event_count": events}
    key = f"{Finding.objects.count()}"
    finding: Finding = Finding.objects.create(
        key=key, rule="x", title=f"Found {key}", group={}, **known, **at, **fields
    )
    FindingAccount.objects.create(finding=finding, account=account, **known, **at)
    return finding


def watched_for(account: NexmoAccount) -> timedelta | None:
    """How much longer an account is watched."""
    watching.watch([account])
    until = SyncState.objects.filter(account=account).values_list("watched_until", flat=True).first()
    return until - NOW if until else None


def test_nothing_found_is_not_watched(account: NexmoAccount) -> None:
    assert watched_for(account) is None
    assert watching.reason(account) is None


@pytest.mark.parametrize(
    ("severity", "long"),
    [
        (Severity.INFORMATIONAL, None),
        (Severity.LOW, QUARTER),
        (Severity.MEDIUM, HOUR),
        (Severity.HIGH, HOUR),
        (Severity.CRITICAL, HOUR),
    ],
)
def test_severity_decides_how_long(account: NexmoAccount, severity: int, long: timedelta | None) -> None:
    finding = find(account, severity)
    assert watched_for(account) == (long and long - timedelta(minutes=1))
    why = watching.reason(account)
    assert (why.finding if why else None) == (finding if long else None)


def test_low_and_medium_end_by_themselves(account: NexmoAccount) -> None:
    find(account, Severity.LOW, ago=QUARTER)
    find(account, Severity.MEDIUM, ago=HOUR)
    assert watched_for(account) is None


def test_longest_of_several_counts_and_is_the_reason(account: NexmoAccount) -> None:
    find(account, Severity.MEDIUM, ago=timedelta(minutes=50))
    longest = find(account, Severity.HIGH, ago=timedelta(minutes=5))
    find(account, Severity.LOW, ago=timedelta(seconds=5))
    assert watched_for(account) == timedelta(minutes=55)
    why = watching.reason(account)
    assert why is not None and why.finding == longest


def test_events_added_to_a_finding_watch_anew(account: NexmoAccount) -> None:
    finding = find(account, ago=timedelta(hours=5))
    assert watched_for(account) is None
    Finding.objects.filter(pk=finding.pk).update(extended_at=NOW - timedelta(minutes=2))
    assert watched_for(account) == HOUR - timedelta(minutes=2)


def test_acknowledged_is_still_suspicious(account: NexmoAccount) -> None:
    find(account, state="acknowledged")
    assert watched_for(account) is not None


@pytest.mark.parametrize("state", ["resolved", "suppressed", "withdrawn"])
def test_what_is_settled_ends_the_watch(account: NexmoAccount, state: str) -> None:
    find(account)
    assert watched_for(account) is not None
    FindingAccount.objects.update(state=state)
    assert watched_for(account) is None


def test_history_found_by_a_replay_is_not_watched(account: NexmoAccount) -> None:
    find(account, last=DAY)
    assert watched_for(account) is None
    find(account, last=DAY - timedelta(minutes=1))
    assert watched_for(account) is not None


def test_trouble_of_syncing_itself_is_not_watched(account: NexmoAccount) -> None:
    find(account, events=0)
    assert watched_for(account) is None


def test_only_the_accounts_of_a_finding_are_watched(account: NexmoAccount) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")
    find(account)
    assert watched_for(other) is None
    assert watched_for(account) is not None


# --- a user's first event from a country ----------------------------------------------------------------------------

Add = Callable[..., AuditEvent]


def seen(add_event: Add, account: NexmoAccount, number: int, ago: timedelta, country: str, user: str = "a@b.c") -> Any:
    at = (NOW - ago).strftime("%Y-%m-%dT%H:%M:%S")
    return add_event(account, number, created_at=at, source_country=country, user_email=user)


def test_first_event_of_a_known_user_from_a_country_is_watched(account: NexmoAccount, add_event: Add) -> None:
    seen(add_event, account, 1, DAY, "GB")
    assert watched_for(account) is None
    first = seen(add_event, account, 2, timedelta(minutes=3), "SC")
    seen(add_event, account, 3, timedelta(minutes=1), "SC")
    assert watched_for(account) == timedelta(minutes=27)
    why = watching.reason(account)
    assert why is not None and (why.event, why.finding) == (first, None)


def test_finding_that_lasts_longer_is_the_reason(account: NexmoAccount, add_event: Add) -> None:
    seen(add_event, account, 1, DAY, "GB")
    seen(add_event, account, 2, timedelta(minutes=3), "SC")
    finding = find(account)
    why = watching.reason(account)
    assert why is not None and (why.event, why.finding) == (None, finding)


@pytest.mark.parametrize(
    ("user", "ago"),
    [
        ("new@b.c", timedelta(minutes=3)),  # nobody knows where that user usually is
        ("a@b.c", timedelta(minutes=30)),
        ("a@b.c", timedelta(minutes=-30)),  # an odd time, of the future
    ],
)
def test_other_first_events_are_not_watched(account: NexmoAccount, add_event: Add, user: str, ago: timedelta) -> None:
    seen(add_event, account, 1, DAY, "GB")
    seen(add_event, account, 2, ago, "SC", user)
    assert watched_for(account) is None


def test_first_events_of_another_account_are_not_ones_of_this(account: NexmoAccount, add_event: Add) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")
    seen(add_event, account, 1, DAY, "GB")
    seen(add_event, other, 1, DAY, "GB")
    seen(add_event, other, 2, timedelta(minutes=3), "SC")
    assert watched_for(account) is None


def test_evaluating_events_has_their_account_watched(account: NexmoAccount, add_event: Add) -> None:
    seen(add_event, account, 1, DAY, "GB")
    seen(add_event, account, 2, timedelta(minutes=3), "SC")
    jobs.enqueue("detect")
    assert jobs.run_next()
    assert SyncState.objects.get(account=account).watched_until == NOW + timedelta(minutes=27)


def test_resolving_a_finding_ends_the_watch(account: NexmoAccount, cast: dict[str, Any]) -> None:
    finding = find(account)
    watching.watch([account])
    sight = Sight.of(cast["admin"])
    triage.act(sight, triage.Deed(FindingChange.Action.RESOLVED, "benign"), {finding.pk: version_of(finding)})
    assert SyncState.objects.get(account=account).watched_until is None
