"""Lists, exports, filters and records show what one may see, and nothing else."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from accounts.models import NexmoAccount
from events.models import AuditEvent, EventConflict, SyncRun, SyncState
from events.sync import state
from tests.tools.export import KINDS, body, exported_ids
from tests.tools.scope import CAST, KEYS, SEES, Add, Login, error_text, shown_ids


@pytest.mark.parametrize("person", CAST[1:])
def test_lists_show_the_events_of_visible_accounts_only(
    login: Login, events: dict[str, AuditEvent], person: str
) -> None:
    client = login(person)

    assert set(shown_ids(client.get("/events/"))) == {f"of-{key}" for key in SEES[person]}
    for key in SEES[person]:
        assert shown_ids(client.get(f"/accounts/{key}/events/")) == [f"of-{key}"]


@pytest.mark.parametrize("person", CAST[1:])
def test_exports_hold_the_events_of_visible_accounts_only(
    login: Login, events: dict[str, AuditEvent], person: str
) -> None:
    client = login(person)

    for kind in KINDS:
        merged = exported_ids(kind, body(client.get(f"/events/export.{kind}")))
        assert sorted(merged) == [f"of-{key}" for key in SEES[person]]
        for key in SEES[person][:3]:
            one = exported_ids(kind, body(client.get(f"/accounts/{key}/events/export.{kind}")))
            assert one == [f"of-{key}"]


@pytest.mark.parametrize("person", CAST[1:])
def test_overview_shows_visible_accounts_only(login: Login, cast: dict[str, Any], person: str) -> None:
    page = login(person).get("/accounts/").content.decode()

    assert re.findall(r'data-account="(\w+)"', page) == list(
        NexmoAccount.objects.filter(api_key__in=SEES[person]).values_list("api_key", flat=True)
    )
    assert not [key for key in KEYS if key in page and key not in SEES[person]]


@pytest.mark.parametrize("person", CAST[1:])
def test_filter_offers_visible_accounts_only(login: Login, events: dict[str, AuditEvent], person: str) -> None:
    page = login(person).get("/events/").content.decode()

    assert set(re.findall(r'name="account" value="(\w+)"', page)) == set(SEES[person])
    assert not [key for key in KEYS if key in page and key not in SEES[person]]


@pytest.mark.parametrize("person", CAST[1:])
def test_no_filter_widens_what_is_visible(login: Login, events: dict[str, AuditEvent], person: str) -> None:
    client = login(person)

    for query in ("search_text=of-", "source_ip=192.0.2.0/24", "date_from=2026-01-01", "size=200"):
        assert set(shown_ids(client.get(f"/events/?{query}"))) == {f"of-{key}" for key in SEES[person]}


def test_no_page_marker_widens_what_is_visible(login: Login, events: dict[str, AuditEvent]) -> None:
    client = login("bob")

    for marker in ("after=0.0", "before=253402300799999999.999999999999"):
        assert shown_ids(client.get(f"/events/?{marker}")) == ["of-demo0001"]


def test_two_memberships_do_not_double_the_rows(
    login: Login, events: dict[str, AuditEvent], cast: dict[str, Any], account: NexmoAccount
) -> None:
    second = cast["bob"].groups.create(name="Second team")
    cast["alice"].groups.add(second)
    account.teams.add(second)

    assert shown_ids(login("bob").get("/accounts/demo0001/events/")) == ["of-demo0001"]
    assert sorted(shown_ids(login("alice").get("/events/"))) == ["of-demo0001", "of-demo0002"]
    assert login("alice").get("/accounts/").content.decode().count('data-account="demo0001"') == 1


def test_leaving_the_team_ends_the_sight_at_once(
    login: Login, events: dict[str, AuditEvent], cast: dict[str, Any]
) -> None:
    client = login("bob")
    cast["bob"].groups.clear()

    assert shown_ids(client.get("/events/")) == []
    assert client.get("/accounts/demo0001/events/of-demo0001/").status_code == 404


@pytest.mark.parametrize("foreign", ["demo0003", "DEMO0003", "Demo0003"])
def test_foreign_account_in_a_filter_is_as_unknown_as_one_that_does_not_exist(
    login: Login, events: dict[str, AuditEvent], foreign: str
) -> None:
    client = login("alice")

    theirs = client.get(f"/events/?account={foreign}")
    nobodys = client.get("/events/?account=nosuchkey")

    assert error_text(theirs, "account") == f"No account {foreign} is visible to you."
    assert error_text(theirs, "account").replace(foreign, "nosuchkey") == error_text(nobodys, "account")
    assert shown_ids(theirs) == shown_ids(nobodys) == []
    assert theirs.status_code == nobodys.status_code == 200


def test_foreign_account_beside_an_own_one_shows_no_rows_either(login: Login, events: dict[str, AuditEvent]) -> None:
    response = login("alice").get("/events/?account=demo0001,demo0003")

    assert shown_ids(response) == []
    assert "demo0003" in error_text(response, "account")


@pytest.mark.parametrize("kind", KINDS)
def test_foreign_account_in_an_export_is_refused(login: Login, events: dict[str, AuditEvent], kind: str) -> None:
    response = login("alice").get(f"/events/export.{kind}?account=demo0003")

    assert response.status_code == 400
    assert "No account demo0003 is visible to you." in response.content.decode()
    assert "of-demo0003" not in response.content.decode()


def test_other_account_in_the_filter_of_an_accounts_own_page_is_told(
    login: Login, events: dict[str, AuditEvent]
) -> None:
    response = login("alice").get("/accounts/demo0001/events/?account=demo0002")

    assert shown_ids(response) == []
    assert error_text(response, "account") == "No account demo0002 is visible to you."


def test_account_key_is_found_in_its_own_spelling(login: Login, events: dict[str, AuditEvent]) -> None:
    assert shown_ids(login("alice").get("/events/?account=DEMO0001")) == ["of-demo0001"]


def test_stranger_learns_nothing_from_the_page_that_says_404(login: Login, events: dict[str, AuditEvent]) -> None:
    client = login("charlie")

    theirs, nobodys = (
        re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", client.get(f"/accounts/{key}/").content.decode())
        for key in ("demo0001", "nosuchkey")
    )

    assert theirs.replace("demo0001", "nosuchkey") == nobodys
    assert "Nothing here" in theirs


def test_inactive_account_stays_readable(login: Login, events: dict[str, AuditEvent], account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    assert shown_ids(login("bob").get("/events/")) == ["of-demo0001"]


@pytest.mark.parametrize("person", CAST[1:])
def test_inactive_person_sees_nothing(
    login: Login, events: dict[str, AuditEvent], cast: dict[str, Any], person: str
) -> None:
    client = login(person)
    get_user_model().objects.filter(username=person).update(is_active=False)

    for path in ("/events/", "/accounts/", "/events/export.csv", "/accounts/demo0001/events/of-demo0001/", "/admin/"):
        response = client.get(path, follow=True)
        assert unquote(response.redirect_chain[-1][0]) == f"/login/?next={path}"


def test_querysets_give_nobody_and_inactive_people_nothing(events: dict[str, AuditEvent], cast: dict[str, Any]) -> None:
    for user in (AnonymousUser(), *cast.values()):
        user.is_active = False
        assert not NexmoAccount.objects.visible_to(user).exists()
        assert not NexmoAccount.objects.shared_with(user).exists()
        assert not NexmoAccount.objects.syncable_by(user).exists()
        assert not NexmoAccount.objects.manageable_by(user).exists()
        assert not AuditEvent.objects.visible_to(user).exists()


@pytest.mark.parametrize("person", CAST[1:])
def test_sync_records_are_scoped_like_events(cast: dict[str, Any], person: str) -> None:
    for account in NexmoAccount.objects.all():
        state.claim(account, SyncRun.Trigger.COMMAND)

    for model in (SyncRun, SyncState):
        seen = model.objects.visible_to(cast[person]).values_list("account__api_key", flat=True)
        assert sorted(seen) == list(SEES[person])


def test_conflicts_are_scoped_like_events(cast: dict[str, Any], events: dict[str, AuditEvent], add_event: Add) -> None:
    for key in KEYS:
        add_event(NexmoAccount.objects.get(api_key=key), 1, id=f"of-{key}", source="changed")

    for person, keys in SEES.items():
        seen = EventConflict.objects.visible_to(cast[person]).values_list("account__api_key", flat=True)
        assert sorted(seen) == list(keys)
