"""Sync states in plain words, for pages, the admin and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.timesince import timesince

from events.models import CoveredSpan, SyncRun, SyncState
from events.sync import coverage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import NexmoAccount


LEVELS = ("ok", "working", "waiting", "late", "problem", "off")


@dataclass(frozen=True)
class Health:
    """How an account's syncing is.

    `level` is one of LEVELS; `moving` says that it will change within seconds.
    """

    level: str
    label: str
    sentence: str
    moving: bool = False
    percent: int | None = None


@dataclass(frozen=True)
class AccountStatus:
    """One account as its pages show it."""

    account: NexmoAccount
    state: SyncState
    health: Health
    complete_until: datetime | None
    complete_since: datetime | None  # None together with a complete_until: since the beginning
    gap_count: int

    @property
    def event_count(self) -> int:
        return self.state.event_count

    @property
    def is_blocked(self) -> bool:
        """Nothing is asked before a person has changed the credentials."""
        return bool(self.state.refused_credentials)


LABELS = {
    "credentials": "Credentials refused",
    "secret-unreadable": "Secret unreadable",
    "denied": "Access denied",
    "rate-limited": "Slowed down by Nexmo",
    "unavailable": "Nexmo unreachable",
    "malformed": "Answer not understood",
    "interrupted": "Interrupted",
    "unverified": "Not all verified",
}


def statuses(accounts: Iterable[NexmoAccount], *, worker_alive: bool) -> list[AccountStatus]:
    """The state of several accounts, in as many queries as for one."""
    accounts = list(accounts)
    states = {
        state.account_id: state
        for state in SyncState.objects.filter(account__in=accounts).select_related("current_run", "last_run")
    }
    spans: dict[int, list[CoveredSpan]] = {}
    for span in CoveredSpan.objects.filter(account__in=accounts).order_by("end"):
        spans.setdefault(span.account_id, []).append(span)
    now = timezone.now()
    found = []
    for account in accounts:
        state = states.get(account.pk) or SyncState(account=account)
        covered = spans.get(account.pk, [])
        found.append(
            AccountStatus(
                account=account,
                state=state,
                health=describe(account, state, now, worker_alive=worker_alive, patchy=coverage.is_patchy(covered)),
                complete_until=covered[-1].end if covered else None,
                complete_since=covered[-1].start if covered else None,
                gap_count=len(coverage.gaps(covered)),
            )
        )
    return found


def describe(
    account: NexmoAccount, state: SyncState, now: datetime, *, worker_alive: bool, patchy: bool = False
) -> Health:
    """What a person should know about an account's syncing, and do."""
    run = state.current_run
    if run and state.lease_until and state.lease_until > now:
        added = f" {run.added:,} new so far." if run.added else ""
        return Health("working", "Syncing", f"{run.doing or 'Starting'}.{added}", moving=True, percent=run.percent)
    no_worker = "" if worker_alive else " No worker is running: start one with `manage.py worker`."
    if state.wanted_at and account.is_active:
        return Health("waiting", "Waiting", f"The sync begins as soon as a worker is free.{no_worker}", moving=True)
    if not account.is_active:
        return Health("off", "Switched off", "This account is not synced; its archived events stay readable.")
    if state.problem_code and state.problem_code != "interrupted":
        again = f" Tried {state.failures} times in a row." if state.failures > 1 else ""
        level = "late" if state.problem_code == "unverified" else "problem"
        return Health(level, LABELS.get(state.problem_code, "Failing"), f"{state.problem}{again}")
    if not state.last_success_at:
        return Health(
            "waiting", "Never synced", f"Its events have not been fetched yet.{no_worker}", moving=worker_alive
        )
    patience = max(settings.SYNC_INTERVAL * 3, timedelta(minutes=5))
    if now - state.last_success_at > patience:
        return Health(
            "late", "Late", f"The last sync was {timesince(state.last_success_at, now, depth=1)} ago.{no_worker}"
        )
    if patchy:
        return Health("late", "Not all verified", "Some older days are not verified yet; they are tried again hourly.")
    return Health("ok", "Up to date", "Everything that Nexmo lists is archived.")


def outcome(run: SyncRun | None) -> str:
    """One line about a finished run."""
    if run is None:
        return "another sync of it is under way; left to that one."
    if run.status in (SyncRun.Status.SUCCEEDED, SyncRun.Status.INCOMPLETE):
        text = f"{run.added:,} new event(s), {run.seen:,} read in {run.requests:,} request(s)."
        return text if run.status == SyncRun.Status.SUCCEEDED else f"INCOMPLETE: {text} {run.problem}"
    return f"{run.get_status_display().upper()}: {run.problem} {run.added:,} new event(s) were archived before."
