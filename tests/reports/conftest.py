"""Reports to make, the mail server that takes them, and the morning on which they are due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission

from accounts.models import NexmoAccount
from events.models import Report, ReportMail, SavedView, SyncState
from events.reports import deliver, due
from events.sync import coverage
from tests.tools.mails import Mails, receiving

MONDAY = datetime(2026, 3, 16, 8, 0, tzinfo=UTC)  # the week before it holds NOON, on its Sunday
LONG_AGO = datetime(2026, 3, 11, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.SITE_URL = "https://audit.example.com"


@pytest.fixture
def mails(settings: Any) -> Iterator[Mails]:
    """A mail server of this machine, which the settings name."""
    with receiving(settings) as box:
        yield box


@pytest.fixture
def clock() -> Iterator[Any]:
    """Stands at Monday's morning until it is moved."""
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def team(cast: Any) -> Group:
    """The team that alice shares demo0001 with; both alice and bob may change what is the team's."""
    permission = Permission.objects.get(codename="triage_finding")
    for name in ("alice", "bob"):
        cast[name].user_permissions.add(permission)
    found: Group = NexmoAccount.objects.get(api_key="demo0001").teams.get()
    return found


@pytest.fixture
def make_report(cast: Any) -> Callable[..., Report]:
    """A weekly report of a view of everything, of a person or of a team, set up before the week was over."""

    def make(holder: Any = "alice", query: str = "", **values: Any) -> Report:
        team = holder if isinstance(holder, Group) else None
        whose = {"team": team} if team else {"owner": cast[holder]}
        author = cast["alice"] if team else cast[holder]
        name = values.pop("name", "Everything")
        view = SavedView.objects.create(owner=author, name=name, query=query, team=team)
        told = {"frequency": "weekly", "at": time(8), "starts_at": LONG_AGO, "looked_at": MONDAY, "look_at": LONG_AGO}
        report: Report = Report.objects.create(view=view, **whose, **(told | values))
        return report

    return make


def nothing() -> None:
    """In place of renewing a lease."""


def send() -> int:
    """Plan and send what is due now. Returns how many mails went."""
    due.plan_mails(nothing)
    return deliver.send_due(nothing)


def again() -> int:
    """The same, whatever pauses mails were given."""
    ReportMail.objects.filter(state="waiting").update(due_at=datetime.now(UTC))
    return deliver.send_due(nothing)


def covered(*accounts: NexmoAccount, since: datetime | None = None, until: datetime = MONDAY) -> None:
    """All is archived of these accounts."""
    for account in accounts:
        SyncState.objects.get_or_create(account=account)
        coverage.add(account, since, until)
