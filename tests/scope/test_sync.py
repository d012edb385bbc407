"""Who may sync which account, and who is offered it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import NexmoAccount
from events.models import SyncState
from events.operations import tasks
from events.operations.queue import QUEUE
from tests.tools.pages import text_of
from tests.tools.scope import CAST, KEYS, SEES, Login

SYNCS = SEES | {"audrey": ()}


@pytest.mark.parametrize("person", CAST)
def test_sync_is_for_those_who_see_the_account_and_are_no_auditors(
    login: Login, cast: dict[str, Any], person: str
) -> None:
    client = login(person)
    expected = {
        key: 302 if person == "nobody" or key in SYNCS[person] else 403 if key in SEES[person] else 404 for key in KEYS
    }

    assert {key: client.post(f"/accounts/{key}/sync/").status_code for key in KEYS} == expected
    wanted = set(SyncState.objects.exclude(wanted_at=None).values_list("account__api_key", flat=True))
    assert wanted == set(SYNCS.get(person, ()))
    assert QUEUE.pending_count() == len(wanted)


@pytest.mark.parametrize("person", CAST[1:])
def test_syncing_all_means_all_that_one_may_sync(login: Login, cast: dict[str, Any], person: str) -> None:
    response = login(person).post("/accounts/", follow=True)

    wanted = set(SyncState.objects.exclude(wanted_at=None).values_list("account__api_key", flat=True))
    assert wanted == set(SYNCS[person])
    nothing = "There are no accounts you can sync."
    assert (nothing in response.content.decode()) == (not wanted)


def test_auditor_is_told_why_she_may_not_sync(login: Login, cast: dict[str, Any]) -> None:
    response = login("audrey").post("/accounts/demo0001/sync/")

    assert response.status_code == 403
    assert "You can read this account but not sync it" in response.content.decode()


def test_auditor_who_is_in_the_team_may_sync_its_account(
    login: Login, cast: dict[str, Any], account: NexmoAccount
) -> None:
    cast["audrey"].groups.add(account.teams.get())

    assert login("audrey").post("/accounts/demo0001/sync/").status_code == 302
    assert login("audrey").post("/accounts/demo0002/sync/").status_code == 403


@pytest.mark.parametrize("person", CAST[1:])
def test_pages_offer_a_sync_to_those_who_may(login: Login, cast: dict[str, Any], person: str) -> None:
    client = login(person)

    assert ("Sync all now" in client.get("/accounts/").content.decode()) == bool(SYNCS[person])
    for key in SEES[person]:
        page = client.get(f"/accounts/{key}/").content.decode()
        assert (f'action="/accounts/{key}/sync/"' in page) == (key in SYNCS[person])


@pytest.mark.parametrize(("person", "may"), [("alice", True), ("bob", False), ("audrey", False), ("admin", True)])
def test_account_page_offers_editing_to_those_who_may(
    login: Login, account: NexmoAccount, person: str, may: bool
) -> None:
    page = login(person).get("/accounts/demo0001/").content.decode()

    assert (f'href="/admin/accounts/nexmoaccount/{account.pk}/change/"' in page) == may


def test_a_person_asks_for_so_many_syncs_a_minute_and_is_told(login: Login, cast: dict[str, Any]) -> None:
    alice, beginning = login("alice"), datetime(2026, 3, 15, 12, 0, 10, tzinfo=UTC)
    chosen = {"action": "sync_now", "_selected_action": [NexmoAccount.objects.get(api_key="demo0001").pk]}
    with time_machine.travel(beginning, tick=False):
        alice.force_login(cast["alice"], backend="auditsite.login.Backend")
        for _ in range(tasks.SYNCS_PER_MINUTE):
            alice.post("/accounts/demo0001/sync/")
        SyncState.objects.update(wanted_at=None)

        ways = (("/accounts/demo0001/sync/", {}), ("/accounts/", {}), ("/admin/accounts/nexmoaccount/", chosen))
        pages = [alice.post(path, data, follow=True) for path, data in ways]

        for page in pages:
            assert "You can request 10 syncs a minute. Try again in 50 seconds." in text_of(page)
        assert not SyncState.objects.exclude(wanted_at=None).exists()
        bob = login("bob")
        assert "You can request" not in text_of(bob.post("/accounts/demo0001/sync/", follow=True))
        assert SyncState.objects.exclude(wanted_at=None).count() == 1
    with time_machine.travel(beginning + timedelta(minutes=1), tick=False):
        assert "You can request" not in text_of(alice.post("/accounts/demo0001/sync/", follow=True))
