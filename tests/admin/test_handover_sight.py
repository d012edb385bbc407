"""Handing over shows nobody more than they may see, sends nothing more to an address, and says what ends by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from accounts.models import NexmoAccount
from accounts.roles import RESPONDERS
from events import handover
from events.alerts.messages.receivers import accounts_of as accounts_told
from events.models import (
    AuditEvent,
    Channel,
    Finding,
    FindingAccount,
    FindingChange,
    Report,
    ReviewSchedule,
    SavedView,
    Stream,
    Subscription,
)
from events.operations.demo_data import TEAM
from events.reports.receivers import may_be_sent
from tests.admin.test_handover import LIST, due, page_of
from tests.conftest import NOON
from tests.tools.admin import Login, messages
from tests.tools.findings import make_finding
from tests.tools.pages import text_of

HOOK = {"kind": "webhook", "address": "https://alice.example.com/"}


@pytest.fixture
def team(cast: dict[str, Any]) -> Group:
    return Group.objects.get(name=TEAM)


def handed(login: Login, person: User, to: User, **chosen: Any) -> list[str]:
    """What a superuser is told."""
    answer = login("admin").post(page_of(person), {"to": to.pk, **chosen}, follow=True)
    return [text for _, text in messages(answer)]


def test_view_is_not_given_to_who_does_not_see_the_accounts_that_it_names(
    login: Login, cast: dict[str, Any], team: Group
) -> None:
    bob, charlie = cast["bob"], cast["charlie"]
    secret = SavedView.objects.create(owner=bob, name="Named", query="account=demo0001&source=CD", team=team)
    plain = SavedView.objects.create(owner=bob, name="Plain", query="source=CD", team=team)

    said = handed(login, bob, charlie)

    assert {view.name: str(view.owner) for view in (secret, plain) if not view.refresh_from_db()} == {
        "Named": "bob",
        "Plain": "charlie",
    }
    assert any("name accounts that charlie does not see: Named." in text for text in said), said
    assert "demo0001" not in login("charlie").get("/views/").content.decode()


def test_view_about_accounts_that_are_handed_over_with_it_goes_along(
    login: Login, cast: dict[str, Any], team: Group
) -> None:
    view = SavedView.objects.create(owner=cast["alice"], name="Named", query="account=demo0002", team=team)

    handed(login, cast["alice"], cast["charlie"])

    view.refresh_from_db()
    assert view.owner == cast["charlie"]


def test_owner_outside_the_team_renames_a_view_and_it_stays_shared(
    login: Login, cast: dict[str, Any], team: Group
) -> None:
    view = SavedView.objects.create(owner=cast["alice"], name="Shared", query="source=CD", team=team)
    handed(login, cast["alice"], cast["charlie"])
    client = login("charlie")

    page = client.get(f"/views/{view.pk}/edit").content.decode()
    client.post(f"/views/{view.pk}/edit", {"name": "Renamed", "description": "", "team": team.pk})

    view.refresh_from_db()
    assert f'<option value="{team.pk}" selected' in page
    assert (view.name, view.team) == ("Renamed", team)


def test_what_looks_at_a_view_that_the_new_owner_cannot_open_is_named(
    login: Login, cast: dict[str, Any], team: Group
) -> None:
    alice = cast["alice"]
    view = SavedView.objects.create(owner=cast["bob"], name="Bob's", query="source=CD", team=team)
    report = Report.objects.create(view=view, owner=alice, **due())
    schedule = ReviewSchedule.objects.create(name="Monthly", view=view, last_end=NOON, owner=alice)

    to_member = handover.hand_over(alice, cast["bob"], by=cast["admin"])
    Report.objects.filter(pk=report.pk).update(owner=alice)
    ReviewSchedule.objects.filter(pk=schedule.pk).update(owner=alice)
    said = handed(login, alice, cast["charlie"])

    assert to_member.stopped == []
    assert not may_be_sent(Report.objects.get(pk=report.pk))
    assert any("no longer do anything" in text and "Bob's, Monthly" in text for text in said), said


@pytest.mark.parametrize("active", [True, False], ids=["leaving", "gone"])
def test_addresses_are_told_of_no_more_accounts_than_before(login: Login, cast: dict[str, Any], active: bool) -> None:
    alice, admin = cast["alice"], cast["admin"]
    channel = Channel.objects.create(name="Hook", owner=alice, **HOOK)
    everything = Subscription.objects.create(channel=channel, what="severity", owner=alice)
    stream = Stream.objects.create(name="SIEM", owner=alice, **HOOK)
    chosen = Stream.objects.create(name="Chosen", owner=alice, all_accounts=False, **HOOK)
    chosen.accounts.set(NexmoAccount.objects.filter(api_key__in=["demo0002", "demo0003"]))  # one is lost to alice
    User.objects.filter(pk=alice.pk).update(is_active=active)

    said = handed(login, alice, admin)

    told = Subscription.objects.select_related("owner").get(pk=everything.pk)
    assert told.owner == admin
    assert {account.api_key for account in accounts_told(told)} == {"demo0001", "demo0002"}
    assert set(Stream.objects.get(pk=stream.pk).accounts.values_list("api_key", flat=True)) == {"demo0001", "demo0002"}
    assert set(chosen.accounts.values_list("api_key", flat=True)) == {"demo0002"}
    assert any("only what is in the accounts that alice saw" in text and "SIEM" in text for text in said), said


def test_streams_stop_where_the_new_owner_may_not_see_all_that_they_send(login: Login, cast: dict[str, Any]) -> None:
    """Before it is done, and after."""
    alice, charlie = cast["alice"], cast["charlie"]
    Stream.objects.create(name="Raw SIEM", owner=alice, format="raw", **HOOK)
    Stream.objects.create(name="Log", owner=alice, format="flat", contents="access", **HOOK)
    Stream.objects.create(name="Masked", owner=alice, format="flat", **HOOK)
    page = text_of(login("admin").get(page_of(alice)))
    assert "stop where the new owner may not see passwords and tokens in events" in page
    assert "(accounts.view_sensitive): Raw SIEM." in page

    said = [text for text in handed(login, alice, charlie) if "These streams have stopped" in text]

    assert len(said) == 1
    assert "Raw SIEM" in said[0] and "Log" in said[0] and "Masked" not in said[0]
    for codename in ("view_sensitive", "view_accessentry"):
        alice.user_permissions.add(Permission.objects.get(codename=codename))
    assert not any("have stopped" in text for text in handed(login, charlie, alice))


def test_all_accounts_stay_all_where_the_new_owner_sees_no_more(cast: dict[str, Any]) -> None:
    stream = Stream.objects.create(name="SIEM", owner=cast["alice"], **HOOK)

    result = handover.hand_over(cast["alice"], cast["bob"], by=cast["admin"])

    stream.refresh_from_db()
    assert (result.narrowed, stream.all_accounts) == ([], True)


def test_page_says_that_addresses_are_told_of_no_more(login: Login, cast: dict[str, Any]) -> None:
    Stream.objects.create(name="SIEM", owner=cast["alice"], **HOOK)
    client = login("admin")

    assert "they keep to those that alice saw" in text_of(client.get(page_of(cast["alice"])))
    assert "they keep to those" not in text_of(client.get(page_of(cast["charlie"])))


@pytest.mark.parametrize("is_staff", [True, False])
def test_who_may_change_accounts_but_not_use_the_admin_cannot_manage_them(
    login: Login, cast: dict[str, Any], is_staff: bool
) -> None:
    bob = cast["bob"]
    bob.user_permissions.add(Permission.objects.get(codename="change_nexmoaccount"))
    User.objects.filter(pk=bob.pk).update(is_staff=is_staff)

    said = handed(login, cast["charlie"], bob)

    assert "Handed over to bob: 1 account." in said
    assert any("bob cannot manage these accounts yet" in text for text in said) is not is_staff


# --- findings ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def assigned(cast: dict[str, Any], events: dict[str, AuditEvent]) -> list[Finding]:
    """Findings that are assigned to alice: one in her account and one beyond; and one that is done with."""
    made = [make_finding([events[key]]) for key in ("demo0001", "demo0003")]
    done = make_finding([events["demo0002"]])
    FindingAccount.objects.update(assigned_to=cast["alice"])
    FindingAccount.objects.filter(finding=done).update(state=Finding.State.RESOLVED)
    return made


def assignees(findings: list[Finding]) -> list[str | None]:
    parts = [FindingAccount.objects.select_related("assigned_to").get(finding=finding) for finding in findings]
    return [str(part.assigned_to) if part.assigned_to else None for part in parts]


def test_open_findings_of_who_leaves_are_named_and_listed(
    login: Login, cast: dict[str, Any], assigned: list[Finding]
) -> None:
    client = login("admin")
    NexmoAccount.objects.filter(owner=cast["alice"]).update(owner=cast["bob"])  # nothing else is left to hand over
    SavedView.objects.all().delete()
    User.objects.filter(username="alice").update(is_active=False)

    page = client.get(page_of(cast["alice"])).content.decode()
    inbox = text_of(client.get("/findings/?assignee=alice"))

    assert '<a href="/findings/?assignee=alice">2 open findings</a>' in page
    assert "2 open findings" in text_of(client.get(f"{LIST}{cast['alice'].pk}/change/"))
    assert f"{LIST}{cast['alice'].pk}/change/" in client.get(f"{LIST}?left=things").content.decode()
    assert "is not one of the choices" not in inbox
    assert "is not one of the choices" in text_of(login("bob").get("/findings/?assignee=alice")), "bob is not told"


@pytest.mark.parametrize(("chosen", "become"), [("", "alice"), ("nobody", None), ("to", "rita")])
def test_findings_are_assigned_as_chosen(
    login: Login, cast: dict[str, Any], assigned: list[Finding], chosen: str, become: str | None
) -> None:
    rita = User.objects.create_superuser("rita")

    said = handed(login, cast["alice"], rita, findings=chosen)

    assert assignees(assigned) == [become, become]
    changes = FindingChange.objects.filter(action="assigned", by=cast["admin"])
    assert changes.count() == (2 if chosen else 0)
    assert any("2 findings" in text for text in said) is bool(chosen)


def test_findings_go_to_nobody_who_may_not_handle_them_all(
    login: Login, cast: dict[str, Any], assigned: list[Finding]
) -> None:
    bob = cast["bob"]
    client = login("admin")
    chosen = {"to": bob.pk, "findings": "to"}
    without_role = client.post(page_of(cast["alice"]), chosen)
    bob.groups.add(Group.objects.get(name=RESPONDERS))
    without_sight = client.post(page_of(cast["alice"]), chosen)
    FindingAccount.objects.filter(account__api_key="demo0003").update(assigned_to=None)
    with_both = client.post(page_of(cast["alice"]), chosen)

    for answer in (without_role, without_sight):
        assert "bob may not handle all of these findings" in text_of(answer)
    assert with_both.status_code == 302
    assert assignees(assigned) == ["bob", None]
