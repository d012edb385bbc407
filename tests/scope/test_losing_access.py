"""Who loses access loses it at the next request, whatever is open or running: pages, exports, packs, programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from accounts.tokens import lifecycle
from events.evidence import packs
from events.export import columns, limits, watch
from events.export.about import accounts_of
from events.export.watch import SightLost
from events.models import EvidencePack
from events.operations.demo_data import TEAM
from events.reading import stream
from tests.tools.export import add_many, body, hang_up
from tests.tools.scope import Login, shown_ids
from tests.tools.tokens import bearer, make_token

Lose = Callable[[dict[str, Any]], object]


def switched_off(cast: dict[str, Any]) -> None:
    User.objects.filter(pk=cast["bob"].pk).update(is_active=False)


def out_of_the_team(cast: dict[str, Any]) -> None:
    cast["bob"].groups.remove(Group.objects.get(name=TEAM))


def no_longer_shared(cast: dict[str, Any]) -> None:
    NexmoAccount.objects.get(api_key="demo0001").teams.clear()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, account: NexmoAccount) -> None:
    """Exports in small parts, looked at between any two."""
    for module, name in ((stream, "FIRST_CHUNK"), (stream, "CHUNK"), (columns, "FIRST_LINES"), (columns, "LINES")):
        monkeypatch.setattr(module, name, 5)
    monkeypatch.setattr(watch, "EVERY", 0.0)
    add_many(account, range(60))


def test_open_page_of_somebody_switched_off_is_told_to_log_in(login: Login, cast: Any, events: Any) -> None:
    client = login("bob")
    assert client.get("/events/news").status_code in (200, 204)

    switched_off(cast)

    assert client.get("/events/")["Location"] == "/login/?next=/events/"
    poll = client.get("/events/news", HTTP_HX_REQUEST="true")
    assert (poll.status_code, poll["HX-Retarget"]) == (286, "#notice"), "the page stops asking"
    assert client.post("/accounts/demo0001/sync/").status_code == 302


@pytest.mark.parametrize("lose", [out_of_the_team, no_longer_shared])
def test_open_page_of_an_account_that_is_out_of_sight_gets_nothing_more(
    login: Login, cast: Any, events: Any, lose: Lose
) -> None:
    client = login("bob")
    assert shown_ids(client.get("/events/")) == ["of-demo0001"]

    lose(cast)

    assert shown_ids(client.get("/events/")) == []
    for part in ("", "events/", "events/news", "events/summary", "events/of-demo0001/", "events/export.csv"):
        answer = client.get(f"/accounts/demo0001/{part}", HTTP_HX_REQUEST="true")
        assert answer.status_code == 404, part
    assert client.get("/events/news", HTTP_HX_REQUEST="true").status_code == 204
    assert client.post("/accounts/demo0001/sync/").status_code == 404


@pytest.mark.parametrize("lose", [switched_off, out_of_the_team])
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_running_export_is_cut_off(login: Login, cast: Any, running: None, lose: Lose, kind: str) -> None:
    response: Any = login("bob").get(f"/accounts/demo0001/events/export.{kind}")
    parts = iter(response.streaming_content)
    begun = next(parts) + next(parts)

    lose(cast)

    with pytest.raises(SightLost):
        next(parts)
    assert begun


def test_large_part_is_sent_in_pieces_and_asked_about_between_them(
    login: Login, cast: Any, running: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PIECE", 100)
    response: Any = login("bob").get("/accounts/demo0001/events/export.ndjson")
    whole = body(login("alice").get("/accounts/demo0001/events/export.ndjson"))
    parts = iter(response.streaming_content)
    begun = [next(parts), next(parts)]

    out_of_the_team(cast)

    assert b"".join(begun) == whole[:200], "five events are far more"
    with pytest.raises(SightLost):
        next(parts)
    monkeypatch.setattr(limits, "PIECE", 1_000_000)
    assert body(login("alice").get("/accounts/demo0001/events/export.ndjson")) == whole


def test_log_calls_a_file_that_was_cut_off_forbidden_and_no_error(
    login: Login, cast: Any, running: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    response: Any = login("bob").get("/accounts/demo0001/events/export.ndjson")
    parts = iter(response.streaming_content)
    next(parts)
    out_of_the_team(cast)
    with pytest.raises(ConnectionAbortedError):
        next(parts)

    hang_up(response)

    told = [record for record in caplog.records if record.name == "auditsite.access"]
    assert told[-1].getMessage().startswith("GET /accounts/demo0001/events/export.ndjson 403 ")
    assert [record for record in caplog.records if record.levelname not in ("INFO", "DEBUG")] == []


def test_database_that_is_away_for_a_moment_ends_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.0)
    monkeypatch.setattr(watch, "AGAIN_AFTER", (0.0, 0.0))
    monkeypatch.setattr(watch, "close_old_connections", lambda: None)
    answers: list[Any] = [OperationalError(), OperationalError(), True, *[OperationalError()] * 3]

    def allowed() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    watched = watch.Watch(allowed)
    watched.look()
    with pytest.raises(OperationalError):
        watched.look()
    assert answers == []


def test_account_without_events_that_is_deleted_ends_nothing(cast: Any, account: NexmoAccount) -> None:
    audrey = cast["audrey"]
    pack = EvidencePack.objects.create(
        requested_by=audrey, requested_at=timezone.now(), query="account=demo0001", time_zone="UTC", name="x.zip"
    )
    keys = [each.pk for each in NexmoAccount.objects.all()]

    assert [each.api_key for each in accounts_of(packs._filter_of(pack))] == ["demo0001"]
    NexmoAccount.objects.get(api_key="demo0005").delete()

    assert watch.sees_still(audrey.pk, keys)
    assert not watch.sees_still(cast["bob"].pk, keys)


def test_pack_watches_the_accounts_that_are_in_it(
    cast: Any, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.EVIDENCE_DIR = tmp_path
    pack = EvidencePack.objects.create(
        requested_by=cast["audrey"],
        requested_at=timezone.now(),
        query="account=demo0001",
        time_zone="UTC",
        name="x.zip",
    )
    watched: list[Any] = []
    monkeypatch.setattr(packs, "_Keeper", lambda pack, job, accounts: watched.extend(accounts) or 1 / 0)

    with pytest.raises(ZeroDivisionError):
        packs._make(pack, None)  # type: ignore[arg-type]

    assert watched == [account.pk]


def test_export_goes_on_for_those_who_still_see_what_is_in_it(login: Login, cast: Any, running: None) -> None:
    response: Any = login("alice").get("/accounts/demo0001/events/export.ndjson")
    parts = iter(response.streaming_content)
    first = next(parts)

    NexmoAccount.objects.get(api_key="demo0002").delete()  # no part of it

    assert b"".join([first, *parts]).count(b"\n") == 60


def test_workbook_that_is_being_made_is_given_up(
    login: Login, cast: Any, running: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = stream.stream_rows

    def losing(*args: Any) -> Any:
        for number, row in enumerate(rows(*args)):
            if number == 10:
                out_of_the_team(cast)
            yield row

    monkeypatch.setattr("events.views.export.stream_rows", losing)
    client = login("bob")

    assert client.get("/accounts/demo0001/events/export.xlsx").status_code == 404
    assert client.get("/events/export.csv").status_code == 200, "its place is free again"


def test_pack_is_asked_about_while_it_is_made_and_fetched(cast: Any, account: NexmoAccount) -> None:
    audrey = cast["audrey"]
    pack = EvidencePack.objects.create(
        requested_by=audrey, requested_at=timezone.now(), account=account, time_zone="UTC", language="en", name="x.zip"
    )
    keeper = packs._Keeper(pack, None, [account.pk])  # type: ignore[arg-type]  # its job is not asked here
    assert keeper._may_go_on()
    assert packs.may_fetch(audrey.pk, pack.pk)
    keeper.report("events", 1, 2)

    audrey.groups.clear()

    assert not keeper._may_go_on()
    assert not packs.may_fetch(audrey.pk, pack.pk)
    keeper.hidden.set()
    with pytest.raises(packs.Refused):
        keeper.report("events", 2, 2)


def test_program_loses_what_its_person_loses(client: Client, cast: Any, events: Any) -> None:
    token, credentials = make_token(cast["bob"])
    headers = bearer(credentials)
    assert client.get("/api/v1/accounts/demo0001", **headers).status_code == 200

    out_of_the_team(cast)
    assert client.get("/api/v1/accounts/demo0001", **headers).status_code == 404
    assert b"of-demo0001" not in client.get("/api/v1/events", **headers).content

    switched_off(cast)
    assert client.get("/api/v1/events", **headers).status_code == 401

    User.objects.filter(pk=cast["bob"].pk).update(is_active=True)
    assert client.get("/api/v1/events", **headers).status_code == 200
    lifecycle.revoke(token, cast["alice"])
    assert client.get("/api/v1/events", **headers).status_code == 401
