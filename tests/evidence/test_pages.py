"""Evidence packs on pages: asked for, made by the worker, fetched by those who may, and gone in time."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount, Profile
from events.archive import seals
from events.evidence import packs
from events.models import EvidencePack
from events.operations import jobs
from tests.conftest import NOON
from tests.tools.evidence import check, files_of
from tests.tools.export import body
from tests.tools.pages import text_of
from tests.tools.scope import CAST, shown_ids

pytestmark = pytest.mark.django_db

State = EvidencePack.State


def ask(client: Client, path: str = "/events/evidence.zip") -> EvidencePack:
    """Ask for a pack as the button does."""
    response = client.post(path)
    assert response.status_code == 302, response.content.decode()
    return EvidencePack.objects.get(pk=response["Location"].split("/")[2])


def work() -> None:
    """What a worker does until nothing is due."""
    while jobs.run_next():
        pass


def made(client: Client, path: str = "/events/evidence.zip") -> EvidencePack:
    pack = ask(client, path)
    work()
    pack.refresh_from_db()
    return pack


def fetch(client: Client, pack: EvidencePack) -> bytes:
    response = client.get(f"{pack.get_absolute_url()}pack.zip")
    assert response.status_code == 200
    return body(response)


def ids_in(content: bytes) -> list[str]:
    return [json.loads(line)["record"][1] for line in files_of(content)["events.ndjson"].splitlines()]


@pytest.fixture
def limited(cast: dict[str, Any]) -> User:
    """Charlie, who may take evidence of his own account only."""
    cast["charlie"].user_permissions.add(Permission.objects.get(codename="export_evidence"))
    return cast["charlie"]


# --- from the button to the file ------------------------------------------------------------------------------------


def test_auditor_takes_evidence_of_exactly_what_is_filtered(login: Any, account: Any, add_event: Any) -> None:
    for number in range(1, 5):
        add_event(account, number, event_type="APP_CREATE" if number % 2 else "APP_DELETE")
    client = login("audrey")
    pack = ask(client, "/events/evidence.zip?event_type=APP_CREATE")
    waiting = client.get(pack.get_absolute_url())
    work()
    page = client.get(pack.get_absolute_url())
    response = client.get(re.findall(r'href="([^"]*pack\.zip)"', page.content.decode())[0])
    content = body(response)
    manifest = check(content, seals.public_key())

    assert "Waiting for a worker" in text_of(waiting)
    assert "2 events" in text_of(page)
    assert f'filename="{pack.name}"' in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]
    assert (manifest["count"], manifest["made_by"]) == (2, "audrey")
    assert manifest["query"] == "/events/?event_type=APP_CREATE"
    assert manifest["conditions"] == {"accounts": None, "wanted": {"event_type": ["APP_CREATE"]}}
    assert EvidencePack.objects.get().size == len(content)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "search_text=447700900115",
        "search_text=landline+-api",
        "new=country",
        "source_ip=192.0.2.0/29",
        "source_ip=-192.0.2.1",
        "event_type=-APP_CREATE&source_country=GB",
        "account=demo0001,demo0003&user_email=a@example.com",
        "date_from=2026-03-15T12:03:00Z&date_to=2026-03-15T12:06:00Z",
    ],
)
def test_pack_holds_what_its_page_shows_in_the_same_order(login: Any, cast: Any, add_event: Any, query: str) -> None:
    for number in range(1, 13):
        add_event(
            NexmoAccount.objects.get(api_key=f"demo000{number % 3 + 1}"),
            number,
            event_type=("APP_CREATE", "NUMBER_UPDATED")[number % 2],
            user_email=("a@example.com", "b@example.com")[number % 2],
            source_ip=f"192.0.2.{number}",
            source_country=("GB", "ES", "SC")[number % 3],
            context={"msisdn": f"4477009001{number + 10}", "type": ("landline", "api landline")[number // 7]},
        )
    client = login("audrey")
    content = fetch(client, made(client, f"/events/evidence.zip?{query}"))
    listed = list(csv.DictReader(io.StringIO(files_of(content)["events.csv"].decode(), newline="")))

    shown = shown_ids(client.get(f"/events/?{query}"))
    assert shown
    assert ids_in(content) == shown
    assert [row["event_id"] for row in listed] == shown
    assert check(content, seals.public_key())["count"] == len(shown)


def test_periods_and_days_mean_what_they_meant_when_it_was_asked_for(login: Any, account: Any, add_event: Any) -> None:
    for number, hours in enumerate((-30, -20, -10, 1), start=1):
        add_event(account, number, created_at=(NOON + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S"))
    audrey = User.objects.get(username="audrey")
    Profile.objects.create(user=audrey, time_zone="Asia/Tokyo")
    with time_machine.travel(NOON, tick=False):
        period = ask(login("audrey"), "/events/evidence.zip?search_text=period:24h+-nothing&size=25")
    work()  # long after
    client = login("audrey")
    day = made(client, "/events/evidence.zip?date_from=2026-03-15&date_to=2026-03-15")
    period.refresh_from_db()

    assert [event[-1] for event in ids_in(fetch(client, period))] == ["4", "3", "2"]
    # The day is Tokyo's: from 15:00 to 15:00 in UTC, so that the second event is in it.
    assert [event[-1] for event in ids_in(fetch(client, day))] == ["4", "3", "2"]
    # So does the link to its events.
    assert len(shown_ids(client.get(period.list_url))) == 3


def test_page_works_without_scripts_and_asks_again_with_them(login: Any, account: Any, add_event: Any) -> None:
    add_event(account, 1)
    client = login("audrey")
    pack = ask(client)
    address = pack.get_absolute_url()
    EvidencePack.objects.update(state=State.MAKING, stage="table", done=1_500, total=6_000)
    page, part = client.get(address), client.get(address, headers={"HX-Request": "true"})

    assert '<noscript><meta http-equiv="refresh"' in page.content.decode()
    for answer in (page, part):
        assert f'hx-get="{address}" hx-trigger="every 1s"' in answer.content.decode()
        assert "Writing the CSV file: 1,500 of 6,000" in text_of(answer)
        assert 'value="25"' in answer.content.decode()
        assert "No worker is running" in text_of(answer)
    assert "<html" not in part.content.decode()

    EvidencePack.objects.update(state=State.WAITING)
    work()
    page = client.get(address).content.decode()
    assert "http-equiv" not in page
    assert "every 1s" not in page


def test_evidence_of_a_wrong_filter_is_refused_in_words(login: Any, account: Any) -> None:
    response = login("audrey").post("/events/evidence.zip?source_ip=nowhere")

    assert response.status_code == 400
    assert "nowhere" in response.content.decode()
    assert not EvidencePack.objects.exists()


def test_without_a_key_the_pack_says_what_to_do(login: Any, account: Any, add_event: Any, settings: Any) -> None:
    settings.SEAL_KEY = ""
    add_event(account, 1)
    client = login("audrey")
    pack = made(client)

    assert pack.state == State.FAILED
    assert "SEAL_KEY is not set" in text_of(client.get(pack.get_absolute_url()))
    assert made(client).state == State.FAILED  # and another can be asked for


def test_file_that_cannot_be_written_is_told(login: Any, account: Any, add_event: Any, evidence_dir: Path) -> None:
    add_event(account, 1)
    evidence_dir.write_text("in the way")

    pack = made(login("audrey"))

    assert (pack.state, pack.problem) == (State.FAILED, "The file could not be written: File exists.")


def test_file_is_its_owners_only(login: Any, account: Any, add_event: Any, evidence_dir: Path) -> None:
    add_event(account, 1)
    made(login("audrey"))

    (file,) = evidence_dir.iterdir()
    assert (evidence_dir.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


# --- who may --------------------------------------------------------------------------------------------------------


def test_only_those_who_may_take_evidence_ask_for_it(login: Any, account: Any) -> None:
    answers = {name: login(name).post("/events/evidence.zip").status_code for name in CAST}

    assert answers == dict(zip(CAST, (302, 403, 403, 403, 302, 302), strict=True))
    assert login("charlie").post("/accounts/demo0001/events/evidence.zip").status_code == 404
    assert EvidencePack.objects.count() == 2
    assert "Evidence pack" in login("audrey").get("/events/export").content.decode()


def test_pack_is_its_requesters_and_those_who_see_everything(
    login: Any, limited: User, add_event: Callable[..., Any]
) -> None:
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 1)
    theirs, own = made(login("audrey")), made(login("charlie"))
    for pack, allowed in ((theirs, {"audrey", "admin"}), (own, {"charlie", "audrey", "admin"})):
        for path in ("", "pack.zip"):
            answers = {}
            for name in CAST[1:]:
                answer = login(name).get(f"{pack.get_absolute_url()}{path}")
                answers[name] = answer.status_code if body(answer) else 0
            assert answers == {name: 200 if name in allowed else 404 for name in CAST[1:]}
    assert str(own.pk) in login("charlie").get("/evidence/").content.decode()
    assert str(theirs.pk) not in login("charlie").get("/evidence/").content.decode()


def test_pack_is_deleted_by_its_requester_or_a_superuser(
    login: Any, limited: User, add_event: Callable[..., Any], evidence_dir: Path
) -> None:
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 1)
    for deleter in ("charlie", "admin"):
        pack = made(login("charlie"))
        address = f"{pack.get_absolute_url()}delete"
        assert {login(name).post(address).status_code for name in ("alice", "bob", "audrey")} == {404}
        assert list(evidence_dir.iterdir())
        assert login(deleter).post(address)["Location"] == "/evidence/"
        assert not list(evidence_dir.iterdir())
        assert not EvidencePack.objects.exists()


def test_scope_is_that_of_the_moment_of_making(login: Any, limited: User, cast: Any, add_event: Any) -> None:
    own, shared = NexmoAccount.objects.get(api_key="demo0003"), NexmoAccount.objects.get(api_key="demo0001")
    add_event(own, 1)
    add_event(shared, 2)
    shared.owner = limited
    shared.save()
    client = login("charlie")
    pack = ask(client)
    shared.owner = cast["alice"]
    shared.save()
    work()

    assert [event[-1] for event in ids_in(fetch(client, pack))] == ["1"]

    one = ask(client, "/accounts/demo0003/events/evidence.zip")
    NexmoAccount.objects.filter(pk=own.pk).update(owner=cast["alice"])
    work()
    one.refresh_from_db()
    assert (one.state, one.problem) == (State.FAILED, "You can no longer see this account.")


def test_scope_is_that_of_the_moment_of_fetching(login: Any, limited: User, cast: Any, add_event: Any) -> None:
    own = NexmoAccount.objects.get(api_key="demo0003")
    add_event(own, 1)
    client = login("charlie")
    pack = made(client)
    assert fetch(client, pack)
    NexmoAccount.objects.filter(pk=own.pk).update(owner=cast["alice"])
    for path in ("", "pack.zip"):
        assert client.get(f"{pack.get_absolute_url()}{path}").status_code == 404
    assert pack.name not in client.get("/evidence/").content.decode()

    NexmoAccount.objects.filter(pk=own.pk).update(owner=limited)
    limited.user_permissions.clear()
    assert login("charlie").get(f"{pack.get_absolute_url()}pack.zip").status_code == 404


def test_who_lost_the_role_gets_no_pack(login: Any, limited: User, add_event: Any) -> None:
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 1)
    pack = ask(login("charlie"))
    limited.user_permissions.clear()
    work()
    pack.refresh_from_db()

    assert pack.state == State.FAILED
    assert "no longer have that role" in pack.problem


# --- limits, and the end --------------------------------------------------------------------------------------------


def test_one_pack_at_a_time_for_each_person(login: Any, account: Any, add_event: Any) -> None:
    add_event(account, 1)
    client = login("audrey")
    first = ask(client)
    response = client.post("/events/evidence.zip?source=CD", follow=True)

    assert response.redirect_chain[-1][0] == first.get_absolute_url()
    assert "You can have one evidence pack in progress at a time" in text_of(response)
    assert ask(login("admin")).pk != first.pk
    work()
    assert ask(client).pk != first.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        EvidencePack.objects.create(requested_by=first.requested_by, requested_at=timezone.now())


def test_pack_asked_for_under_a_wrong_clock_is_made(login: Any, account: Any, add_event: Any) -> None:
    add_event(account, 1)
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        pack = ask(login("audrey"))
    work()

    pack.refresh_from_db()
    assert pack.state == State.READY


def test_packs_that_are_kept_are_limited(login: Any, account: Any, add_event: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(packs, "MOST_KEPT", 2)
    add_event(account, 1)
    client = login("audrey")
    first = made(client)
    made(client)
    response = client.post("/events/evidence.zip", follow=True)
    assert "You already have 2 evidence packs: delete one first." in text_of(response)
    assert response.redirect_chain[-1][0] == "/evidence/"

    client.post(f"{first.get_absolute_url()}delete")
    assert made(client).state == State.READY


def test_packs_of_an_hour_are_limited_those_deleted_again_too(
    login: Any, account: Any, add_event: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(packs, "PER_HOUR", 3)
    add_event(account, 1)
    client = login("audrey")
    for _ in range(3):
        client.post(f"{ask(client).get_absolute_url()}delete")

    page = client.post("/events/evidence.zip", follow=True)

    assert re.search(r"You can request 3 evidence packs an hour\. Try again in \d+ minutes?\.", text_of(page))
    assert EvidencePack.objects.count() == 0
    ask(login("admin"))  # others may


def test_pack_expires(login: Any, account: Any, add_event: Any, settings: Any, evidence_dir: Path) -> None:
    settings.EVIDENCE_KEEP = timedelta(hours=3)
    add_event(account, 1)
    client = login("audrey")
    pack = made(client)
    assert pack.expires_at - pack.finished_at == timedelta(hours=3)
    EvidencePack.objects.update(expires_at=timezone.now())
    assert client.get(f"{pack.get_absolute_url()}pack.zip").status_code == 404
    packs.tidy()

    assert not list(evidence_dir.iterdir())
    assert "The file has been deleted" in text_of(client.get(pack.get_absolute_url()))
    EvidencePack.objects.update(finished_at=timezone.now() - timedelta(days=31))
    packs.tidy()
    assert not EvidencePack.objects.exists()


def test_file_that_is_not_there_is_404_and_no_error(
    login: Any, account: Any, add_event: Any, evidence_dir: Path
) -> None:
    add_event(account, 1)
    client = login("audrey")
    pack = made(client)
    (evidence_dir / pack.file).unlink()

    assert client.get(f"{pack.get_absolute_url()}pack.zip").status_code == 404
    assert client.post(f"{pack.get_absolute_url()}delete").status_code == 302


def test_row_leads_to_no_other_file(login: Any, account: Any, add_event: Any, evidence_dir: Path) -> None:
    """Whoever can write to the database gets no file of the machine by it, and none deleted."""
    add_event(account, 1)
    client = login("audrey")
    pack = made(client)
    other = evidence_dir.parent / "secret.zip"
    other.write_text("secret")
    for name in ("../secret.zip", "/secret.zip", f"{pack.pk}.0123abcd.zip/../../secret.zip"):
        EvidencePack.objects.update(file=name)
        assert client.get(f"{pack.get_absolute_url()}pack.zip").status_code == 404
    client.post(f"{pack.get_absolute_url()}delete")
    assert other.exists()


def test_files_of_nobody_are_removed_and_others_left(
    login: Any, account: Any, add_event: Any, evidence_dir: Path
) -> None:
    add_event(account, 1)
    kept = made(login("audrey")).file
    left = {
        "00000000-0000-4000-8000-000000000000.0123abcd.zip": False,  # of a pack whose deletion failed
        "00000000-0000-4000-8000-000000000000.0123abcd.zip.part": False,  # of a worker that was killed
        kept: True,
        "notes.txt": True,
        "backup.zip": True,
    }
    for name in left:
        (evidence_dir / name).touch()
        os.utime(evidence_dir / name, (0, 0))
    fresh = "00000000-0000-4000-8000-000000000000.4567abcd.zip.part"
    (evidence_dir / fresh).touch()
    packs.tidy()

    assert {path.name for path in evidence_dir.iterdir()} == {name for name, stays in left.items() if stays} | {fresh}


# --- workers that stop or die ---------------------------------------------------------------------------------------


def test_pack_of_a_killed_worker_is_made_by_the_next(
    login: Any, account: Any, add_event: Any, evidence_dir: Path
) -> None:
    add_event(account, 1)
    client = login("audrey")
    pack = ask(client)
    killed = jobs.claim_next()
    assert killed is not None
    evidence_dir.mkdir()
    EvidencePack.objects.update(state=State.MAKING, stage="events", done=7, file=f"{pack.pk}.0123abcd.zip")
    (evidence_dir / f"{pack.pk}.0123abcd.zip.part").write_text("half of it")
    work()
    pack.refresh_from_db()
    assert pack.state == State.MAKING  # the lease is not over yet

    killed.mine().update(lease_until=timezone.now())
    work()
    assert check(fetch(client, pack), seals.public_key())["count"] == 1


def test_worker_that_stops_leaves_the_pack_to_the_next(
    login: Any, account: Any, add_event: Any, evidence_dir: Path, monkeypatch: Any
) -> None:
    def stopped(*args: Any, **kwargs: Any) -> None:
        raise jobs.JobInterrupted

    add_event(account, 1)
    pack = ask(login("audrey"))
    with monkeypatch.context() as patch:
        patch.setattr(packs, "make_pack", stopped)
        assert jobs.run_next()
    pack.refresh_from_db()
    assert pack.is_unfinished
    assert not list(evidence_dir.iterdir())

    work()
    pack.refresh_from_db()
    assert pack.state == State.READY


def test_pack_that_kills_its_worker_each_time_has_failed(login: Any, account: Any, add_event: Any) -> None:
    add_event(account, 1)
    client = login("audrey")
    pack = ask(client)
    while claim := jobs.claim_next():
        EvidencePack.objects.update(state=State.MAKING)
        claim.mine().update(lease_until=timezone.now())
    packs.tidy()
    pack.refresh_from_db()

    assert pack.state == State.FAILED
    assert "Every attempt was interrupted" in pack.problem
    assert made(client).state == State.READY


def test_attempt_that_was_overtaken_keeps_nothing(
    login: Any, account: Any, add_event: Any, evidence_dir: Path, monkeypatch: Any
) -> None:
    """A worker that slept through its lease finds at the end that another one made the pack."""
    add_event(account, 1)
    pack = ask(login("audrey"))
    make_pack = packs.make_pack

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        EvidencePack.objects.filter(pk=pack.pk).update(file=f"{pack.pk}.89abcdef.zip")
        return make_pack(*args, **kwargs)

    monkeypatch.setattr(packs, "make_pack", overtaken)
    assert jobs.run_next()
    pack.refresh_from_db()

    assert (pack.state, pack.file) == (State.MAKING, f"{pack.pk}.89abcdef.zip")
    assert not list(evidence_dir.iterdir())
