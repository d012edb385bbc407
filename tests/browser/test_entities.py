"""Following one address over three accounts in Chromium: from the list to an event, to its address, to the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import NexmoAccount
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in

pytestmark = [*BROWSER, PAGES_ALONE]

IP, NUMBER = "203.0.113.66", "447700900123"


@pytest.fixture
def attack(cast: Any, add_event: Callable[..., Any]) -> None:
    """One address in three accounts; and the usual events of a fourth."""
    for number, key in enumerate(("demo0001", "demo0002", "demo0003")):
        account = NexmoAccount.objects.get(api_key=key)
        told = {"source_ip": IP, "source_country": "SC", "user_email": f"victim{number}@example.com"}
        add_event(account, 100 + number, event_type="USER_LOGIN", context=..., **told)
        for step, code in enumerate(("NUMBER_ASSIGN", "NUMBER_RELEASE")):
            numbered = {"country": "AU", "msisdn": f"{int(NUMBER) + number}"}
            add_event(account, 200 + 10 * number + step, event_type=code, context=numbered, **told)
    for number in range(20):
        add_event(NexmoAccount.objects.get(api_key="demo0004"), number)


def test_follow_one_address_over_three_accounts(attack: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "admin")
    page.locator("#events tbody tr").first.locator("a.what").click()
    page.locator("#beside .fields").get_by_role("link", name=IP).click()
    page.wait_for_url(f"**/about/ip/{IP}")

    assert page.get_by_role("heading", level=1).inner_text() == f"IP address {IP}"
    figures = page.locator(".about-figures").inner_text()
    assert "First seen" in figures and "2026-03-15 13:40:00 UTC" in figures and "in Quillfern Parcel" in figures
    assert "in Tannelhof Reisen" in figures
    shown = page.locator("#events tbody td.account").all_inner_texts()
    assert {name: shown.count(name) for name in shown} == {
        "Tannelhof Reisen": 3,
        "Marrowby Health": 3,
        "Quillfern Parcel": 3,
    }
    assert page.locator(".company tbody tr").count() == 3

    page.locator(".company").get_by_role("link", name="victim1@example.com").click()
    page.wait_for_url("**/about/user/victim1@example.com")
    assert page.locator("#events tbody tr").count() == 3
    page.locator("#events tbody tr").nth(1).locator("a.what").click()
    page.locator("#beside .follow").get_by_role("link", name=f"{int(NUMBER) + 1}").first.click()
    page.wait_for_url("**/about/number/**")

    assert "released" in page.locator("#configuration").inner_text()
    page.locator("#at").fill("2026-03-15T15:30")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**at=2026-03-15T15%3A30**")
    settings = page.locator("#configuration tbody").inner_text()
    assert "bought" in settings and "AU" in settings and "released" not in settings


def test_axe_finds_nothing_wrong_with_entity_pages(
    attack: None,
    add_event: Callable[..., Any],
    open_page: Callable[..., Any],
) -> None:
    changed = add_event(NexmoAccount.objects.get(api_key="demo0001"), 900, context={"old": "a", "new": "b"})
    page = open_page("/events/")
    log_in(page, "admin")
    found = {}
    for path in (
        f"/about/ip/{IP}",
        "/about/user/victim0@example.com",
        f"/about/number/{NUMBER}?at=2026-03-15T15:30",
        f"/about/number/{NUMBER}?at=soon",
        changed.get_absolute_url(),
    ):
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach((folded) => (folded.open = true))")
        found[path] = axe(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_entity_page_works_without_script(attack: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", java_script_enabled=False)
    log_in(page, "admin")
    page.goto(f"/about/number/{NUMBER}")
    page.locator("#at").fill("2026-03-15T15:20")
    page.get_by_role("button", name="Show").click()

    assert "bought" in page.locator("#configuration tbody").inner_text()
