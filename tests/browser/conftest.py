"""A browser for the tests that need one, and what it looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import NexmoAccount
from tests.conftest import add_numbered
from tests.tools.browser import CHROMIUM, PATIENCE
from tests.tools.skips import NO_CHROMIUM


@pytest.fixture(scope="package")  # each start takes seconds
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, NO_CHROMIUM
    # Playwright's loop lives in this thread; Django would refuse the tests' own queries beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_page(chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """A page of the site in a fresh browser profile; fails the test on any console message or script error.

    Nothing moves by itself there, so that what is looked at is at rest; a test of movement says `reduced_motion`.
    """
    complaints: list[str] = []
    contexts = []

    def note(page: Any, message: Any) -> None:
        # The browser tells of a page that answers 404; that is what was asked for.
        if message.type == "error" and message.location.get("url") != page.url:
            complaints.append(message.text)

    def open_(path: str = "/", **options: Any) -> Any:
        context = chromium.new_context(base_url=live_server.url, **({"reduced_motion": "reduce"} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1_000)
        page.on("console", lambda message: note(page, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    open_.complaints = complaints  # type: ignore[attr-defined] - for tests that break something on purpose
    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def many_events(cast: Any) -> None:
    shop = NexmoAccount.objects.get(api_key="demo0001")
    other = NexmoAccount.objects.get(api_key="demo0003")
    add_numbered(
        shop,
        range(1, 61),
        event_type=lambda number: "NUMBER_UPDATED" if number % 10 else "APP_CREATE",
        event_type_description=lambda number: "Number updated" if number % 10 else "Application created",
        context=lambda number: {"n": number},
    )
    add_numbered(other, [500], user_email="stranger@example.com")
