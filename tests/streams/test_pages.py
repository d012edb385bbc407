"""Setting up streams and looking after them in the site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import AuditEvent, SavedView, Stream
from events.streams import progress, state
from tests.streams.conftest import SECRET
from tests.tools.export import add_many
from tests.tools.receivers import certificate

pytestmark = pytest.mark.django_db
NEW = {
    "name": "To the SIEM",
    "contents": "events",
    "format": "ecs",
    "all_accounts": "on",
    "start": "now",
    "address": "https://siem.example.com/in",
}


@pytest.fixture
def alice(login: Callable[[str], Client], may_stream: None) -> Client:
    return login("alice")


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(told) for name, told in response.context["form"].errors.items()}


def test_who_may_not_set_up_streams_sees_none(login: Callable[[str], Client]) -> None:
    auditor = login("audrey")
    assert auditor.get("/streams/").status_code == 403
    assert auditor.get("/streams/new").status_code == 403
    assert "Streams" not in auditor.get("/accounts/").content.decode()


def test_a_webhook_shows_its_secret_once(alice: Client) -> None:
    response = alice.post("/streams/new?kind=webhook", NEW | {"secret": ""})
    stream = Stream.objects.get()

    assert stream.secret.startswith("whsec_")
    assert stream.secret in response.content.decode()
    assert response["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    for path in (f"/streams/{stream.pk}/", f"/streams/{stream.pk}/edit", "/streams/"):
        page = alice.get(path).content.decode()
        assert "To the SIEM" in page
        assert stream.secret not in page
        assert "siem.example.com/in" not in page  # the address of a webhook may be a secret
    assert (stream.owner.username, stream.start, stream.narrowed) == ("alice", "now", False)


@pytest.mark.parametrize(
    ("kind", "values", "kept"),
    [
        (
            "splunk",
            {"secret": "token", "acknowledged": "on", "index": "audit"},
            {"acknowledged": True, "index": "audit"},
        ),
        ("bulk", {"secret": "key", "index": "audit-nexmo"}, {"index": "audit-nexmo"}),
        ("syslog", {"address": "siem.example.com:6514"}, {}),
        ("files", {"address": "audit"}, {}),
    ],
)
def test_each_kind_is_set_up(
    kind: str, values: dict[str, str], kept: dict[str, Any], alice: Client, settings: Any
) -> None:
    settings.STREAM_TARGETS = ["siem.example.com:6514"]
    response = alice.post(f"/streams/new?kind={kind}", NEW | values)

    stream = Stream.objects.get()
    assert response.status_code == 302, errors(response)
    assert (stream.kind, stream.options) == (kind, kept)
    assert alice.get(f"/streams/{stream.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("kind", "values", "field", "words"),
    [
        ("webhook", {"address": "http://siem.example.com/"}, "address", "Use https"),
        ("webhook", {"address": "https://10.0.0.1/"}, "address", "not a public address"),
        ("webhook", {"address": "https://user:pw@siem.example.com/"}, "address", "must not contain"),
        ("webhook", {"secret": "whsec_short"}, "secret", "whsec_"),
        ("webhook", {"start": "date"}, "since", "Choose the date."),
        ("webhook", {"all_accounts": ""}, "accounts", "Choose accounts"),
        ("splunk", {}, "secret", "required"),
        ("bulk", {"index": "_Bad/../index"}, "index", "lower-case"),
        ("syslog", {"address": "siem.example.com:99999"}, "address", "host:port"),
        ("syslog", {"address": "siem.example.com:6514"}, "address", "not a public address"),
        ("syslog", {"authorities": "no certificate"}, "authorities", "PEM"),
        ("syslog", {"authorities": "-----BEGIN é-----"}, "authorities", "PEM"),
        ("files", {"address": "../../etc"}, "address", "letters, digits"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    kind: str, values: dict[str, str], field: str, words: str, alice: Client, settings: Any
) -> None:
    settings.STREAM_TARGETS = []
    response = alice.post(f"/streams/new?kind={kind}", NEW | values)

    assert response.status_code == 200
    assert words in " ".join(errors(response).get(field, [])), errors(response)
    assert not Stream.objects.exists()


def test_two_streams_do_not_write_to_one_folder(alice: Client) -> None:
    alice.post("/streams/new?kind=files", NEW | {"address": "audit"})
    response = alice.post("/streams/new?kind=files", NEW | {"address": "Audit"})
    assert errors(response) == {"address": ["Another stream writes to this folder."]}
    stream = Stream.objects.get()
    alice.post(f"/streams/{stream.pk}/edit", NEW | {"address": "audit", "is_active": "on", "name": "Same"})
    assert Stream.objects.get().name == "Same"


def test_files_are_not_offered_without_a_folder(alice: Client, settings: Any) -> None:
    settings.STREAM_FILES = ""
    assert "kind=files" not in alice.get("/streams/new").content.decode()
    assert "STREAM_FILES" in " ".join(errors(alice.post("/streams/new?kind=files", NEW | {"address": "a"}))["address"])


def test_an_own_certificate_authority_is_kept(alice: Client, tmp_path: Path, settings: Any) -> None:
    settings.STREAM_TARGETS = ["siem.internal:6514"]
    pem, _ = certificate(tmp_path)
    alice.post("/streams/new?kind=syslog", NEW | {"address": "siem.internal", "authorities": pem})
    assert Stream.objects.get().options == {"authorities": pem.strip()}


def test_a_teams_stream_sends_what_is_the_teams(cast: Any, alice: Client, login: Callable[[str], Client]) -> None:
    team = NexmoAccount.objects.get(api_key="demo0001").teams.get()
    other = NexmoAccount.objects.visible_to(cast["alice"]).exclude(teams=team).first()
    own = SavedView.objects.create(owner=cast["alice"], name="Mine", query="source=API")
    response = alice.post(
        "/streams/new?kind=webhook",
        {name: value for name, value in NEW.items() if name != "all_accounts"}
        | {"holder": str(team.pk), "accounts": [str(other.pk)] if other else [], "view": str(own.pk)},
    )
    assert set(errors(response)) == {"accounts", "view"}

    alice.post("/streams/new?kind=webhook", NEW | {"holder": str(team.pk)})
    stream = Stream.objects.get()
    assert (stream.owner, stream.team) == (None, team)
    assert {account.api_key for account in stream.accounts_in_sight()} == {"demo0001"}
    # Bob is of the team and may set up streams; charlie is not of it.
    assert login("bob").get(f"/streams/{stream.pk}/").status_code == 200
    cast["charlie"].user_permissions.add(Permission.objects.get(codename="manage_stream"))
    assert login("charlie").get(f"/streams/{stream.pk}/").status_code == 404


def test_editing_keeps_secrets_and_where_it_stands(alice: Client, account: NexmoAccount, make_stream: Any) -> None:
    add_many(account, range(3))
    stream = make_stream("webhook", "https://siem.example.com/in")
    stream.cursors.update(seq=2)
    Stream.objects.update(failures=3, problem="http 500", retry_at=timezone.now() + timedelta(hours=1))

    response = alice.post(
        f"/streams/{stream.pk}/edit",
        {"name": "Renamed", "format": "flat", "all_accounts": "on", "is_active": "on", "address": "", "secret": ""},
    )

    assert response.status_code == 302, errors(response)
    stream = Stream.objects.get()
    assert (stream.name, stream.address, stream.secret) == ("Renamed", "https://siem.example.com/in", SECRET)
    assert (stream.start, stream.failures, stream.retry_at) == ("beginning", 0, None)
    assert stream.cursors.filter(seq=2).exists()


def test_pause_resume_replay_test_and_delete(alice: Client, account: NexmoAccount, make_stream: Any) -> None:
    add_many(account, range(3))
    stream = make_stream("webhook", "https://siem.example.com/in")
    stream.cursors.filter(account=account).update(seq=3, sent_seq=3)
    path = f"/streams/{stream.pk}"

    alice.post(f"{path}/pause")
    assert "Paused" in alice.get(f"{path}/").content.decode()
    alice.post(f"{path}/resume")
    alice.post(f"{path}/replay", {"since": "2026-02-30"})
    assert stream.cursors.get(account=account).seq == 3
    alice.post(f"{path}/replay", {"since": "2026-03-01"})
    cursor = stream.cursors.get(account=account)
    assert (cursor.seq, cursor.replay_upto) == (0, 3)
    alice.post(f"{path}/test")
    assert "The test is being sent." in alice.get(f"{path}/").content.decode()
    assert "archive is not touched" in alice.get(f"{path}/delete").content.decode()
    alice.post(f"{path}/delete")
    assert not Stream.objects.exists()
    assert AuditEvent.objects.filter(account=account).count() == 3


def test_nobody_else_may_touch_it(login: Callable[[str], Client], make_stream: Any, cast: Any) -> None:
    stream = make_stream("webhook", "https://siem.example.com/in")
    bob = login("bob")  # may set up streams himself
    for act in ("", "edit", "delete"):
        assert bob.get(f"/streams/{stream.pk}/{act}").status_code == 404
    for act in ("test", "pause", "resume", "replay"):
        assert bob.post(f"/streams/{stream.pk}/{act}").status_code == 404


def test_the_page_tells_how_far_it_is(alice: Client, account: NexmoAccount, make_stream: Any) -> None:
    add_many(account, range(5))
    stream = make_stream("webhook", "https://siem.example.com/in", accounts=[account])
    stream.cursors.update(seq=2, sent_seq=2)
    told = state.state_of(stream, of_accounts=True)
    assert (told.waiting, told.level, told.accounts[0].sent_upto) == (3, "behind", 2)
    assert told.oldest == account.events.get(seq=3).fetched_at

    Stream.objects.update(failures=2, problem="timeout", last_failed_at=timezone.now())
    page = alice.get(f"/streams/{stream.pk}/").content.decode()
    assert "The receiver did not answer in time." in page
    assert "3 waiting." in page
    assert "Nothing is lost" in page


def test_metrics_tell_of_every_stream(client: Client, account: NexmoAccount, make_stream: Any, settings: Any) -> None:
    settings.METRICS_TOKEN = "metrics-token-0123456789"
    add_many(account, range(5))
    stream = make_stream("webhook", "https://siem.example.com/in", accounts=[account])
    text = client.get("/metrics", headers={"authorization": "Bearer metrics-token-0123456789"}).content.decode()
    assert f'auditsite_stream_waiting{{kind="webhook",stream="{stream.pk}"}} 5.0' in text
    assert f'auditsite_stream_up{{kind="webhook",stream="{stream.pk}"}} 1.0' in text
    assert "siem.example.com" not in text


def test_the_admin_lists_streams_without_secrets(login: Callable[[str], Client], make_stream: Any) -> None:
    stream = make_stream("webhook", "https://siem.example.com/in?key=s3cret", options={"authorities": "s3cret too"})
    admin = login("admin")
    for path in ("/admin/events/stream/", f"/admin/events/stream/{stream.pk}/change/"):
        response = admin.get(path)
        page = response.content.decode()
        assert response.status_code == 200
        assert "webhook" in page.lower()
        assert "s3cret" not in page
        assert SECRET not in page
    assert f"/streams/{stream.pk}/" in admin.get("/admin/events/stream/").content.decode()


def test_an_owner_who_is_deactivated_sends_nothing_more(cast: Any, make_stream: Any) -> None:
    make_stream("webhook", "https://siem.example.com/in")
    assert progress.ready().count() == 1
    cast["alice"].is_active = False
    cast["alice"].save()
    assert progress.ready().count() == 0
