"""A browser for the tests that need one, and what it looks at."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from events.operations.demo_data import PASSWORD
from tests.tools.skips import NO_CHROMIUM, ON_POSTGRES

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60  # seconds: machines that run tests are busy
# The headless shell first: it draws the same pages without the rest of a browser around them.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
REQUIRED = os.environ.get("BROWSER_TESTS") == "required"

# Every module of browser tests begins with `pytestmark = BROWSER`.
BROWSER = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM and not REQUIRED, reason=NO_CHROMIUM),
    pytest.mark.xdist_group("browser"),
]


# Of pages alone, which are the same on every database: looking once is enough.
PAGES_ALONE = pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason=ON_POSTGRES)


def log_in(page: Any, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/events/**")


def until(page: Any, holds: Callable[[], Any]) -> None:
    """Wait until something holds. Playwright's `wait_for_function` has the page evaluate a text again and again, which
    its policy forbids: that works only where the condition holds at once."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        page.wait_for_timeout(50)


def axe(page: Any) -> dict[str, list[tuple[str, str]]]:
    """What axe finds wrong with a page, by colour scheme: the rule and the first place."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(Axe().axe_script)
    found = {}
    # What a scheme changes is colours; all else is the same in both.
    for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast", "link-in-text-block"]})):
        # Reduced motion: else colours on their way from scheme to scheme are what is looked at.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        options = {"preload": False, "resultTypes": ["violations"]} | rules
        wrong = page.evaluate("(options) => axe.run(options).then((results) => results.violations)", options)
        if wrong:
            found[scheme] = [(item["id"], item["nodes"][0]["html"]) for item in wrong]
    return found
