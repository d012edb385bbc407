"""A browser for the tests that need one, and what it looks at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from accounts.models import NexmoAccount
from events.demo_data import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WHY_NOT = "no chromium on this machine (apt-get install chromium)"
REQUIRED = os.environ.get("BROWSER_TESTS") == "required"

# Every module of browser tests begins with `pytestmark = BROWSER`.
BROWSER = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM and not REQUIRED, reason=WHY_NOT),
    pytest.mark.xdist_group("browser"),
]


# Of pages alone, which are the same on every database: looking once is enough.
PAGES_ALONE = pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"].endswith("postgresql"),
    reason="pages look the same on SQLite, where they are looked at",
)


@pytest.fixture(name="chromium", scope="module")
def chromium_fixture() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, WHY_NOT
    # Playwright's loop lives in this thread; Django would refuse the tests' own queries beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(name="open_page")
def open_page_fixture(chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """A page of the site in a fresh browser profile; fails the test on any console message or script error."""
    complaints: list[str] = []
    contexts = []

    def note(page: Any, message: Any) -> None:
        # The browser tells of a page that answers 404; that is what was asked for.
        if message.type == "error" and message.location.get("url") != page.url:
            complaints.append(message.text)

    def open_(path: str = "/", **options: Any) -> Any:
        context = chromium.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: note(page, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    open_.complaints = complaints  # type: ignore[attr-defined] - for tests that break something on purpose
    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(name="many_events")
def many_events_fixture(cast: Any, add_event: Callable[..., Any]) -> None:
    shop = NexmoAccount.objects.get(api_key="demo0001")
    other = NexmoAccount.objects.get(api_key="demo0003")
    for number in range(1, 61):
        kind = ("APP_CREATE", "Application created") if number % 10 == 0 else ("NUMBER_UPDATED", "Number updated")
        add_event(shop, number, event_type=kind[0], event_type_description=kind[1], context={"n": number})
    add_event(other, 500, user_email="stranger@example.com")


def log_in(page: Any, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/events/**")


def axe(page: Any) -> dict[str, list[tuple[str, str]]]:
    """What axe finds wrong with a page, by colour scheme: the rule and the first place."""
    from axe_playwright_python.sync_playwright import Axe

    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wrong = Axe().run(page, options={"preload": False}).response["violations"]
        if wrong:
            found[scheme] = [(item["id"], item["nodes"][0]["html"]) for item in wrong]
    return found
