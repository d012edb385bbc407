"""On a large screen everything stands in one column, and room is used before anything is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.browser import BROWSER, PAGES_ALONE, log_in

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
