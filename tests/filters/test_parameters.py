"""Parameters that nobody reads: named, refused where a file would be made, and never taken for a filter."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.filters.parameters import KNOWN, unknown
from events.models import EvidencePack
from tests.tools.export import KINDS, Login, add_many
from tests.tools.pages import text_of, violations

SAID = "There is no filter “evnt_type”; did you mean “event_type”?"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("evnt_type", "event_type"),
        ("Event_Type", "event_type"),
        ("type", "event_type"),
        ("user", "user_email"),
        ("ip", "source_ip"),
        ("columns[]", "columns"),
        ("accounts", "account"),
    ],
)
def test_nearest_known_name_is_told(name: str, near: str) -> None:
    assert unknown([name]) == [f"There is no filter “{name}”; did you mean “{near}”?"]


def test_name_like_no_other_is_told_alone() -> None:
    assert unknown(["q", *KNOWN, "xyzzy"]) == ["There is no filter “q”.", "There is no filter “xyzzy”."]


@pytest.mark.parametrize("place", ["/events", "/accounts/demo0001/events"])
@pytest.mark.parametrize("path", [*(f"export.{kind}" for kind in KINDS), "export"])
def test_export_and_its_page_refuse_what_they_do_not_know(
    login: Login, account: NexmoAccount, place: str, path: str
) -> None:
    add_many(account, range(3))

    page = login("alice").get(f"{place}/{path}?evnt_type=APP_CREATE&source=CD")

    assert page.status_code == 400
    assert SAID in text_of(page)
    assert "Content-Disposition" not in page


@pytest.mark.parametrize("place", ["/events", "/accounts/demo0001/events"])
def test_evidence_refuses_what_it_does_not_know(login: Login, account: NexmoAccount, place: str) -> None:
    page = login("audrey").post(f"{place}/evidence.zip?evnt_type=APP_CREATE")

    assert page.status_code == 400
    assert SAID in text_of(page)


@pytest.mark.parametrize("place", ["/events", "/accounts/demo0001/events"])
@pytest.mark.parametrize("path", ["/", "/summary"])
def test_list_and_overview_show_events_and_say_what_they_ignore(
    client: Client, account: NexmoAccount, place: str, path: str
) -> None:
    add_many(account, range(3))

    page = client.get(f"{place}{path}?evnt_type=APP_CREATE")

    assert page.status_code == 200
    assert f"{SAID} It is ignored and filters nothing." in text_of(page)
    if path == "/":
        assert page.content.count(b"data-event-id") == 3
        assert page.content.index("evnt_type”; did".encode()) < page.content.index(b'id="events"')
    assert "ignored" not in text_of(client.get(f"{place}{path}?event_type=APP_CREATE&size=25"))


def test_hostile_name_is_shown_as_text(client: Client, account: NexmoAccount) -> None:
    for path in ("/events/", "/events/summary", "/events/export"):
        page = client.get(path, {"<script>x": "1"})
        assert "no filter “&lt;script&gt;x”" in page.content.decode()
        assert violations(page) == []


def test_every_address_that_pages_make_is_of_known_names(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(60), source="DEVAPI")
    seen = set()
    for path in (
        "/events/?source=API&size=25",
        "/events/summary?period=30d",
        "/events/export?columns=account&times=utc",
    ):
        page = client.get(path).content.decode()
        for address in re.findall(r'(?:href|action|hx-get)="((?:/events/|/accounts/demo0001/events/)?\?[^"]*)"', page):
            seen |= set(re.findall(r"[?&;]([a-z_]+)=", address))
        form = page.partition('id="filter"')[2].partition("</form>")[0]
        seen |= set(re.findall(r'name="([a-z_]+)"', form))
    assert {"before", "size", "event_type", "new"} <= seen
    assert unknown(seen) == []


def test_every_filter_is_known() -> None:
    assert set(EventFilter.base_filters) <= set(KNOWN)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/events/{}", "all"),
        ("/events/{}?source=", "all"),
        ("/events/{}?source=CD", "cd"),
        ("/events/{}?search_text=x", "x"),
        ("/events/{}?date_from=2026-03-01", "2026-03-01"),
        ("/events/{}?account=demo0001,demo0002", "2-accounts"),
        ("/events/{}?account=demo0001", "quillfern-parcel"),
        ("/events/{}?search_text=account:demo0001", "quillfern-parcel"),
        ("/accounts/demo0002/events/{}?source=CD", "marrowby-health_cd"),
    ],
)
def test_evidence_packs_are_named_as_exports_are(login: Login, cast: dict[str, Any], path: str, named: str) -> None:
    login("audrey").post(path.format("evidence.zip"))

    name = EvidencePack.objects.get().name
    assert name.startswith(f"auditsite-evidence_{named}_2") and name.endswith(".zip")


def test_account_that_is_left_out_names_no_pack(login: Login, cast: dict[str, Any]) -> None:
    login("audrey").post("/events/evidence.zip?account=-demo0001")

    assert EvidencePack.objects.get().name.startswith("auditsite-evidence_some-accounts_2")
