"""What comes out of a printer: nothing cut, nothing to click, and every sheet says what is on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount, Profile
from events.display.event_table import page_columns
from events.models import AuditEvent
from events.sync import coverage
from tests.tools.browser import BROWSER, PAGES_ALONE, log_in

pytestmark = [*BROWSER, PAGES_ALONE]
Open = Callable[..., Any]
# A4 without its margins, in CSS pixels.
PORTRAIT, LANDSCAPE = 703, 1031
LONG = "https://hooks.example.com/" + "long-" * 20 + "end"

# Elements in sight that reach beyond the sheet, or hide a part of what they hold.
CUT = """(width) => [...document.querySelectorAll("main *")].filter((element) => {
  const box = element.getBoundingClientRect();
  const drawn = element.closest(".sr-only, svg, .calendar b");
  if (!element.checkVisibility() || !box.width || drawn) { return false; }
  const hides = getComputedStyle(element).overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
  return hides || box.right > width + 1;
}).map((element) => element.outerHTML.slice(0, 120))"""
CONTROLS = """[...document.querySelectorAll("button, input, select, textarea, .button, nav, form, dialog")]
  .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height)
  .map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture
def evidence(many_events: None, add_event: Callable[..., Any]) -> None:
    """Sixty events, one of them with long values, and accounts known to be complete."""
    shop = NexmoAccount.objects.get(api_key="demo0001")
    context = {"msisdn": "447700900001", "voice-type": "app", "voice-value": LONG}
    add_event(shop, 700, context=context, user_email=f"{'very.' * 12}long@example.com", source_ip="2001:db8:a::6aa0")
    now = timezone.now()
    coverage.add(shop, now - timedelta(days=900), now - timedelta(minutes=5))


def printed(open_page: Open, path: str, width: int = PORTRAIT, name: str = "bob") -> Any:
    """A page as its printer gets it."""
    page = open_page("/login/", viewport={"width": 1440, "height": 900})
    log_in(page, name)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(media="print")
    return page


def sheets(page: Any) -> list[tuple[float, float]]:
    """Width and height of each page of the PDF that a page prints to."""
    page.emulate_media(media=None)
    pdf = page.pdf(prefer_css_page_size=True, format="A4")
    boxes = re.findall(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    return [(float(width), float(height)) for width, height in boxes]


def addresses() -> dict[str, tuple[str, int]]:
    event = AuditEvent.objects.get(user_email__startswith="very.")
    return {
        "list": ("/events/", LANDSCAPE),
        "filtered": ("/events/?event_type=NUMBER_UPDATED&search_text=-user:zoe*", LANDSCAPE),
        "user": (f"/about/user/{event.user_email}", LANDSCAPE),
        "number": ("/about/number/447700900001", LANDSCAPE),
        "accounts": ("/accounts/", LANDSCAPE),
        "account": ("/accounts/demo0001/", PORTRAIT),
        "event": (event.get_absolute_url(), PORTRAIT),
    }


@pytest.mark.parametrize("which", ["list", "filtered", "user", "number", "accounts", "account", "event"])
def test_nothing_is_cut_and_nothing_can_be_clicked(evidence: None, open_page: Open, which: str) -> None:
    path, width = addresses()[which]
    page = printed(open_page, path, width)

    assert page.evaluate(CUT, width) == []
    assert page.evaluate(CONTROLS) == []
    head = page.locator(".paper-head").inner_text()
    assert "Printed by bob at 20" in head and "Times in UTC" in head and path.split("?")[0] in head
    # A browser that knows no named pages prints upright all the same.
    page.set_viewport_size({"width": PORTRAIT, "height": 1000})
    assert page.evaluate(CUT, PORTRAIT) == []


def test_every_column_finds_its_place(evidence: None, open_page: Open, cast: dict[str, Any]) -> None:
    chosen = {"columns": ",".join(page_columns()), "times": "relative", "theme": "dark", "density": "compact"}
    Profile.objects.update_or_create(user=cast["bob"], defaults=chosen)
    page = printed(open_page, "/events/", LANDSCAPE)

    assert page.locator("#events th").count() == len(page_columns())
    assert page.evaluate(CUT, LANDSCAPE) == []
    # The theme is for screens, and "3 hours ago" says nothing on paper.
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(26, 29, 33)"
    words = page.evaluate("getComputedStyle(document.querySelector('td.when time'), '::after').content")
    assert re.fullmatch(r'"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"', words)


def test_each_sheet_says_what_it_holds(evidence: None, open_page: Open) -> None:
    page = printed(open_page, "/events/?event_type=APP_CREATE&search_text=-user:zoe*", LANDSCAPE)

    sheet = page.locator(".paper-head").inner_text()
    assert "Filter: Type is Application created; User is not zoe*." in sheet
    assert "Complete until 20" in sheet
    # What browsers repeat on each sheet: the heads of tables that are not to be broken.
    for head in ("thead", ".paper-head"):
        style = f"getComputedStyle(document.querySelector('{head}'))"
        assert page.evaluate(f"[{style}.display, {style}.breakInside]") == ["table-header-group", "avoid"]
    assert "6 events, newest first (printed: 6 of them, from 20" in page.locator("p.count").inner_text()
    assert page.locator(".title .coverage").inner_text().startswith("Complete until 20")
    assert page.locator(".pills").inner_text().split("\n")[0].startswith("Type is")

    page.goto("/events/")
    assert "Filter: none, all events of the account visible to bob." in page.locator(".paper-head").inner_text()
    page.emulate_media(media="screen")
    assert not page.locator(".paper-head").is_visible()


def test_wide_tables_lie_down_and_the_rest_stands(evidence: None, open_page: Open) -> None:
    page = printed(open_page, "/events/")
    lists = sheets(page)
    assert 2 <= len(lists) <= 8
    assert all(width > height for width, height in lists)

    page.goto(addresses()["event"][0])
    assert {width < height for width, height in sheets(page)} == {True}
    page.goto("/accounts/demo0001/")
    account = sheets(page)
    assert 1 <= len(account) <= 3 and all(width < height for width, height in account)


def test_coverage_is_printed_in_its_colours(evidence: None, open_page: Open) -> None:
    page = printed(open_page, "/accounts/demo0001/")

    adjust = "getComputedStyle(document.querySelector('.calendar i')).printColorAdjust"
    assert page.evaluate(adjust) == "exact"
    boxes = page.evaluate(
        "[...document.querySelectorAll('.calendar i')].map((day) => day.getBoundingClientRect().right)"
    )
    assert len(boxes) > 360 and max(boxes) <= PORTRAIT
    assert "ago" not in page.locator("#account-status .figures").inner_text()


def test_an_event_open_beside_the_list_stays_on_the_screen(evidence: None, open_page: Open) -> None:
    page = open_page("/login/", viewport={"width": 1440, "height": 900})
    log_in(page, "bob")
    page.goto("/events/")
    page.locator("#events td.what a").first.click()
    page.locator("#beside #raw-json").wait_for()
    page.emulate_media(media="print")

    assert not page.locator("#beside").is_visible()
