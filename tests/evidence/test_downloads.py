"""Fetching evidence packs: as many at once as exports, and each whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches

from events.export import limits
from events.export.limits import PER_PERSON
from events.models import EvidencePack
from events.operations import jobs
from tests.tools.export import body
from tests.tools.pages import text_of
from tests.tools.scope import Login

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_runs(db: None, settings: Any) -> Iterator[None]:
    settings.EXPORTS_AT_ONCE = 4
    limits.gc.collect()
    limits._clear_abandoned()
    yield
    caches["default"].clear()


@pytest.fixture
def ready(login: Login, account: Any, add_event: Any) -> EvidencePack:
    """A pack that Audrey can fetch."""
    add_event(account, 1)
    assert login("audrey").post("/events/evidence.zip").status_code == 302
    assert jobs.run_next()
    return EvidencePack.objects.get(state=EvidencePack.State.READY)


def test_downloads_of_a_person_are_limited_as_exports_are(login: Login, ready: EvidencePack) -> None:
    client, address = login("audrey"), f"{ready.get_absolute_url()}pack.zip"
    running = [client.get(address) for _ in range(PER_PERSON)]

    for path in (address, "/events/export.csv"):
        refused = client.get(path)
        assert (refused.status_code, refused["Retry-After"]) == (429, str(limits.RETRY_AFTER))
        assert ready.name in text_of(refused)
        assert "Content-Disposition" not in refused
    assert body(running[0]) == body(running[1])
    assert body(client.get(address))
    assert not limits._running


def test_process_without_room_says_when_to_try_again(login: Login, ready: EvidencePack, settings: Any) -> None:
    settings.EXPORTS_AT_ONCE = 0
    refused = login("audrey").get(f"{ready.get_absolute_url()}pack.zip")

    assert refused.status_code == 503
    assert f'href="{ready.get_absolute_url()}"' in refused.content.decode()


def test_size_and_name_are_told_with_and_without_the_file(login: Login, ready: EvidencePack, settings: Any) -> None:
    client, address = login("audrey"), f"{ready.get_absolute_url()}pack.zip"
    answer = client.get(address)
    settings.EXPORTS_AT_ONCE = 0  # a question for the size takes no place
    head = client.head(address)

    assert len(body(answer)) == ready.size
    for told in (answer, head):
        assert told.status_code == 200
        assert told["Content-Length"] == str(ready.size)
        assert told["Content-Type"] == "application/zip"
        assert told["Content-Disposition"] == f'attachment; filename="{ready.name}"'
