"""Retention that is shortened: who may, when it takes effect, where it is recorded, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention, verify_ledger
from events.detection.evaluation import checks
from events.models import AuditEvent, Finding, LedgerEntry, RetentionChange
from tests.conftest import NOON
from tests.tools.admin import Login, change, errors, form
from tests.tools.pages import text_of

NOW = NOON + timedelta(days=400)
WAIT = timedelta(days=7)
RULE = "5d5c3c0e-6a2b-4c1e-9b7f-0c4e1f7a92d6"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def old_event(account: NexmoAccount, add_event: Any) -> AuditEvent:
    return add_event(account, 1)


def keep(login: Login, account: NexmoAccount, days: str, person: str = "admin") -> Any:
    fields = form(api_key=account.api_key, api_secret="", name=account.name, keep_days=days, owner=account.owner_id)
    return login(person).post(change(account), fields | {"teams": [team.pk for team in account.teams.all()]})


def removed(account: NexmoAccount, *, after: timedelta = timedelta()) -> int:
    """How many events would be removed then."""
    plan = retention.plan(NexmoAccount.objects.get(pk=account.pk), NOW + after)
    return plan.count if plan else 0


def test_an_owner_may_lengthen_but_not_shorten(login: Login, account: NexmoAccount, cast: dict[str, Any]) -> None:
    assert "not shorten it" in errors(keep(login, account, "1", "alice"))["keep_days"][0]
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=30)
    assert "not shorten it" in errors(keep(login, account, "29", "alice"))["keep_days"][0]

    assert keep(login, account, "30", "alice").status_code == 302
    assert keep(login, account, "31", "alice").status_code == 302
    assert keep(login, account, "", "alice").status_code == 302
    cast["alice"].user_permissions.add(Permission.objects.get(codename="shorten_retention"))
    assert keep(login, account, "5", "alice").status_code == 302

    changes = list(RetentionChange.objects.order_by("pk").values_list("days_before", "days_after", "changed_by"))
    alice = cast["alice"].pk
    assert changes == [(30, 31, alice), (31, None, alice), (None, 5, alice)]


def test_what_is_shortened_waits(login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "present", timezone.now)
    keep(login, account, "1")

    page = text_of(login("admin").get(change(account)))
    assert "were kept forever until this was changed. The shorter time of 1 day counts from 2027-04-26" in page
    assert removed(account) == removed(account, after=WAIT - timedelta(seconds=1)) == 0
    assert removed(account, after=WAIT) == 1


def test_neither_steps_nor_ways_round_hasten_it(login: Login, account: NexmoAccount, clock: Any) -> None:
    for days in ("390", "1", "500", "1"):
        assert keep(login, account, days).status_code == 302
    clock.shift(timedelta(days=6))
    keep(login, account, "2")
    keep(login, account, "1")

    # The event is 400 days old: of what was chosen, only 500 days and "forever" keep it.
    assert removed(account, after=WAIT - timedelta(seconds=1)) == 0
    assert removed(account, after=WAIT) == 1


def test_what_is_lengthened_counts_at_once_and_ends_the_wait(login: Login, account: NexmoAccount) -> None:
    keep(login, account, "1")
    keep(login, account, "")

    page = text_of(login("audrey").get(account.get_absolute_url()))
    assert "from 1 day to forever." in page
    assert "Nothing more is removed before" not in page
    assert removed(account, after=WAIT * 2) == 0
    checks.look()
    assert not Finding.objects.filter(rule=RULE).exists()


def test_auditors_see_it_coming(login: Login, account: NexmoAccount) -> None:
    keep(login, account, "30")

    checks.look()

    page = text_of(login("audrey").get(account.get_absolute_url()))
    assert "admin: from forever to 30 days. Nothing more is removed before 2027-04-26" in page
    finding = Finding.objects.get(rule=RULE)  # which alerts are sent of, by mail too
    assert "Retention of an account shortened" in text_of(login("audrey").get(f"/findings/{finding.pk}/"))
    with time_machine.travel(NOW + WAIT, tick=False):
        checks.look()
        assert "Nothing more is removed before" not in text_of(login("audrey").get(account.get_absolute_url()))


def test_changes_are_in_the_ledger_and_stay(login: Login, account: NexmoAccount) -> None:
    keep(login, account, "30")
    change = RetentionChange.objects.get()

    assert LedgerEntry.objects.filter(kind="retention", row=change.pk, account_pk=account.pk).count() == 1
    assert list(verify_ledger.problems(None, [])) == []
    rows = RetentionChange.objects.filter(pk=change.pk)
    for deed in (rows.delete, lambda: rows.update(effective_at=timezone.now())):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            deed()
    with connection.cursor() as cursor:
        from events.storage import triggers

        triggers.remove(connection)
        cursor.execute("DELETE FROM events_retentionchange")
        triggers.install(connection)
    assert list(verify_ledger.problems(None, [])) == [
        f"Change of retention {change.pk} is in the ledger, and was removed from the database."
    ]


def test_a_change_behind_the_sites_back_is_told_by_verification(login: Login, account: NexmoAccount) -> None:
    keep(login, account, "30")
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=1)

    assert list(verify_ledger.problems(None, [])) == [
        "Account demo0001 keeps its events for 1 days, but the last change on record says 30 days."
    ]


def test_whoever_changed_it_stays_on_record(login: Login, account: NexmoAccount, cast: dict[str, Any]) -> None:
    cast["alice"].nexmo_accounts.update(owner=cast["admin"])
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=30, owner=cast["charlie"])
    cast["charlie"].user_permissions.add(*Permission.objects.filter(codename__in=("change_nexmoaccount",)))
    type(cast["charlie"]).objects.filter(username="charlie").update(is_staff=True)
    keep(login, account, "40", "charlie")
    NexmoAccount.objects.filter(owner=cast["charlie"]).update(owner=cast["admin"])

    page = login("admin").get(f"/admin/auth/user/{cast['charlie'].pk}/delete/")

    assert "charlie changed how long events are kept, and the record of it says who." in text_of(page)


def test_an_account_that_never_had_events_can_be_deleted_with_its_changes(login: Login) -> None:
    empty = NexmoAccount.objects.get(api_key="demo0002")
    keep(login, empty, "30")

    assert login("admin").post(f"/admin/accounts/nexmoaccount/{empty.pk}/delete/", {"post": "yes"}).status_code == 302

    assert not NexmoAccount.objects.filter(pk=empty.pk).exists()
    assert list(verify_ledger.problems(None, [])) == []
