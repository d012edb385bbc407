"""A person leaves: what others rely on them for is said before, and handed to somebody else on one page."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events import handover
from events.models import Channel, Report, ReviewSchedule, SavedView, Stream, Subscription
from events.operations.demo_data import TEAM
from tests.conftest import NOON
from tests.tools.admin import Login, messages
from tests.tools.pages import text_of

LIST = "/admin/auth/user/"
NOT_GIVEN = {"private", "team's"}


def page_of(person: User) -> str:
    return f"{LIST}{person.pk}/hand-over/"


def due() -> dict[str, Any]:
    return {"at": time(8), "starts_at": NOON, "look_at": NOON, "looked_at": NOON}


@pytest.fixture
def held(cast: dict[str, Any]) -> dict[str, Any]:
    """What belongs to alice besides her accounts and the view of the demo, which is shared; and what does not."""
    alice, team = cast["alice"], Group.objects.get(name=TEAM)
    used = SavedView.objects.create(owner=alice, name="Used by a report", query="source=CD")
    channel = Channel.objects.create(name="Hook", kind="webhook", address="https://a.example.com/", owner=alice)
    return {
        "shared": SavedView.objects.get(owner=alice, team=team),
        "used": used,
        "private": SavedView.objects.create(owner=alice, name="Private", query="source=API"),
        "channel": channel,
        "subscription": Subscription.objects.create(channel=channel, what="severity", owner=alice),
        "stream": Stream.objects.create(name="SIEM", kind="webhook", address="https://a.example.com/", owner=alice),
        "report": Report.objects.create(view=used, owner=alice, **due()),
        "schedule": ReviewSchedule.objects.create(name="Monthly", view=used, last_end=NOON, owner=alice),
        "team's": Stream.objects.create(name="Team's", kind="webhook", address="https://a.example.com/", team=team),
    }


def owners(held: dict[str, Any]) -> dict[str, str | None]:
    return {
        name: str(thing.owner) if thing.owner_id else None
        for name, thing in ((name, type(thing).objects.get(pk=thing.pk)) for name, thing in held.items())
    }


def test_all_that_others_rely_on_goes_to_somebody_else(login: Login, cast: dict[str, Any], held: Any) -> None:
    SavedView.objects.create(owner=cast["bob"], name=held["shared"].name, query="source=CD")
    client = login("admin")
    shown = text_of(client.get(page_of(cast["alice"])))

    answer = client.post(page_of(cast["alice"]), {"to": cast["bob"].pk, "switch_off": "on"}, follow=True)

    assert "2 accounts: Marrowby Health (demo0002), Quillfern Parcel (demo0001)" in shown
    assert "Private" not in shown
    told = owners(held)
    assert {name for name, owner in told.items() if owner == "bob"} == held.keys() - NOT_GIVEN
    assert (told["private"], told["team's"]) == ("alice", None)
    assert set(NexmoAccount.objects.filter(owner=cast["bob"]).values_list("api_key", flat=True)) == {
        "demo0001",
        "demo0002",
    }
    assert SavedView.objects.get(pk=held["shared"].pk).name == f"{held['shared'].name} (alice)"
    assert handover.things_of(cast["alice"]) == {}
    said = [text for _, text in messages(answer)]
    assert any(text.startswith("Handed over to bob: 2 accounts, ") for text in said)
    assert any("bob cannot manage these accounts yet: give them the role Account admins" in text for text in said)
    assert "demo0001" in text_of(client.get(f"{LIST}{cast['alice'].pk}/history/"))


def test_page_takes_no_more_queries_for_more_subscriptions(login: Login, cast: dict[str, Any], held: Any) -> None:
    client = login("admin")

    def queries() -> int:
        with CaptureQueriesContext(connection) as taken:
            assert "View 0" in text_of(client.get(page_of(cast["alice"])))
        return len(taken)

    def subscribe(number: int) -> None:
        view = SavedView.objects.create(owner=cast["alice"], name=f"View {number}", query="source=CD")
        Subscription.objects.create(owner=cast["alice"], channel=held["channel"], what="view", view=view)
        Report.objects.create(view=view, owner=cast["alice"], **due())

    subscribe(0)
    before = queries()
    for number in range(1, 9):
        subscribe(number)

    assert queries() == before


def test_each_thing_s_history_says_whose_it_was(login: Login, cast: dict[str, Any], held: Any) -> None:
    client = login("admin")

    client.post(page_of(cast["alice"]), {"to": cast["bob"].pk})

    account = NexmoAccount.objects.get(api_key="demo0001")
    told = LogEntry.objects.filter(change_message="Owner changed from alice to bob.")
    assert {(str(entry.content_type.model), entry.object_id) for entry in told} == {
        ("nexmoaccount", str(account.pk)),
        ("nexmoaccount", str(NexmoAccount.objects.get(api_key="demo0002").pk)),
        *((type(thing)._meta.model_name, str(thing.pk)) for name, thing in held.items() if name not in NOT_GIVEN),
    }
    assert "Owner changed from alice to bob." in text_of(
        client.get(f"/admin/accounts/nexmoaccount/{account.pk}/history/")
    )


def test_nothing_is_handed_over_that_cannot_be_written_down(
    cast: dict[str, Any], held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogEntry.objects, "log_actions", lambda *args, **options: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        handover.hand_over(cast["alice"], cast["bob"], by=cast["admin"])

    assert NexmoAccount.objects.filter(owner=cast["alice"]).count() == 2


def test_what_became_somebody_elses_meanwhile_stays_theirs(
    cast: dict[str, Any], held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    things_of = handover.things_of

    def overtaken(person: User) -> Any:
        found = things_of(person)
        Stream.objects.filter(pk=held["stream"].pk).update(owner=cast["charlie"])
        SavedView.objects.filter(pk=held["used"].pk).update(owner=cast["charlie"])
        return found

    monkeypatch.setattr(handover, "things_of", overtaken)
    result = handover.hand_over(cast["alice"], cast["bob"], by=cast["admin"])

    assert (owners(held)["stream"], owners(held)["used"]) == ("charlie", "charlie")
    assert Stream not in result.things


@pytest.mark.parametrize("ticked", [True, False])
def test_what_sends_waits_for_its_new_owner_unless_told_otherwise(
    login: Login, cast: dict[str, Any], held: Any, ticked: bool
) -> None:
    sent = {"to": cast["bob"].pk} | ({"switch_off": "on"} if ticked else {})

    login("admin").post(page_of(cast["alice"]), sent)

    channel, stream = Channel.objects.get(pk=held["channel"].pk), Stream.objects.get(pk=held["stream"].pk)
    assert (channel.is_active, stream.is_active) == (not ticked, not ticked)
    assert stream.updated_at > held["stream"].updated_at, "whoever is sending it notices"
    assert Report.objects.get(pk=held["report"].pk).is_active


def test_nothing_goes_to_somebody_who_cannot_log_in_or_to_nobody(login: Login, cast: dict[str, Any]) -> None:
    User.objects.filter(username="bob").update(is_active=False)
    client = login("admin")

    for to in (cast["bob"].pk, cast["alice"].pk, "", "98765"):
        assert client.post(page_of(cast["alice"]), {"to": to}).status_code == 200
    with pytest.raises(handover.Refused):
        handover.hand_over(cast["alice"], cast["bob"], by=cast["admin"])

    assert NexmoAccount.objects.filter(owner=cast["alice"]).count() == 2


def test_only_superusers_hand_over(login: Login, cast: dict[str, Any]) -> None:
    codes = ("view_user", "change_user", "delete_user")
    cast["alice"].user_permissions.add(*Permission.objects.filter(codename__in=codes))
    client = login("alice")

    assert client.get(page_of(cast["charlie"])).status_code == 403
    assert client.post(page_of(cast["charlie"]), {"to": cast["bob"].pk}).status_code == 403
    page = client.get(f"{LIST}{cast['charlie'].pk}/change/").content.decode()
    assert "hand-over" not in page
    assert "1 account" not in page, "alice does not see it"
    answer = _switched_off(client, cast["charlie"], "button")
    assert "Ask a superuser to hand over what others rely on charlie for." in text_of(answer)


def test_deletion_says_what_goes_and_leads_to_the_page(login: Login, cast: dict[str, Any], held: Any) -> None:
    client = login("admin")
    delete = f"{LIST}{cast['alice'].pk}/delete/"

    with_accounts = client.get(delete)
    NexmoAccount.objects.filter(owner=cast["alice"]).update(owner=cast["admin"])
    for thing in (held["stream"], held["report"]):
        thing.delete()
    without = client.get(delete)

    assert "Hand them over first" in text_of(with_accounts)
    assert "Deleted too: 1 alert channel, 1 alert subscription." in text_of(without)
    for page in (with_accounts, without):
        assert page_of(cast["alice"]) in page.content.decode()
    assert page_of(cast["bob"]) not in client.get(f"{LIST}{cast['bob'].pk}/delete/").content.decode()


def test_person_who_has_handed_over_can_be_deleted_and_nothing_goes_with_them(
    login: Login, cast: dict[str, Any], held: Any
) -> None:
    client = login("admin")
    client.post(page_of(cast["alice"]), {"to": cast["admin"].pk})

    client.post(f"{LIST}{cast['alice'].pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(username="alice").exists()
    assert {name for name, owner in owners({k: v for k, v in held.items() if k != "private"}).items() if owner} == (
        held.keys() - {"private", "team's"}
    )


@pytest.mark.parametrize("way", ["button", "form"])
def test_switching_somebody_off_leads_to_the_page(login: Login, cast: dict[str, Any], way: str) -> None:
    charlie, client = cast["charlie"], login("admin")
    assert page_of(charlie) in client.get(f"{LIST}{charlie.pk}/change/").content.decode(), "said before"

    answer = _switched_off(client, charlie, way)

    charlie.refresh_from_db()
    assert not charlie.is_active
    said = [text for _, text in messages(answer)]
    assert any("charlie still has 1 account." in text for text in said), said
    assert f'<a href="{page_of(charlie)}">Hand over to somebody else</a>' in answer.content.decode()
    left = client.get(f"{LIST}?left=things").content.decode()
    assert f"{LIST}{charlie.pk}/change/" in left
    assert f"{LIST}{cast['alice'].pk}/change/" not in left


def _switched_off(client: Client, person: User, way: str) -> Any:
    if way == "button":
        return client.post(f"{LIST}{person.pk}/switch-off/", follow=True)
    return client.post(f"{LIST}{person.pk}/change/", {"username": person.username}, follow=True)
