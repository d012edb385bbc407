"""The first run in Chromium: from nobody to the first events, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from accounts.models import NexmoAccount
from auditsite.login import first_run
from events.operations import tasks
from events.sandbox import Sandbox
from tests.tools.browser import BROWSER, PAGES_ALONE, axe

pytestmark = [*BROWSER, PAGES_ALONE]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
@pytest.mark.parametrize("width", [1440, 390])
def test_first_run_leads_from_nobody_to_the_first_events(
    open_page: Callable[..., Any], make_sandbox: Callable[..., Sandbox], scripts: bool, width: int
) -> None:
    make_sandbox(accounts=1, events=60)
    page = open_page("/events/", java_script_enabled=scripts, viewport={"width": width, "height": 900})
    assert page.url.endswith("/welcome/")
    assert page.get_by_text("Open the link that the server printed in its terminal").is_visible()
    assert page.locator("main form").count() == 0
    looks_right(page, width, scripts)
    page.goto(f"/welcome/?token={first_run.invite()}")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill("correct-horse-9")
    page.get_by_label("Password again").fill("something-else-9")
    page.get_by_role("button", name="Create administrator").click()
    page.locator("#error-password2").wait_for()
    assert page.get_by_label("Email address").input_value() == "ada@example.com"
    looks_right(page, width, scripts)

    page.get_by_label("Password", exact=True).fill("correct-horse-9")
    page.get_by_label("Password again").fill("correct-horse-9")
    page.get_by_role("button", name="Create administrator").click()
    page.wait_for_url("**/accounts/new")
    assert get_user_model().objects.get().is_superuser

    page.get_by_label("Label").fill("Shop production")
    page.get_by_label("API key").fill("demo0001")
    page.get_by_label("API secret").fill("not-the-secret")
    page.get_by_role("button", name="Test and save").click()
    assert "refused" in page.locator("#error-api_secret").inner_text()
    assert page.get_by_label("API secret").input_value() == ""
    assert page.locator("[name=api_secret]").evaluate("field => field === document.activeElement") or not scripts
    looks_right(page, width, scripts)

    page.get_by_label("API secret").fill("sandbox-secret-0001")
    page.get_by_role("button", name="Test and save").click()
    page.wait_for_url("**/accounts/demo0001/")
    assert page.get_by_text("this page updates automatically").is_visible()
    tasks.sync_now_if_due(NexmoAccount.objects.get().pk)
    page.locator("#first-events").click()  # the page has come to it by itself
    page.wait_for_url("**/accounts/demo0001/events/")
    assert page.locator("#events tbody tr").count() == 50


def looks_right(page: Any, width: int, scripts: bool) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if scripts:
        assert axe(page) == {}
