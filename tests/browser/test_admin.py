"""The admin's pages of accounts, teams and people in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import NexmoAccount
from events.models import AuditEvent, LegalHold
from events.sync import state
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in

pytestmark = [*BROWSER, PAGES_ALONE]


@pytest.fixture
def pages(events: dict[str, AuditEvent], cast: dict[str, Any]) -> list[str]:
    """The addresses of what an administrator manages, with something behind each."""
    state.ensure(list(NexmoAccount.objects.all()))
    account, empty = (
        events["demo0001"].account,
        NexmoAccount.objects.create(name="Empty", api_key="empty001", api_secret="s", owner=cast["alice"]),
    )
    hold = LegalHold.objects.create(reason="Case 7", account=account)
    team, role = Group.objects.get(name="Messaging team"), Group.objects.get(name="Auditors")
    accounts, teams, people = "/admin/accounts/nexmoaccount/", "/admin/auth/group/", "/admin/auth/user/"
    lists = [reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in site._registry]
    return [
        *("/admin/", *lists),
        *(f"{accounts}add/", f"{accounts}{account.pk}/change/", f"{accounts}{account.pk}/history/"),
        *(f"{accounts}{account.pk}/delete/", f"{accounts}{empty.pk}/delete/"),
        *(f"{teams}add/", f"{teams}{team.pk}/change/", f"{teams}{role.pk}/change/", f"{teams}{team.pk}/delete/"),
        *(f"{people}add/", f"{people}{cast['alice'].pk}/change/", f"{people}{cast['bob'].pk}/password/"),
        *(f"{people}{cast['alice'].pk}/delete/", f"{people}{cast['bob'].pk}/delete/"),
        f"{people}{cast['alice'].pk}/hand-over/",
        *("/admin/events/legalhold/add/", f"/admin/events/legalhold/{hold.pk}/change/"),
        *("/teams/", f"/teams/{team.pk}/"),
    ]


def test_axe_finds_nothing_wrong_with_what_administrators_manage(
    pages: list[str], open_page: Callable[..., Any]
) -> None:
    page = open_page("/login/")
    log_in(page, "admin")
    found = {}
    for path in pages:
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach((folded) => (folded.open = true))")
        found[path] = axe(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_no_page_of_the_admin_scrolls_sideways_on_a_phone(pages: list[str], open_page: Callable[..., Any]) -> None:
    page = open_page("/login/", viewport={"width": 390, "height": 844})
    log_in(page, "admin")
    widths = {}
    for path in pages:
        page.goto(path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in widths.items() if width > 390} == {}


def test_fields_have_an_edge_that_is_seen(pages: list[str], open_page: Callable[..., Any]) -> None:
    page = open_page("/login/")
    log_in(page, "admin")
    edge = """() => {
      const probe = document.body.appendChild(document.createElement("i"));
      probe.style.color = "var(--line-strong)";
      const wanted = getComputedStyle(probe).color;
      const fields = [...document.querySelectorAll(
        "#content .form-row input:not([type=checkbox], [type=hidden], .hidden, :focus), #content .ticks, #searchbar, " +
        "#content select:not(.select2-hidden-accessible), #content textarea, .select2-selection--single")];
      const faint = fields.filter((field) => field.offsetParent && getComputedStyle(field).borderTopColor !== wanted);
      return [fields.length, faint.map((field) => field.outerHTML.slice(0, 120))];
    }"""
    seen = {}
    for path in [path for path in pages if path.startswith("/admin/")]:
        page.goto(path)
        page.evaluate("document.activeElement.blur()")
        seen[path] = page.evaluate(edge)
    assert {path: faint for path, (_, faint) in seen.items() if faint} == {}
    assert sum(count for count, _ in seen.values()) > 30


@pytest.mark.parametrize("scripts", [True, False])
def test_account_is_switched_off_instead_of_deleted(
    events: dict[str, AuditEvent], open_page: Callable[..., Any], scripts: bool
) -> None:
    account = events["demo0001"].account
    page = open_page("/login/", java_script_enabled=scripts)
    log_in(page, "alice")

    page.goto(f"/admin/accounts/nexmoaccount/{account.pk}/change/")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", name="Quillfern Parcel (demo0001) cannot be deleted")).to_be_visible()
    page.get_by_role("button", name="Switch off instead").click()

    expect(page.get_by_text("is switched off: it is no longer synced")).to_be_visible()
    expect(page.get_by_label("Active: synced regularly")).not_to_be_checked()
    account.refresh_from_db()
    assert not account.is_active


def test_many_boxes_have_a_field_to_find_some(cast: dict[str, Any], open_page: Callable[..., Any]) -> None:
    User.objects.bulk_create(User(username=f"person{number:02}") for number in range(20))
    team = Group.objects.get(name="Messaging team")
    page = open_page("/login/")
    log_in(page, "admin")
    page.goto(f"/admin/auth/group/{team.pk}/change/")

    page.get_by_role("searchbox", name="Find: Members").fill("PERSON07")

    boxes = page.get_by_role("group", name="Members", exact=True).get_by_role("checkbox")
    # Those that are members already stay in sight.
    shown = [boxes.nth(place).locator("..").inner_text().strip() for place in range(boxes.count())]
    assert shown == ["alice", "bob", "person07"]
    assert axe(page) == {}
    page.get_by_role("searchbox", name="Find: Members").fill("nobody at all")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    assert page.get_by_role("searchbox", name="Find: Accounts").count() == 0
