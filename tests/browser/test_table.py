"""The table of events in Chromium: a table to work in for hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount
from tests.tools.browser import BROWSER, PAGES_ALONE, log_in, until
from tests.tools.pages import Add

pytestmark = [*BROWSER, PAGES_ALONE]
Open = Callable[..., Any]
DESK = {"viewport": {"width": 1440, "height": 900}}
WHOLE_ROWS = """[...document.querySelectorAll("#events tbody tr")]
  .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"""


def open_list(open_page: Open, name: str = "bob", **options: Any) -> Any:
    page = open_page("/login/", **options)
    log_in(page, name)
    page.goto("/events/")
    page.locator(".summary[hx-get]").wait_for(state="detached")
    return page


def test_fourteen_rows_or_twenty_four_are_in_sight(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, **DESK)
    assert page.evaluate(WHOLE_ROWS) >= 14

    page.locator(".display summary").click()
    page.get_by_label("Compact").check()
    page.locator(".display").get_by_role("button", name="Apply").click()
    page.locator("#events.compact").wait_for()
    page.locator(".summary[hx-get]").wait_for(state="detached")
    assert page.evaluate(WHOLE_ROWS) >= 24


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_every_event_is_one_line(many_events: None, open_page: Open, width: int) -> None:
    page = open_list(open_page, viewport={"width": width, "height": 900})

    heights = page.evaluate("[...document.querySelectorAll('#events tbody tr')].map((row) => row.offsetHeight)")
    assert max(heights) <= 36
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_heading_stays_in_sight(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, **DESK)

    page.mouse.wheel(0, 900)
    until(page, lambda: page.evaluate("scrollY > 500"))

    assert page.locator("#events thead th").first.bounding_box()["y"] == 0


def test_whole_row_opens_the_event(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, **DESK)

    page.locator("#events tbody tr").nth(2).locator("td.when").click(position={"x": 3, "y": 3})

    page.locator("#beside h2").first.wait_for()
    assert page.locator("#events tbody tr").nth(2).get_attribute("aria-current") == "true"


def test_whole_row_opens_the_page_where_nothing_fits_beside(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, viewport={"width": 900, "height": 900})

    page.locator("#events tbody tr").nth(2).locator("td.when").click(position={"x": 3, "y": 3})

    page.wait_for_url("**/accounts/demo0001/events/**")


def test_what_is_worth_a_look_leaves_three_events_whole_on_a_phone(
    many_events: None, account: NexmoAccount, add_event: Add, open_page: Open
) -> None:
    for number, network in ((9001, "0.0.0.0/0"), (9002, "::/0")):
        context, at = {"ip": network}, (timezone.now() - timedelta(days=1)).isoformat()
        add_event(account, number, event_type="IP_WHITELIST_CREATE", context=context, created_at=at)
    page = open_list(open_page, viewport={"width": 390, "height": 844})
    page.locator("#summary .chart").wait_for()
    lines = page.locator(".worth li")
    assert lines.count() > 1

    ends = "[...document.querySelectorAll('#events tbody tr')].map((r) => r.getBoundingClientRect().bottom)"
    assert page.evaluate(f"{ends}.filter((bottom) => bottom <= innerHeight).length") >= 3
    assert [lines.nth(place).is_visible() for place in range(2)] == [True, False]
    page.get_by_text("Worth a look").click()
    assert lines.nth(1).is_visible()
    page.get_by_role("checkbox", name="Show all that is worth a look").uncheck(force=True)
    assert not lines.nth(1).is_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    assert lines.nth(1).is_visible()
    assert not page.get_by_role("checkbox", name="Show all that is worth a look").is_visible()


@pytest.mark.parametrize("width", [320, 390, 1024, 1440])
def test_what_is_cut_says_so(many_events: None, add_event: Any, account: Any, open_page: Open, width: int) -> None:
    """An ellipsis stands for text: a box that begins inside and ends outside is cut without one."""
    add_event(account, 901, source_country="US", user_email=f"{'long' * 20}@example.com", source_ip="2001:db8::1:2:3:4")
    page = open_list(open_page, viewport={"width": width, "height": 844})

    cut = """[...document.querySelectorAll("main *")].filter((box) =>
      getComputedStyle(box).textOverflow === "ellipsis" && box.clientWidth && box.scrollWidth > box.clientWidth + 1
    ).flatMap((box) => [...box.querySelectorAll("*")].filter((part) => {
      const [inner, outer] = [part.getBoundingClientRect(), box.getBoundingClientRect()];
      return getComputedStyle(part).display !== "inline" && inner.width && inner.left < outer.right - 1 &&
        inner.right > outer.right + 1;
    })).map((part) => part.outerHTML.slice(0, 200))"""
    assert page.evaluate(cut) == []


def test_three_events_are_in_sight_on_a_phone(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, viewport={"width": 390, "height": 844})

    begun = (
        "[...document.querySelectorAll('#events tbody tr')].filter((r) => r.getBoundingClientRect().top < innerHeight)"
    )
    assert page.evaluate(f"{begun}.length") >= 3


def test_box_completes_from_the_keyboard(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, **DESK)
    box = page.get_by_role("combobox", name="Search")

    box.press_sequentially("ty")
    page.get_by_role("option", name="type:").wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    assert box.input_value() == "type:"
    box.press_sequentially("app_cr")
    page.get_by_role("option", name="type:APP_CREATE").wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    box.press("ArrowDown")
    option = page.get_by_role("option", name="type:APP_CREATE")
    assert option.get_attribute("aria-selected") == "true"
    assert box.get_attribute("aria-activedescendant") == option.get_attribute("id")
    box.press("Tab")
    assert box.input_value() == "type:APP_CREATE "
    box.press("Enter")
    page.wait_for_url("**search_text=type%3AAPP_CREATE**")
    assert page.get_by_role("combobox", name="Search").input_value().strip() == "type:APP_CREATE"


def test_what_is_marked_stays_so_when_a_late_answer_comes(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, **DESK)
    box = page.get_by_role("combobox", name="Search")

    box.press_sequentially("type:app_c")
    page.get_by_role("option", name="type:APP_CREATE").wait_for()
    with page.expect_response("**/suggest?piece=type%3Aapp_cr"):
        box.press("r")
        box.press("ArrowDown")
    page.wait_for_timeout(100)

    assert page.get_by_role("option", name="type:APP_CREATE").get_attribute("aria-selected") == "true"


def test_box_lets_go_of_its_list(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, **DESK)
    box = page.get_by_role("combobox", name="Search")

    box.press("ArrowDown")
    page.get_by_role("option", name="type:").wait_for()
    box.press("Escape")
    assert not page.locator("#suggestions").is_visible()
    assert box.get_attribute("aria-expanded") == "false"
    box.press_sequentially("type:app_cr")
    page.get_by_role("option", name="type:APP_CREATE").click()
    assert box.input_value() == "type:APP_CREATE "


def width_of(page: Any, name: str) -> float:
    width: float = page.locator(f"#events th.{name}").bounding_box()["width"]
    return width


def test_columns_are_as_wide_as_they_were_drawn(many_events: None, open_page: Open) -> None:
    page = open_list(open_page, **DESK)
    usual = width_of(page, "who")
    edge = page.locator("#events th.who .edge")
    place = edge.bounding_box()
    page.mouse.move(place["x"] + 4, place["y"] + 4)
    page.mouse.down()
    page.mouse.move(place["x"] + 84, place["y"] + 4, steps=4)
    page.mouse.up()
    drawn = width_of(page, "who")
    assert drawn == pytest.approx(usual + 80, abs=8)

    page.reload()
    assert width_of(page, "who") == pytest.approx(drawn, abs=2), "it is remembered"

    edge.focus()
    page.keyboard.press("ArrowLeft")
    assert width_of(page, "who") == pytest.approx(drawn - 16, abs=2)
    page.keyboard.press("Home")
    assert width_of(page, "who") == pytest.approx(usual, abs=2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "value", ["#events td.source a.v >> nth=0", ".chart .key a.v >> nth=0", ".facets li a.v >> nth=0"]
)
def test_shift_and_click_leave_a_value_out(many_events: None, open_page: Open, value: str) -> None:
    page = open_list(open_page, **DESK)
    if ".facets" in value:
        page.locator(".facets > summary").click()

    page.locator(value).click(modifiers=["Shift"])
    page.wait_for_url("**/events/?*=-*")

    assert page.locator(".pills .not").count() == 1
