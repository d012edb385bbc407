"""The API's page, as people read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in

pytestmark = [*BROWSER, PAGES_ALONE]


def test_the_page_fits_a_phone_and_axe_finds_nothing(cast: dict[str, Any], open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", viewport={"width": 390, "height": 844})
    log_in(page, "alice")
    page.goto("/api/")
    page.evaluate("document.querySelectorAll('.api details').forEach((folded) => (folded.open = true))")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe(page) == {}
