"""Own detection rules in the admin: listed and switched there, written and read on the site's pages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from events.detection.rules import own_rules
from events.models import Finding, OwnRule
from tests.conftest import NOON
from tests.tools.admin import Login
from tests.tools.pages import text_of
from tests.tools.rules import ONE, TWO, rule_text

pytestmark = pytest.mark.django_db
LIST = "/admin/events/ownrule/"


@pytest.fixture
def own(cast: dict[str, Any]) -> OwnRule:
    return own_rules.save(rule_text(), cast["admin"])


def test_rules_are_listed_with_who_changed_them_and_lead_to_their_pages(login: Login, own: OwnRule) -> None:
    client = login("admin")
    page = client.get(LIST)

    assert re.search(r"Numbers bought .* admin", text_of(page))
    assert f'href="/rules/{ONE}/"' in page.content.decode()
    assert client.get(f"{LIST}add/")["Location"] == "/rules/new"
    assert client.get(f"{LIST}{own.pk}/change/")["Location"] == f"/rules/{ONE}/"
    assert client.get(f"{LIST}{own.pk}/history/")["Location"] == f"/rules/{ONE}/"
    for key in (own.pk + 1, "9" * 30, "x"):
        assert client.get(f"{LIST}{key}/change/")["Location"] == LIST


@pytest.mark.parametrize("person", ["alice", "audrey"])
def test_other_staff_has_nothing_of_them(login: Login, own: OwnRule, person: str) -> None:
    client = login(person)

    for path in ("", "add/", f"{own.pk}/change/", f"{own.pk + 1}/change/", f"{own.pk}/history/", f"{own.pk}/delete/"):
        assert client.get(LIST + path).status_code == 403, path
    client.post(LIST, {"action": "enable", "_selected_action": [own.pk]})
    client.post(f"{LIST}{own.pk}/delete/", {"post": "yes"})
    assert not OwnRule.objects.get().is_enabled
    assert "ownrule" not in client.get("/admin/").content.decode()


def test_several_are_switched_at_once_and_one_that_cannot_be_read_stays_off(
    login: Login, own: OwnRule, cast: dict[str, Any]
) -> None:
    other = own_rules.save(rule_text(TWO, "Broken"), cast["admin"])
    OwnRule.objects.filter(pk=other.pk).update(text="nothing: known\n")
    client = login("admin")
    chosen = {"_selected_action": [own.pk, other.pk]}

    told = text_of(client.post(LIST, {"action": "enable"} | chosen, follow=True))
    assert "1 rule is on." in told
    assert "Broken, line 1: " in told
    assert set(OwnRule.objects.values_list("uid", "is_enabled", "version")) == {(ONE, True, 2), (TWO, False, 1)}
    told = text_of(client.post(LIST, {"action": "disable"} | chosen, follow=True))
    assert "2 rules are off." in told
    assert not OwnRule.objects.filter(is_enabled=True)


def test_deleting_says_what_goes_and_what_stays(login: Login, own: OwnRule) -> None:
    Finding.objects.create(
        key="k", rule=ONE, title="x", severity=2, group={}, first_at=NOON, last_at=NOON, found_at=NOON
    )
    client = login("admin")

    asked = text_of(client.get(f"{LIST}{own.pk}/delete/"))
    assert "Its text and all its versions (1) are deleted." in asked
    assert "What it found stays: 1 finding." in asked
    client.post(f"{LIST}{own.pk}/delete/", {"post": "yes"})
    assert not OwnRule.objects.exists()
    assert Finding.objects.exists()
