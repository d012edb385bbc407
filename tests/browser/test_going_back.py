"""Back and forward: the list is as it was left, its form says what its address says, and nothing outlives the login."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.browser import BROWSER, PAGES_ALONE, log_in, until

pytestmark = [*BROWSER, PAGES_ALONE]
Open = Callable[..., Any]
FOCUS = "document.activeElement.closest('#events tr')?.dataset.eventId ?? document.activeElement.tagName"
# What a form says otherwise than the page that was answered.
CHANGED = """[...document.querySelectorAll("form[method=get] :is(input, select)")].filter((field) =>
  field.tagName === "SELECT" ? [...field.options].some((each) => each.selected !== each.defaultSelected && each.value)
  : ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked
  : field.value !== field.defaultValue).map((field) => field.name)"""
CHANGE = """document.querySelectorAll("form[method=get] :is(input, select)").forEach((field) => {
  if (field.tagName === "SELECT") field.selectedIndex = field.options.length - 1;
  else if (["checkbox", "radio"].includes(field.type)) field.checked = !field.checked;
  else field.value = field.type === "date" ? "2026-01-31" : field.type === "time" ? "10:00" : "x";
})"""


def open_first(page: Any, row: int) -> str:
    """Open the event of a row beside the table; returns its id."""
    link = page.locator("#events tbody tr").nth(row).locator("a.what")
    link.click()
    page.locator("#beside h2[tabindex]:focus").wait_for()
    return str(page.locator("#events tbody tr").nth(row).get_attribute("data-event-id"))


def test_panel_takes_the_focus_and_gives_it_back(many_events: None, open_page: Open) -> None:
    page = open_page("/events/")
    log_in(page, "alice")

    event = open_first(page, 3)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#beside') !== null")
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUS) == event

    page.keyboard.press("j")  # from the keyboard alone
    page.keyboard.press("Enter")
    page.locator("#beside h2[tabindex]:focus").wait_for()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.matches('#beside [data-close]')")
    page.keyboard.press("Enter")
    following = page.locator("#events tbody tr").nth(4).get_attribute("data-event-id")
    assert page.evaluate(FOCUS) == following

    page.keyboard.press("Enter")
    page.locator("#beside h2[tabindex]:focus").wait_for()
    page.go_back()
    page.locator("#beside").wait_for(state="hidden")
    assert page.evaluate(FOCUS) == following


def test_focus_returns_to_the_table_from_an_event_that_is_not_on_its_page(many_events: None, open_page: Open) -> None:
    page = open_page("/events/?size=10")
    log_in(page, "alice")
    page.goto("/events/?size=10")

    last = open_first(page, 9)
    page.locator("#beside").get_by_role("link", name="Older event →").click()
    page.locator(f"#beside a[href*='{last}']").first.wait_for()  # the newer one of the next page's first
    until(page, lambda: page.evaluate("document.querySelector('#events tr[aria-current]') === null"))
    page.keyboard.press("Escape")

    assert page.evaluate(FOCUS) == last


def test_list_is_as_it_was_left(many_events: None, open_page: Open) -> None:
    page = open_page("/events/?event_type=NUMBER_*")
    log_in(page, "alice")
    page.locator(".bars").wait_for()
    page.locator("#events tbody tr").nth(30).scroll_into_view_if_needed()
    event = open_first(page, 30)
    page.wait_for_timeout(200)
    left = page.evaluate("scrollY")
    assert left > 200
    page.get_by_role("link", name="Open as page").click()
    page.wait_for_url("**/accounts/**")

    page.go_back()
    page.locator("#beside h2[tabindex]").wait_for()
    assert page.locator("#events tr[aria-current]").get_attribute("data-event-id") == event
    until(page, lambda: page.evaluate(f"Math.abs(scrollY - {left}) < 100"))
    page.go_forward()
    page.wait_for_url("**/accounts/**")
    page.locator("#raw-json").wait_for()


@pytest.mark.parametrize("path", ["/events/", "/findings/", "/accounts/", "/access/", "/reviews/", "/rules/"])
def test_form_says_what_the_list_is_filtered_by(many_events: None, open_page: Open, path: str) -> None:
    """A browser would put back what was chosen last, above a list that was not filtered by it."""
    page = open_page("/events/")
    log_in(page, "admin")
    page.goto(path)
    page.evaluate(CHANGE)
    assert page.evaluate(CHANGED)
    page.goto("/profile/activity/")

    page.go_back()
    page.wait_for_load_state()

    assert page.evaluate(CHANGED) == []


def test_nothing_is_shown_after_logging_out(many_events: None, open_page: Open) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.goto("/accounts/")
    page.locator("details.me summary").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/**")

    for _page in range(2):
        page.go_back()
        page.wait_for_url("**/login/?next=**")
        assert page.get_by_label("Password").is_visible()
        assert page.locator("#events, .accounts").count() == 0


def test_page_that_a_browser_kept_whole_is_asked_for_anew(many_events: None, open_page: Open) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.locator("#events").wait_for()
    page.context.clear_cookies()  # logged out, in another tab

    hidden = page.evaluate(
        """dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })), document.documentElement.hidden"""
    )
    assert hidden
    page.wait_for_url("**/login/?next=**")
    assert page.locator("#events").count() == 0
