"""Foreign objects do not exist in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType

from accounts.models import NexmoAccount
from events.models import (
    AuditEvent,
    SyncRun,
)
from events.sync import state
from tests.tools.scope import KEYS, SEES, Login

STAFF = ("alice", "audrey", "admin")
FOREIGN = (
    "accounts/nexmoaccount/{account}/change/",
    "accounts/nexmoaccount/{account}/history/",
    "accounts/nexmoaccount/{account}/delete/",
    "events/auditevent/{event}/change/",
    "events/auditevent/{event}/history/",
    "events/syncrun/{run}/change/",
    "events/syncrun/{run}/history/",
)


def test_foreign_objects_do_not_exist_in_the_admin(login: Login, events: dict[str, AuditEvent]) -> None:
    account = NexmoAccount.objects.get(api_key="demo0003")
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    client = login("alice")

    for path in FOREIGN:
        theirs = client.get("/admin/" + path.format(account=account.pk, event=events["demo0003"].pk, run=run.pk))
        nobodys = client.get("/admin/" + path.format(account=98765, event=98765, run=98765))
        assert (theirs.status_code, theirs.get("Location")) == (nobodys.status_code, nobodys.get("Location")), path
        assert theirs.status_code != 200, path


@pytest.mark.parametrize("model", [NexmoAccount, AuditEvent])
def test_admins_way_to_the_site_does_not_name_foreign_objects(
    login: Login, events: dict[str, AuditEvent], model: Any
) -> None:
    theirs = events["demo0003"] if model is AuditEvent else events["demo0003"].account
    kind = ContentType.objects.get_for_model(model).pk

    response = login("alice").get(f"/admin/r/{kind}/{theirs.pk}/")

    assert "demo0003" not in response.get("Location", "")
    assert response.status_code == 404


def test_admins_lists_are_scoped(login: Login, events: dict[str, AuditEvent]) -> None:
    for account in NexmoAccount.objects.all():
        state.claim(account, SyncRun.Trigger.COMMAND)

    for person in STAFF:
        client = login(person)
        for path in ("/admin/accounts/nexmoaccount/", "/admin/events/auditevent/", "/admin/events/syncrun/"):
            page = client.get(path).content.decode()
            assert {key for key in KEYS if key in page} == set(SEES[person]), (person, path)


def test_admins_filter_by_a_foreign_account_shows_nothing(login: Login, events: dict[str, AuditEvent]) -> None:
    page = login("alice").get("/admin/events/auditevent/?account=demo0003").content.decode()

    assert "0 events" in page
    assert "Tannelhof" not in page
