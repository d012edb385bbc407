"""Streams of the access log: whole, in order, for whoever may read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.access.models import AccessEntry
from accounts.access.words import Action
from events.archive import access_chain
from events.models import Stream
from events.operations import access_log
from events.streams import state
from tests.streams.conftest import serve
from tests.tools.access import add, last
from tests.tools.receivers import HttpReceiver
from tests.tools.scope import Login

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver() -> Iterator[Any]:
    receiver = HttpReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def may_read(cast: Any) -> Permission:
    permission: Permission = Permission.objects.get(codename="view_accessentry")
    cast["alice"].user_permissions.add(permission)
    return permission


def test_entries_are_sent_in_order_once_they_are_chained(
    may_read: Permission, make_stream: Callable[..., Stream], receiver: Any
) -> None:
    first = add(person="bob", accounts=("demo0003",), detail={"filter": "source=CD"})
    add(action=Action.LOGIN)
    access_chain.extend()
    stream = make_stream("webhook", f"{receiver.address}/hook", contents="access", format="flat", options={})
    add(person="late")

    assert serve(stream) == 2
    assert serve(stream) == 0
    one, two = receiver.taken.bodies
    assert (one["kind"], one["number"], one["person"], one["accounts"]) == ("access", first.pk, "bob", ["demo0003"])
    assert json.loads(one["detail"]) == {"filter": "source=CD"} and one["record_hash"] == first.record_hash
    assert two["action"] == "login"

    access_chain.extend()
    assert state.state_of(stream).waiting == 1
    assert serve(stream) == 1
    assert receiver.taken.bodies[-1]["person"] == "late"


def test_stream_sends_what_comes_from_now_on_or_since_a_day(
    may_read: Permission, make_stream: Callable[..., Stream], receiver: Any
) -> None:
    add(at=datetime(2026, 1, 1, tzinfo=UTC))
    add(at=datetime(2026, 3, 1, tzinfo=UTC))
    access_chain.extend()
    where = f"{receiver.address}/hook"
    now = make_stream("webhook", where, contents="access", start="now")
    since = make_stream("webhook", where, contents="access", start="date", since=datetime(2026, 2, 1, tzinfo=UTC))

    assert (serve(now), serve(since)) == (0, 1)


def test_nothing_is_sent_once_its_owner_may_not_read_the_log(
    may_read: Permission, cast: Any, make_stream: Callable[..., Stream], receiver: Any
) -> None:
    stream = make_stream("webhook", f"{receiver.address}/hook", contents="access")
    cast["alice"].user_permissions.remove(may_read)
    add()
    access_chain.extend()

    assert serve(stream) == 0
    stream.refresh_from_db()
    assert stream.problem == "not_allowed"


def test_team_sends_it_only_by_a_permission_of_the_team(
    may_read: Permission, make_stream: Callable[..., Stream], receiver: Any
) -> None:
    team = Group.objects.create(name="Watch")
    stream = make_stream("webhook", f"{receiver.address}/hook", holder=team, contents="access")
    add()
    access_chain.extend()
    assert serve(stream) == 0

    team.permissions.add(may_read)
    assert serve(stream) == 1


NEW = {
    "name": "Access",
    "contents": "access",
    "format": "ecs",
    "all_accounts": "on",
    "start": "now",
    "address": "https://siem.example.com/in",
    "secret": "",
}


def test_form_offers_it_to_whoever_may_read_it(login: Login, may_stream: None, cast: Any) -> None:
    def tried(client: Client, **values: Any) -> set[str]:
        answer = client.post("/streams/new?kind=webhook", NEW | values)
        return set(answer.context["form"].errors) if "form" in (answer.context or {}) else set()

    alice = login("alice")
    assert tried(alice) == {"contents"}
    cast["alice"].user_permissions.add(Permission.objects.get(codename="view_accessentry"))
    assert tried(alice, all_accounts="", accounts=[cast["alice"].nexmo_accounts.first().pk]) == {"accounts"}
    assert tried(alice) == set()
    assert Stream.objects.get().contents == "access"
    assert (last().action, last().kind, last().object_name) == ("created", "stream", "Access")


def test_retention_waits_for_a_stream_that_is_paused(
    may_read: Permission, make_stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    monkeypatch.setattr(access_log.retention, "present", lambda: now)
    make_stream("webhook", "https://example.com/hook", contents="access", paused_at=now)
    add(at=now - timedelta(days=420))
    access_chain.extend()

    access_log.shorten_access_log(None)  # type: ignore[arg-type]
    assert AccessEntry.objects.exists()
    Stream.objects.all().delete()
    access_log.shorten_access_log(None)  # type: ignore[arg-type]
    assert not AccessEntry.objects.exists()
