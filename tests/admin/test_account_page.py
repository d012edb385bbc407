"""An account's page in the admin: state, the connection's test, retention, holds, and leaving."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention
from events.models import AuditEvent, LegalHold, Seal, SyncRun, SyncState
from events.sync import asking, connection, state
from tests.tools.admin import ADD, LIST, Add, Login, change, form, fresh, messages
from tests.tools.pages import finished, text_of

KEYS = ("demo0001", "demo0002", "demo0003")


def press(client: Client, account: NexmoAccount, button: str) -> Any:
    return client.post(f"{LIST}{account.pk}/{button}/", follow=True)


# --- state ------------------------------------------------------------------------------------------------------------


def test_page_tells_how_the_account_is_doing(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    finished(account)
    SyncState.objects.filter(account=account).update(event_count=1234)

    page = client.get(change(account))

    words = text_of(page)
    assert "Up to date Everything that Nexmo lists is archived." in words
    assert "Events archived 1,234" in words
    assert "Not known to be complete yet." in words
    assert 'href="/accounts/demo0001/"' in page.content.decode()
    assert 'action="/accounts/demo0001/sync/"' in page.content.decode()


def test_page_for_a_new_account_has_no_state_yet(client: Client, account: NexmoAccount) -> None:
    page = client.get(ADD)

    assert page.status_code == 200
    assert "Test connection" not in text_of(page)


def test_commands_are_shown_as_code(client: Client, account: NexmoAccount) -> None:
    for path in (change(account), "/accounts/demo0001/", "/accounts/"):
        page = client.get(path).content.decode()
        assert "<code>manage.py worker</code>" in page
        assert "`" not in page


def test_auditor_reads_the_page_and_is_offered_no_button(login: Login, account: NexmoAccount) -> None:
    client = login("audrey")

    page = client.get(change(account)).content.decode()

    assert "Never synced" in page
    for offered in ("/test/", "/sync/", "legalhold/add"):
        assert offered not in page
    assert client.post(f"{LIST}{account.pk}/test/").status_code == 403
    assert client.post(f"{LIST}{account.pk}/switch-off/").status_code == 403
    assert fresh(account).is_active


# --- testing the connection -------------------------------------------------------------------------------------------


def test_button_tests_the_connection(client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]) -> None:
    sandbox = make_sandbox(accounts=2, events=40)

    page = press(client, account, "test")

    ((level, text),) = messages(page)
    assert level == "success"
    assert re.fullmatch(r"Quillfern Parcel \(demo0001\): The connection works\. Nexmo lists [\d,]+ events\.", text)
    assert page.redirect_chain == [(change(account), 302)]
    assert len(sandbox.requests) == 1


def test_button_tells_of_a_wrong_secret(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    make_sandbox()
    account.api_secret = "wrong-secret-5"
    account.save()

    page = press(client, account, "test")

    ((level, text),) = messages(page)
    assert level == "error"
    assert "Nexmo refused this API key with this secret." in text
    assert "wrong-secret-5" not in page.content.decode()


def test_button_asks_nothing_when_it_is_not_ones_turn(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any], cast: dict[str, Any]
) -> None:
    sandbox = make_sandbox()

    with asking.turn(cast["alice"]):
        ((level, text),) = messages(press(client, account, "test"))

    assert (level, len(sandbox.requests)) == ("warning", 0)
    assert "Try again when it has finished." in text


@pytest.mark.parametrize("button", ["test", "switch-off"])
def test_buttons_leave_foreign_accounts_alone(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any], button: str
) -> None:
    sandbox = make_sandbox()
    theirs = NexmoAccount.objects.get(api_key="demo0003")
    theirs.teams.add(account.teams.get())

    answered = client.post(f"{LIST}{theirs.pk}/{button}/")
    nobodys = client.post(f"{LIST}98765/{button}/")

    assert (
        (answered.status_code, answered["Location"]) == (nobodys.status_code, nobodys["Location"]) == (302, "/admin/")
    )
    assert not sandbox.requests
    assert fresh(theirs).is_active


def test_outcome_of_a_try_names_neither_account_nor_secret(
    account: NexmoAccount, cast: dict[str, Any], make_sandbox: Callable[..., Any]
) -> None:
    make_sandbox(accounts=1, events=40)

    works = connection.try_account(account, cast["alice"])
    fails = connection.try_account(NexmoAccount.objects.get(api_key="demo0002"), cast["alice"])

    assert (works.works, works.was_asked) == (True, True)
    assert (fails.works, fails.was_asked) == (False, True)
    typed = connection.try_credentials("demo0002", "not-the-secret")
    assert (fails.code, fails.field, fails.sentence) == (typed.code, typed.field, typed.sentence)
    assert fails.field == "api_secret"
    for outcome in (works, fails):
        assert "demo000" not in outcome.sentence
        assert "secret-0" not in outcome.sentence


# --- retention and holds ----------------------------------------------------------------------------------------------


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's clock is believed: the events of these tests are of one day."""
    monkeypatch.setattr(retention, "present", lambda: timezone.now())


def test_page_says_what_retention_removes(
    login: Login, account: NexmoAccount, add_event: Add, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "plan", lambda *_: pytest.fail("counted the archive"))
    monkeypatch.setattr(settings, "RETENTION_WAIT", timedelta())
    client = login("admin")
    for number in range(1, 4):
        add_event(account, number)
    assert "Effect: Nothing: its events are kept forever." in text_of(client.get(change(account)))

    data = form(api_key="demo0001", api_secret="", name=account.name, teams=[account.teams.get().pk], keep_days="7")
    data["owner"] = account.owner_id
    told = messages(client.post(change(account), data, follow=True))
    ((level, text),) = [message for message in told if "next run" in message[1]]

    assert level == "warning"
    assert text.startswith("The next run removes 3 events from before ")
    assert text in text_of(client.get(change(account)))
    assert AuditEvent.objects.count() == 3
    LegalHold.objects.create(reason="Case 7", account=account)
    assert "removes 0 events" in text_of(client.get(change(account)))
    assert "Legal holds keep 3." in text_of(client.get(change(account)))


def test_page_says_where_it_stopped_counting(
    client: Client, account: NexmoAccount, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=7)
    counted = retention.Estimate(retention.Tally(10_000, at_least=True), retention.Tally(3))
    monkeypatch.setattr(retention, "estimate", lambda *_: counted)

    words = text_of(client.get(change(account)))

    assert "The next run removes 10,000+ events from before " in words
    assert "Legal holds keep 3." in words


def test_page_says_when_a_clock_is_doubted(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, created_at="2020-01-01T00:00:00")
    assert "its events are kept forever" in text_of(client.get(change(account)))
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=7)

    assert "this machine's clock may be wrong" in text_of(client.get(change(account)))


def test_holds_are_listed_for_those_who_manage_them(login: Login, account: NexmoAccount) -> None:
    hold = LegalHold.objects.create(reason="Case 7", account=account)
    everywhere = LegalHold.objects.create(reason="Case 8")
    others = LegalHold.objects.create(reason="Case 9", account=NexmoAccount.objects.get(api_key="demo0003"))

    page = login("admin").get(change(account)).content.decode()
    hers = login("alice").get(change(account))

    for shown in (hold, everywhere):
        assert f'href="/admin/events/legalhold/{shown.pk}/change/"' in page
    assert f"/legalhold/{others.pk}/" not in page
    assert f'href="/admin/events/legalhold/add/?account={account.pk}"' in page
    assert "2 legal holds keep events of this account" in text_of(hers)
    assert "Case" not in text_of(hers)
    assert "legalhold" not in hers.content.decode()


def test_hold_is_released_on_its_page_and_stays_released(
    login: Login, account: NexmoAccount, cast: dict[str, Any]
) -> None:
    hold = LegalHold.objects.create(reason="Case 7", account=account)
    client = login("admin")
    page = f"/admin/events/legalhold/{hold.pk}/change/"
    html = client.get(page).content.decode()
    assert "A hold that was released stays released" in html
    assert 'name="_save"' not in html

    ((level, text),) = messages(client.post(f"/admin/events/legalhold/{hold.pk}/release/", follow=True))
    first = LegalHold.objects.get(pk=hold.pk)
    again = messages(client.post(f"/admin/events/legalhold/{hold.pk}/release/", follow=True))

    assert (level, first.released_by) == ("success", cast["admin"])
    assert text.startswith("Released. Retention may remove again what this hold kept")
    assert [level for level, _ in again] == ["info"]
    assert LegalHold.objects.get(pk=hold.pk).released_at == first.released_at
    assert "/release/" not in client.get(page).content.decode()
    assert LogEntry.objects.get().get_change_message() == "Released."


def test_hold_is_not_released_by_those_who_may_not(login: Login, account: NexmoAccount) -> None:
    hold = LegalHold.objects.create(reason="Case 7", account=account)

    for person in ("alice", "audrey"):
        login(person).post(f"/admin/events/legalhold/{hold.pk}/release/")
    assert login("admin").get(f"/admin/events/legalhold/{hold.pk}/release/").status_code == 405

    assert LegalHold.objects.get().released_at is None


def test_hold_made_from_an_accounts_page_is_of_that_account(login: Login, account: NexmoAccount) -> None:
    client = login("admin")
    page = client.get(f"/admin/events/legalhold/add/?account={account.pk}")

    assert re.search(rf'<option value="{account.pk}" selected', page.content.decode())
    assert 'name="_save"' in page.content.decode()


# --- leaving ----------------------------------------------------------------------------------------------------------


def test_account_with_events_is_switched_off_at_once(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    page = client.get(f"{LIST}{account.pk}/delete/").content.decode()
    assert f'action="{LIST}{account.pk}/switch-off/"' in page

    ((level, text),) = messages(press(client, account, "switch-off"))

    assert level == "success"
    assert text.endswith("is switched off: it is no longer synced, and its archived events stay readable.")
    assert not fresh(account).is_active
    assert fresh(account).secrets() == ("sandbox-secret-0001",)
    assert LogEntry.objects.get().get_change_message() == "Switched off."
    assert not state.due(NexmoAccount.objects.all(), timezone.now()).filter(pk=account.pk).exists()
    assert client.get("/accounts/demo0001/events/").status_code == 200
    # Twice is once.
    press(client, account, "switch-off")
    assert LogEntry.objects.count() == 1
    assert "Switched off already." in text_of(client.get(f"{LIST}{account.pk}/delete/"))


def test_refusal_does_not_read_the_archive(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_event(account, 1)
    monkeypatch.setattr("django.contrib.admin.utils.NestedObjects.collect", lambda *_, **__: pytest.fail("collected"))

    assert client.get(f"{LIST}{account.pk}/delete/").status_code == 200


def test_what_proves_an_account_or_holds_it_keeps_it(client: Client, account: NexmoAccount) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")
    Seal.objects.create(
        account=account, seq=0, digest="0" * 64, sealed_at=timezone.now(), statement="x", signature="x", key_id="x"
    )
    LegalHold.objects.create(reason="Case 7", account=other)

    told = {found.api_key: text_of(client.get(f"{LIST}{found.pk}/delete/")) for found in (account, other)}
    for found in (account, other):
        client.post(f"{LIST}{found.pk}/delete/", {"post": "yes"})

    assert "Its seal is evidence and is kept." in told["demo0001"]
    assert "legal holds stay on record" in told["demo0002"]
    assert NexmoAccount.objects.filter(pk__in=[account.pk, other.pk]).count() == 2


def test_deleting_says_what_goes_and_what_does_not(client: Client, account: NexmoAccount) -> None:
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run)

    words = text_of(client.get(f"{LIST}{account.pk}/delete/"))

    assert "Delete Quillfern Parcel (demo0001)? This cannot be undone." in words
    assert "Nothing changes at Nexmo." in words
    assert "It is no longer shared with: Messaging team." in words
    assert "The record of its sync is deleted too." in words
    assert "object (" not in words
    assert " x 401" not in words
    after = client.post(f"{LIST}{account.pk}/delete/", {"post": "yes"}, follow=True)
    assert "was deleted successfully" in messages(after)[0][1]


def test_switching_off_in_the_form_says_what_follows(client: Client, account: NexmoAccount) -> None:
    data = form(api_key="demo0001", api_secret="", name=account.name, teams=[account.teams.get().pk])
    del data["is_active"]

    told = messages(client.post(change(account), data, follow=True))

    assert any("it is no longer synced" in text for _, text in told)
