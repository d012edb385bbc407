"""The inbox in Chromium: keys, whole rows, several at once without scripts; axe, and a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from events.models import AuditEvent, Finding
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in
from tests.tools.findings import make_finding

pytestmark = [*BROWSER, PAGES_ALONE]


@pytest.fixture
def findings(many_events: None) -> list[Finding]:
    """Five of Alice's, one of each severity, with long names."""
    events = list(AuditEvent.objects.filter(account__api_key="demo0001").select_related("account")[:12])
    made = [
        make_finding(events[at : at + 3], severity=at, title=f"{'Long title ' * at}number {at}", steps=["a", "b", "c"])
        for at in range(5)
    ]
    Finding.objects.filter(pk=made[0].pk).update(group={"user_email": f"{'w' * 80}@example.com"})
    return made


def test_keys_and_rows_lead_to_a_finding(findings: list[Finding], open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.goto("/findings/")
    rows = page.locator("#findings tbody tr")
    assert rows.count() == 5

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert rows.nth(1).locator("input").is_checked()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/findings/{findings[1].pk}/")

    page.goto("/findings/")
    rows.nth(0).locator("td.number").click()
    page.wait_for_url(f"**/findings/{findings[0].pk}/")
    page.goto("/findings/")
    page.get_by_label("All").check()
    assert page.locator("#findings .choose input:checked").count() == 6


def test_several_are_handled_without_scripts(findings: list[Finding], open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", java_script_enabled=False)
    log_in(page, "alice")
    page.goto("/findings/")
    page.get_by_label(f"Select finding {findings[1].pk}", exact=True).check()
    page.get_by_label(f"Select finding {findings[2].pk}", exact=True).check()
    page.get_by_label("With selected findings").select_option("Resolve: Benign")
    page.get_by_role("button", name="Go").click()
    page.get_by_text("2 findings updated.").wait_for()

    assert set(Finding.objects.filter(state="resolved")) == {findings[1], findings[2]}
    assert page.locator("#findings tbody tr").count() == 3


def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    findings: list[Finding], open_page: Callable[..., Any]
) -> None:
    number = findings[4].pk
    paths = (
        "/findings/",
        "/findings/?state=all&severity=odd",
        f"/findings/{number}/",
        f"/findings/{number}/suppress",
        "/findings/suppressions/",
        "/accounts/",
        "/events/",
    )
    page = open_page("/events/", color_scheme="dark")
    log_in(page, "alice")
    found = {}
    for path in paths:
        page.goto(path)
        found[path] = axe(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}

    marks = page.locator("#events td.what > .mark > i")
    assert marks.count() > 0
    assert marks.evaluate_all("(all) => all.filter((mark) => mark.offsetWidth < 8).length") == 0

    page.set_viewport_size({"width": 390, "height": 844})
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path

    page.goto("/findings/")  # what can be done with chosen findings takes no room until one is chosen
    assert not page.locator("#triage").is_visible()
    page.locator("#findings .choose input").nth(1).check()
    assert page.locator("#triage").is_visible()
    assert not page.locator("#triage").evaluate("(bar) => bar.getBoundingClientRect().bottom > innerHeight")
