"""Passwords and tokens in what is being sent while its reader loses the permission to see them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import NexmoAccount
from events.export import columns, watch
from events.export.watch import SightLost
from events.management.commands import events as command
from events.models import AuditEvent
from events.reading import stream
from tests.tools.export import add_many

pytestmark = pytest.mark.django_db
Login = Callable[[str], Client]

SECRET = "hunter2pw"


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch, account: NexmoAccount) -> None:
    for module, name in ((stream, "FIRST_CHUNK"), (stream, "CHUNK"), (columns, "FIRST_LINES"), (columns, "LINES")):
        monkeypatch.setattr(module, name, 5)
    monkeypatch.setattr(watch, "EVERY", 0.0)
    monkeypatch.setattr(command, "ASK_EVERY", 0.0)
    add_many(account, range(60), context={"apiSecret": SECRET})


@pytest.fixture
def permission(cast: Any) -> Permission:
    view = Permission.objects.get(codename="view_sensitive")
    cast["bob"].user_permissions.add(view)
    return view


def test_export_of_whole_events_ends_with_the_permission(
    login: Login, cast: Any, permission: Permission, in_small_parts: None
) -> None:
    parts = iter(login("bob").get("/events/export.ndjson").streaming_content)  # type: ignore[attr-defined]
    assert SECRET.encode() in next(parts)
    cast["bob"].user_permissions.remove(permission)
    with pytest.raises(SightLost):
        next(parts)


def test_export_without_what_is_sensitive_goes_on(
    login: Login, cast: Any, permission: Permission, in_small_parts: None
) -> None:
    answer: Any = login("bob").get("/events/export.csv")
    parts = iter(answer.streaming_content)
    begun = next(parts)
    cast["bob"].user_permissions.remove(permission)
    assert (begun + b"".join(parts)).count(b"demo0001") == 60


def test_command_masks_from_when_its_person_may_not_see_it(
    cast: Any, permission: Permission, in_small_parts: None
) -> None:
    output, stop = command.Output(io.BytesIO(), cast["bob"]), command.Stop()
    raws = list(AuditEvent.objects.values_list("raw", flat=True)[:3])
    output.write(raws[:1], stop)
    cast["bob"].user_permissions.remove(permission)
    output.write(raws[1:], stop)
    lines = output.file.getvalue().decode().splitlines()  # type: ignore[attr-defined]
    assert [SECRET in line for line in lines] == [True, False, False]
