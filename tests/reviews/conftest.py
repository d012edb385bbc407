"""Reviews as people sign them off, and archives behind whose back somebody changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group

from accounts.models import NexmoAccount
from events.models import Review, ReviewSchedule, SavedView
from events.outbound.results import SENT, Outcome
from events.reviews import reminders
from tests.archive.conftest import archive, attack, sql, tamper
from tests.conftest import add_numbered
from tests.tools.reviews import matter_of, run_jobs, signed_off

__all__ = ["archive", "attack", "matter_of", "run_jobs", "sql", "tamper"]

SignOff = Callable[..., Review]
THURSDAY = datetime(2026, 3, 19, 10, 0, tzinfo=UTC)
MONDAY = datetime(2026, 3, 16, tzinfo=UTC)  # the archive's events are of the Sunday before, the 15th


@pytest.fixture
def sign_off(cast: dict[str, Any]) -> SignOff:
    """Have somebody sign off a filter, and a worker sign it."""

    def signed(name: str = "alice", query: str = "", note: str = "Nothing unusual.") -> Review:
        return signed_off(cast[name], query, note)

    return signed


@pytest.fixture
def other(cast: Any) -> NexmoAccount:
    """Alice's account that nobody else sees, with five events."""
    account = NexmoAccount.objects.get(api_key="demo0002")
    add_numbered(account, range(101, 106), event_type="APP_CREATE")
    return account


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(THURSDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[Any]:
    """Mails that were handed over, as (receiver, subject, text)."""
    settings.ALERT_MAIL_SERVER, settings.ALERT_MAIL_FROM = "smtp://mail.example.com:25", "auditsite@example.com"
    settings.SITE_URL = "https://audit.example.com"
    sent: list[Any] = []

    def take(message: Any, server: Any, sender: str, receiver: str, own_name: str) -> Outcome:
        sent.append((receiver, message["Subject"], message.get_content()))
        return SENT

    monkeypatch.setattr(reminders, "hand_over", take)
    return sent


def make_schedule(cast: dict[str, Any], *, team: bool = False, query: str = "event_type=NUMBER_UPDATED") -> Any:
    """Weekly, within three days; the week of the archive's events is the first."""
    group = Group.objects.get(name="Messaging team") if team else None
    view = SavedView.objects.create(owner=cast["alice"], name="Numbers changed", query=query, team=group)
    return ReviewSchedule.objects.create(
        owner=None if team else cast["alice"],
        team=group,
        view=view,
        name=view.name,
        frequency="weekly",
        days=3,
        last_end=MONDAY - timedelta(days=7),
    )


def remind() -> None:
    reminders.plan_reviews()
    run_jobs()
