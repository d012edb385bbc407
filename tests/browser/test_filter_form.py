"""The filter form in Chromium: the control for time, the picker of event types, help; by pointer and keyboard, with
scripts and without, on a phone too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from accounts.models import Profile
from events.operations.demo_data import PASSWORD
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in, until

pytestmark = [*BROWSER, PAGES_ALONE]
PHONE = {"width": 390, "height": 844}


def when(page: Any) -> Any:
    """The summary of the control for time."""
    return page.locator(".when > summary")


def chosen(page: Any) -> str:
    """What it says."""
    text: str = page.locator(".when > summary span").nth(1).inner_text()
    return text


# --- time -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_range_of_days_and_times(many_events: None, open_page: Callable[..., Any], scripts: bool) -> None:
    page = open_page("/events/", java_script_enabled=scripts)
    log_in(page, "alice")
    assert chosen(page) == "Any time"
    when(page).click()
    page.get_by_label("From (UTC)", exact=True).fill("2026-03-15")
    page.get_by_label("From (UTC): time (optional)").fill("12:10")
    page.get_by_label("To (UTC)", exact=True).fill("2026-03-15")
    page.locator(".range").get_by_role("button", name="Apply").click()
    page.wait_for_url("**date_from=2026-03-15**")
    assert page.locator("#count").inner_text() == "51"  # minutes 10 to 60
    assert chosen(page) == "2026-03-15 12:10 UTC – 2026-03-15"
    if scripts:
        assert page.url.endswith("?date_from=2026-03-15T12%3A10&date_to=2026-03-15")
    when(page).click()
    assert page.get_by_label("From (UTC): time (optional)").input_value() == "12:10"
    page.get_by_label("Last month", exact=True).check()
    if scripts:
        page.wait_for_url("**/events/?period=last-month")
    else:
        page.get_by_label("From (UTC)", exact=True).fill("")
        page.get_by_label("From (UTC): time (optional)").fill("")
        page.get_by_label("To (UTC)", exact=True).fill("")
        page.locator(".range").get_by_role("button", name="Apply").click()
        page.wait_for_url("**period=last-month**")
    assert chosen(page) == "Last month"
    assert page.get_by_role("list", name="Active conditions").locator("li b").all_inner_texts() == ["Last month"]


def test_arrows_pass_over_periods_and_enter_applies_one(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?date_from=2026-03-15")
    log_in(page, "alice")
    when(page).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "period"
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(300)
    assert page.url.endswith("?date_from=2026-03-15")
    page.keyboard.press("Enter")
    page.wait_for_url("**/events/?period=24h")
    when(page).click()
    page.keyboard.press("Escape")
    assert page.locator(".when .sheet").is_hidden()
    assert when(page).evaluate("(summary) => summary === document.activeElement")


def test_wrong_range_is_told_where_it_is_typed(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?date_from=2026-03-15&date_to=2026-03-14")
    log_in(page, "alice")
    assert page.locator(".range .error").inner_text() == "This is before the start: swap the two dates."
    assert page.locator(".range .error").is_visible()


# --- types ----------------------------------------------------------------------------------------------------------
def open_types(page: Any) -> Any:
    """The picker of event types, open."""
    page.locator("#filter .more > summary").click()
    page.locator("#chosen-event_type").click()
    return page.locator(".boxes .sheet:has([name=event_type])")


def test_types_are_found_and_ticked_from_the_keyboard(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    sheet = open_types(page)
    find = sheet.get_by_role("searchbox", name="Find")
    assert find.evaluate("(box) => box === document.activeElement")
    page.keyboard.type("APPLICATION cre")
    assert sheet.locator("label:visible").all_inner_texts() == ["Applications", "Application created APP_CREATE\n6"]
    page.keyboard.press("Enter")
    assert page.url.endswith("/events/")
    assert page.locator("#chosen-event_type").inner_text() == "1 selected"
    find.fill("nothing like it")
    assert sheet.locator("label:visible").count() == 0
    find.fill("")
    assert sheet.locator("label:visible").count() > 30
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Apply").first.click()
    page.wait_for_url("**/events/?event_type=APP_CREATE")


def test_family_is_ticked_as_a_whole_and_without_one_type(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    sheet = open_types(page)
    family, types = sheet.get_by_label("Numbers", exact=True), sheet.locator("fieldset:has([value='NUMBER_*'])")
    family.check()
    assert types.locator("input:not(:checked)").count() == 0
    page.get_by_role("button", name="Apply").first.click()
    page.wait_for_url("**/events/?event_type=NUMBER_*")
    assert page.locator("#events tbody tr").count() == 50

    sheet = open_types(page)
    assert types.locator("input:not(:checked)").count() == 0  # the family's types are ticked with it
    sheet.get_by_label("NUMBER_ASSIGN").uncheck()
    assert family.evaluate("(box) => box.indeterminate && !box.checked")
    sheet.get_by_label("NUMBER_ASSIGN").check()
    assert family.is_checked()
    page.get_by_role("button", name="Apply").first.click()
    page.wait_for_url(lambda address: "NUMBER_ASSIGN" in address)
    assert "NUMBER_*" not in page.url  # ticked one by one, they are asked for one by one: an opened view stays itself


def test_whole_family_of_shared_beginning_is_its_types_alone(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", java_script_enabled=False)
    log_in(page, "alice")
    sheet = open_types(page)
    assert sheet.get_by_role("searchbox").count() == 0  # it needs a script
    sheet.get_by_label("Account", exact=True).check()
    sheet.get_by_label("Applications", exact=True).check()
    page.get_by_role("button", name="Apply").first.click()
    page.wait_for_url("**event_type=**")
    assert page.locator("#events tbody tr").count() == 6
    sheet = open_types(page)
    assert sheet.get_by_label("Applications", exact=True).is_checked()
    assert sheet.get_by_label("ACCOUNT_UPDATE_SETTINGS", exact=False).first.is_checked()
    assert not sheet.get_by_label("ACCOUNT_SECRET_CREATE").is_checked()


def test_counts_stand_beside_types_where_they_are_of_all(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.locator(".bars").wait_for()
    sheet = open_types(page)
    assert sheet.locator("label", has_text="APP_CREATE").locator(".count").inner_text() == "6"
    assert sheet.locator("label", has_text="USER_CREATE").locator(".count").inner_text() == "0"
    page.goto("/events/?event_type=APP_CREATE")
    page.locator(".bars").wait_for()
    assert open_types(page).locator(".count").count() == 0  # the others were not counted


def test_hint_of_the_search_box_is_not_cut_on_a_phone(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", viewport=PHONE)
    log_in(page, "alice")
    for language in ("en", "es"):
        Profile.objects.update_or_create(user=User.objects.get(username="alice"), defaults={"language": language})
        page.reload()
        assert page.locator("html").get_attribute("lang") == language
        room, needed = page.locator("#id_search_text").evaluate(
            """(box) => {
              const { font, paddingLeft, paddingRight } = getComputedStyle(box);
              const pen = document.createElement("canvas").getContext("2d");
              pen.font = font;
              const room = box.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
              return [room, pen.measureText(box.placeholder).width];
            }"""
        )
        assert 0 < needed <= room, language


# --- help -----------------------------------------------------------------------------------------------------------
def test_help_unfolds_beside_the_box(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.locator(".help > summary").focus()
    page.keyboard.press("Enter")
    page.locator(".help").get_by_role("link", name="type:NUMBER_*", exact=True).click()
    page.wait_for_url("**search_text=type**")
    assert page.locator("#count").inner_text() == "54"


def test_help_is_a_page_without_scripts(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", java_script_enabled=False, viewport=PHONE)
    log_in(page, "alice")
    page.locator(".help > summary").click()
    page.get_by_role("link", name="Search help").first.click()
    page.wait_for_url("**/help/search/")
    assert page.get_by_role("link", name="number:+447700900000").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def _is_inside(sheet: Any, window: dict[str, int]) -> bool:
    box = sheet.bounding_box()
    is_wide_enough = box["x"] >= 0 and box["x"] + box["width"] <= window["width"]
    # On a phone sheets push down what follows.
    return is_wide_enough and (window == PHONE or box["y"] >= 0 and box["y"] + box["height"] <= window["height"])


# --- menus ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("viewport", [PHONE, {"width": 800, "height": 700}, {"width": 1440, "height": 900}])
def test_open_menus_stay_inside_the_window(
    many_events: None, open_page: Callable[..., Any], viewport: dict[str, int]
) -> None:
    page = open_page("/events/?user_email=yourname@example.com&date_from=2026-01-01", viewport=viewport)
    log_in(page, "alice")
    page.locator(".bars").wait_for()
    page.locator("#filter .more > summary").click()
    summaries = page.locator("details.menu > summary")
    for number in range(summaries.count()):
        summary = summaries.nth(number)
        if not summary.is_visible():  # on a phone the table has no columns to choose
            continue
        for block in ("end", "start"):
            summary.evaluate("(summary, block) => summary.scrollIntoView({ block })", block)
            summary.click()
            if summary.get_attribute("aria-label") == "Search help":
                page.locator("#search-help").wait_for()
            sheet, name = summary.locator("xpath=..").locator(".sheet"), summary.inner_text()
            # What arrives late above the menu moves it, and it is fitted anew.
            until(page, partial(_is_inside, sheet, viewport))
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], name
            page.keyboard.press("Escape")


def test_axe_finds_nothing_wrong_with_the_open_form(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page(
        "/events/?date_from=2026-03-15&date_to=2026-03-14T10:00&event_type=NUMBER_*,APP_CREATE&source_ip=x"
    )
    log_in(page, "alice")
    found = {}
    for menu in (".when", ".boxes:has([name=event_type])", ".help"):
        page.locator(f"#filter {menu}").first.evaluate("(menu) => (menu.open = true)")
        found[menu] = axe(page)
        page.locator(f"#filter {menu}").first.evaluate("(menu) => (menu.open = false)")
    assert found == dict.fromkeys(found, {})


# --- focus ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, {"width": 1120, "height": 700}])
def test_what_has_the_focus_is_not_under_the_open_panel(
    many_events: None, open_page: Callable[..., Any], viewport: dict[str, int]
) -> None:
    page = open_page("/events/", viewport=viewport)
    log_in(page, "alice")
    rows = page.locator("#events tbody tr")
    width = rows.first.bounding_box()["width"]
    rows.nth(20).locator("a.what").click()
    page.locator("#beside > h2").wait_for()
    assert rows.first.bounding_box()["width"] == width  # the table stays as it is, and can be scrolled
    panel = page.locator("#beside").bounding_box()["x"]
    rows.nth(20).locator("a.when").focus()
    seen = 0
    for key in ["Tab"] * 16 + ["Shift+Tab"] * 30:
        page.keyboard.press(key)
        box = page.evaluate(
            """() => {
                const focused = document.activeElement;
                if (!focused.closest("#events")) return null;
                const { left, right, top, bottom } = focused.getBoundingClientRect();
                const heading = document.querySelector("#events thead th").getBoundingClientRect();
                return { left, right, top, bottom, heading: heading.top <= 0 ? heading.bottom : 0 };
            }"""
        )
        if box:
            seen += 1
            assert box["left"] >= -1 and box["right"] <= panel, box
            assert box["top"] >= box["heading"] - 1 and box["bottom"] <= viewport["height"], box
    assert seen > 30
    page.locator("#beside").get_by_role("button", name="Close").click()
    until(page, lambda: page.evaluate("document.documentElement.scrollWidth === document.documentElement.clientWidth"))


def test_browsers_zone_is_offered_and_set(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/profile/display", timezone_id="Europe/Madrid")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/profile/display")
    page.get_by_label("Time zone").select_option("My browser’s (Europe/Madrid)")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert Profile.objects.get().time_zone == "Europe/Madrid"
    assert page.get_by_label("Time zone").evaluate("(list) => list.selectedOptions[0].text").startswith("Madrid (+0")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_form_sent_after_the_login_ended_is_filled_in_again(
    many_events: None, open_page: Callable[..., Any], scripts: bool
) -> None:
    page = open_page("/events/", java_script_enabled=scripts)
    log_in(page, "alice")
    page.goto("/views/new?query=source%3DCD")
    page.get_by_label("Name").fill("Long thought about")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/login/**")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("This was not saved, because your login had ended.").wait_for()
    assert page.get_by_label("Name").input_value() == "Long thought about"
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The view Long thought about was saved.").wait_for()
