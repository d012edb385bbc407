"""On a large screen everything stands in one column, and room is used before anything is cut; on a small one the pages
of everybody are one line of the header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.operations.demo_data import PASSWORD
from tests.tools.browser import BROWSER, PAGES_ALONE, log_in
from tests.tools.findings import make_finding

pytestmark = [*BROWSER, PAGES_ALONE]
Open = Callable[..., Any]


@pytest.mark.parametrize("width", [390, 1440, 1920, 2560])
def test_the_header_stands_above_its_content(many_events: None, open_page: Open, width: int) -> None:
    page = open_page("/login/", viewport={"width": width, "height": 900})
    log_in(page, "bob")

    brand = page.locator(".brand").bounding_box()["x"]
    content = page.locator("h1").bounding_box()["x"]
    assert abs(brand - content) <= 1
    menu, table = page.locator(".me").bounding_box(), page.locator("#filter").bounding_box()
    assert abs((menu["x"] + menu["width"]) - (table["x"] + table["width"])) <= 1


@pytest.mark.parametrize("width", [390, 1440, 1920])
def test_no_count_is_cut(many_events: None, add_event: Any, account: Any, open_page: Open, width: int) -> None:
    add_event(account, 900, user_email="somebody.with.a.long.name@some-subsidiary.example.com")
    page = open_page("/login/", viewport={"width": width, "height": 900})
    log_in(page, "bob")
    page.goto("/events/")
    page.locator(".facets > summary").click()

    cells = page.locator(".facet-grid > section > ul > li > :first-child")
    assert cells.count() > 6
    cut = "(all) => all.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)"
    assert cells.evaluate_all(cut) == []
    if width > 1000:  # where there is room, an address is one line
        address = cells.filter(has_text="some-subsidiary").bounding_box()
        assert address["height"] <= 24
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 360, 390])
@pytest.mark.parametrize("language", ["en", "es"])
def test_navigation_is_one_line_on_a_phone(
    many_events: None, cast: dict[str, Any], open_page: Open, settings: Any, width: int, language: str
) -> None:
    settings.DEMO_PAGE = "/demo/"
    for _number in range(120):  # a badge of three digits
        make_finding(accounts=[NexmoAccount.objects.first()])
    page = open_page("/login/", viewport={"width": width, "height": 844}, locale=language)
    page.locator("[name=login]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url("**/events/**")

    links = page.locator(".top nav a:visible")
    assert links.count() == 4
    assert (
        len({link["y"] for link in links.evaluate_all("(all) => all.map((each) => each.getBoundingClientRect())")}) == 1
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # What is not everybody's is in the menu.
    page.locator("details.me summary").click()
    assert page.locator(".me .sheet a[href='/admin/']").is_visible()


def test_menu_repeats_nothing_of_the_navigation_where_it_fits(many_events: None, open_page: Open) -> None:
    page = open_page("/login/")
    log_in(page, "admin")
    page.locator("details.me summary").click()

    assert page.locator(".top a[href='/admin/']:visible").count() == 1


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_entry_of_the_access_log_is_one_line(many_events: None, open_page: Open, width: int) -> None:
    page = open_page("/login/", viewport={"width": width, "height": 900})
    log_in(page, "admin")
    page.goto(f"/events/?search_text={'word+' * 40}")  # long details, in one entry
    page.goto("/access/")

    tall = "(rows) => rows.filter((row) => row.offsetHeight > 36).map((row) => row.innerText)"
    assert len(page.locator("#access-log tbody tr").evaluate_all(tall)) <= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
