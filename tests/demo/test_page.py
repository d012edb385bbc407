"""The demo's own page: the attack that it begins, and what it shows of it; and that only the demo has one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from auditsite.demo import environment, views
from auditsite.demo.attack import Attack
from auditsite.management.commands.demo import Command
from events.models import AuditEvent, Channel, Delivery, Finding, FindingAccount, FindingEvent
from events.sandbox import Sandbox
from events.sync.engine import sync_account
from tests.tools.pages import Login, text_of
from tests.tools.processes import ROOT
from tests.tools.site import free_port

ADDRESS = "/demo/attack/"


@pytest.fixture(autouse=True)
def _demo_site(settings: Any) -> None:
    settings.ROOT_URLCONF = "auditsite.demo.urls"


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    made = make_sandbox(accounts=3, events=600)
    monkeypatch.setattr(environment, "SANDBOX", made.root)
    yield made


def known(client: Client) -> str:
    """What the page says of the attack."""
    return text_of(client.get("/demo/"))


def test_attack_begins_in_an_account_that_the_reader_sees(login: Login, sandbox: Sandbox) -> None:
    client = login("bob")
    before = len(sandbox.accounts["demo0001"].events())
    answer = client.post(ADDRESS, {"account": "demo0001", "pace": "100"})

    assert (answer.status_code, answer["Location"]) == (302, "/demo/")
    assert len(sandbox.accounts["demo0001"].events()) == before + 1
    assert "0 of 44 events fetched" in known(client) and "Nothing found yet." in known(client)
    assert 'http-equiv="refresh"' in client.get("/demo/").content.decode()


@pytest.mark.parametrize("account", ["demo0003", "nobody", ""])
def test_attack_on_an_account_that_the_reader_does_not_see_is_404(login: Login, sandbox: Sandbox, account: str) -> None:
    before = len(sandbox.accounts["demo0003"].events())
    assert login("bob").post(ADDRESS, {"account": account}).status_code == 404
    assert len(sandbox.accounts["demo0003"].events()) == before


def test_only_visible_accounts_can_be_chosen(login: Login) -> None:
    page = login("bob").get("/demo/").content.decode()
    assert re.findall(r'<option value="(demo\d+)"', page) == ["demo0001"]


def test_unknown_pace_is_404(login: Login, sandbox: Sandbox) -> None:
    assert login("bob").post(ADDRESS, {"account": "demo0001", "pace": "1e9"}).status_code == 404


def test_sandbox_that_is_away_is_told(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "SANDBOX", f"http://127.0.0.1:{free_port()}")
    client = login("bob")
    client.post(ADDRESS, {"account": "demo0001"})
    assert "The sandbox does not answer." in known(client)


@pytest.fixture
def attacked(login: Login, account: NexmoAccount, sandbox: Sandbox) -> Client:
    """Bob, whose attack has been fetched as far as it is listed, and in which something was found."""
    client = login("bob")
    client.post(ADDRESS, {"account": "demo0001", "pace": "10"})
    sync_account(account)
    attack = Attack.from_session(client.session[views.SESSION_KEY])
    assert attack is not None
    event = AuditEvent.objects.with_id(attack.ids[0]).get()
    at = {"first_at": event.created_at, "last_at": event.created_at, "found_at": attack.began + timedelta(seconds=7)}
    finding = Finding.objects.create(key="x", rule="x", title="Stolen <login>", severity=3, group={}, **at)
    FindingAccount.objects.create(finding=finding, account=account, severity=3, state="open", **at)
    FindingEvent.objects.create(
        finding=finding, account=account, event=event, nexmo_id=event.event_id, created_at=event.created_at
    )
    return client


@pytest.mark.django_db(transaction=True)
def test_page_says_how_far_the_attack_is_known(attacked: Client) -> None:
    text = known(attacked)
    assert re.search(r"[1-9]\d? of 44 events fetched, the first \d+ s after it was listed", text)
    assert "found 7 s after the attack began" in text
    assert "Stolen &lt;login&gt;" in attacked.get("/demo/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_earlier_finding_that_grew_is_told_as_one(attacked: Client) -> None:
    Finding.objects.update(found_at=timezone.now() - timedelta(hours=1))
    assert "found earlier, and events were added" in known(attacked)


@pytest.mark.django_db(transaction=True)
def test_messages_of_the_attack_are_counted(attacked: Client, cast: dict[str, Any]) -> None:
    assert " sent, " not in known(attacked)
    finding, now = Finding.objects.get(), timezone.now()
    for name, seconds in (("bob", 9), ("bob", 12), ("alice", 8)):
        channel = Channel.objects.create(owner=cast[name], kind="mail", name="x", address="a@example.com", shown="a")
        Delivery.objects.create(
            channel=channel, finding=finding, kind="opened", occasion="opened", created_at=now, due_at=now,
            state="sent", finished_at=finding.found_at + timedelta(seconds=seconds - 7),
        )  # fmt: skip
    assert "2 messages sent, the first 9 s after the attack began" in known(attacked)


@pytest.mark.django_db(transaction=True)
def test_page_keeps_what_the_reader_may_no_longer_see(attacked: Client, account: NexmoAccount) -> None:
    account.teams.clear()
    text = known(attacked)
    assert "events fetched" not in text and "Stolen" not in text


def test_attack_of_long_ago_is_no_news(login: Login, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = login("bob")
    client.post(ADDRESS, {"account": "demo0001"})
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(views.timezone, "now", lambda: later)
    assert "events fetched" not in known(client)


def test_session_of_another_version_is_no_attack() -> None:
    assert Attack.from_session(None) is None and Attack.from_session({"account": "x"}) is None


# --- only in the demo -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/demo/", ADDRESS])
def test_real_sites_have_no_such_page(login: Login, settings: Any, path: str) -> None:
    settings.ROOT_URLCONF = "auditsite.urls"
    client = login("admin")
    assert client.get(path).status_code == client.post(path).status_code == 404
    assert 'href="/demo/"' not in client.get("/events/").content.decode()


def in_demo(**environment: str) -> dict[str, Any]:
    code = (
        "import json; from django.conf import settings; "
        "print(json.dumps([settings.DEMO, settings.ROOT_URLCONF, settings.SYNC_INTERVAL.seconds]))"
    )
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "auditsite.settings",
                   "SECRET_KEY": "a-good-key-0123456789-abcdefghijklmnopqrstuvwxyz",
                   "CREDENTIAL_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="} | environment  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    is_demo, urls, _ = json.loads(done.stdout)
    return {"demo": is_demo, "urls": urls}


def test_mark_makes_the_demo_and_only_on_loopback() -> None:
    assert in_demo(**{environment.MARK: "true"}) == {"demo": True, "urls": "auditsite.demo.urls"}
    assert in_demo(**{environment.MARK: "true", "ALLOWED_HOSTS": "audit.example.com"}) == {
        "demo": False, "urls": "auditsite.urls",
    }  # fmt: skip


# --- ports ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_start_ends_with_a_challenge_and_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    Command()._welcome(3.2)
    said = capsys.readouterr().out

    assert "Ready after 3 s" in said
    assert "Twelve days ago somebody took over one of these accounts." in said
    assert f"{environment.SITE}/findings/\n" in said  # the inbox, where nothing was found yet


def test_port_that_is_taken_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    taken = int(sandbox.root.rpartition(":")[2])
    ports = {"PORT": free_port(), "SANDBOX_PORT": free_port(), "CATCHER_PORT": taken}
    monkeypatch.setattr(environment, "PORTS", ports)
    with pytest.raises(CommandError, match=rf"Port {taken} is in use. Choose another: CATCHER_PORT=\d+ make demo"):
        call_command("demo")


def test_port_that_is_meant_twice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(environment, "PORTS", {"PORT": port, "SMTP_PORT": port})
    with pytest.raises(CommandError, match=f"PORT and SMTP_PORT are both {port}."):
        call_command("demo")
