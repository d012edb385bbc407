"""The main journey in Chromium: log in, filter, page, open an event, export, sync."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import NexmoAccount
from events.models import SyncRun
from events.operations import tasks
from events.operations.demo_data import PASSWORD
from events.sandbox import Sandbox
from tests.tools.browser import BROWSER, log_in

pytestmark = BROWSER


def test_login_filter_page_open_and_export(many_events: None, open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page("/")
    assert "/login/" in page.url
    log_in(page, "bob")
    rows = page.locator("#events tbody tr")
    assert rows.count() == 50
    assert "stranger@example.com" not in page.content()

    page.get_by_role("link", name="Older →").first.click()
    page.wait_for_url("**before=**")
    assert rows.count() == 10
    page.get_by_role("link", name="← Newer").first.click()
    page.wait_for_url("**after=**")
    assert rows.count() == 50

    page.goto("/events/")
    page.get_by_text("Filters", exact=True).click()
    page.locator("#chosen-event_type").click()
    page.get_by_label("Application created APP_CREATE").check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**event_type=APP_CREATE**")
    assert rows.count() == 6
    assert "user_email" not in page.url  # empty fields stay out of the address

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / "events.csv"
    download.value.save_as(file)
    with file.open(newline="", encoding="utf-8-sig") as lines:
        exported = list(csv.DictReader(lines))
    assert [row["event_type"] for row in exported] == ["APP_CREATE"] * 6

    page.goto(rows.first.get_by_role("link", name="Application created").get_attribute("href"))
    assert page.get_by_role("heading", name="Application created").is_visible()
    assert '"n": 60' in page.locator("#raw-json").inner_text()


def test_overview_and_pills_narrow_and_widen(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?search_text=-type:APP_*")
    log_in(page, "alice")
    page.locator(".bars a").last.wait_for()
    assert page.locator(".count strong").inner_text() == "54"
    page.locator(".bars a", has=page.locator("rect[class^=family]")).first.click()
    page.wait_for_url("**date_from=**")
    assert int(page.locator(".count strong").inner_text()) <= 54
    page.get_by_role("link", name="Clear all").click()
    page.wait_for_url("**/events/")
    value = page.locator("#events tbody a.v", has_text="yourname").first
    value.hover()
    page.locator(".pick a", has_text="Exclude").click()
    page.wait_for_url("**user_email=-yourname**")
    assert "No event matches" in page.locator("#empty").inner_text()
    page.get_by_label("Remove: User is not yourname@example.com").click()
    page.wait_for_url("**/events/")
    assert page.locator("#events tbody tr").count() == 50


def test_keys_lead_through_the_page(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "search_text"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.get_by_role("heading", name="Keys").is_visible()
    page.keyboard.press("Escape")
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    second = page.locator("#events tbody tr").nth(1)
    assert second.evaluate("(row) => row.contains(document.activeElement)")
    page.keyboard.press("Enter")
    page.locator("#beside > h2").wait_for()
    assert second.get_attribute("aria-current") == "true"
    page.keyboard.press("Escape")
    assert page.locator("#beside").is_hidden()
    assert second.evaluate("(row) => row.contains(document.activeElement)")


def test_event_opens_beside_the_table_and_leads_on(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?event_type=NUMBER_*")
    log_in(page, "alice")
    rows = page.locator("#events tbody tr")
    rows.first.locator("a.what").click()
    page.locator("#beside #raw-json").wait_for()
    assert '"n": 59' in page.locator("#beside #raw-json").inner_text()
    page.locator("#beside").get_by_role("link", name="Older event →").click()
    page.locator("#beside #raw-json", has_text='"n": 58').wait_for()
    assert rows.nth(1).get_attribute("aria-current") == "true"
    assert urlsplit(page.url).path == "/events/"  # the table is still there
    page.reload()
    page.locator("#beside #raw-json", has_text='"n": 58').wait_for()
    rows.nth(1).locator("a.what").wait_for()
    page.keyboard.press("j")
    page.locator("#beside #raw-json", has_text='"n": 57').wait_for()
    page.go_back()
    page.locator("#beside").wait_for(state="hidden")
    assert page.url.endswith("event_type=NUMBER_*")
    rows.nth(1).locator("a.what").click()
    page.get_by_role("link", name="Open as page").click()
    page.wait_for_url("**/accounts/demo0001/events/**event_type=NUMBER_**")
    assert page.get_by_role("heading", name="Number updated").is_visible()


def test_event_that_cannot_be_fetched_opens_as_a_page(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.route(
        "**/accounts/**", lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_()
    )
    page.locator("#events tbody a.what").first.click()
    page.wait_for_url("**/accounts/demo0001/events/**")
    assert page.locator("h1").is_visible()
    assert [told for told in open_page.complaints if "ERR_FAILED" not in told] == []  # type: ignore[attr-defined]
    open_page.complaints.clear()  # type: ignore[attr-defined]


def test_what_is_excluded_stays_so_when_more_is(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?source_country=-DE")
    log_in(page, "alice")
    value = page.locator("#events tbody td.origin a.v").first
    value.focus()
    page.keyboard.press("-")
    page.wait_for_url("**source_country=-DE**-GB**")


def test_ended_login_is_told_at_the_top_and_keeps_the_page(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.locator(".bars").wait_for()
    page.context.clear_cookies()
    page.evaluate("htmx.trigger('#news', 'look')")
    page.get_by_text("You were logged out.").wait_for()
    assert page.locator("#events tbody tr").count() == 50
    page.get_by_role("link", name="Log in again").click()
    page.wait_for_url("**/login/?next=**events**")


def test_event_opens_as_a_page_where_there_is_no_room(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", viewport={"width": 800, "height": 900})
    log_in(page, "alice")
    page.locator("#events tbody a.what").first.click()
    page.wait_for_url("**/accounts/demo0001/events/**")


def test_dragging_over_the_bars_narrows_to_that_stretch(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?date_from=2026-03-01&date_to=2026-03-31")
    log_in(page, "alice")
    bars = page.locator(".bars a")
    bars.first.wait_for()
    first, last = bars.nth(14).bounding_box(), bars.nth(17).bounding_box()
    page.mouse.move(first["x"] + 3, first["y"] + 40)
    page.mouse.down()
    page.mouse.move(last["x"] + 3, last["y"] + 40, steps=4)
    page.mouse.up()
    page.wait_for_url("**date_from=2026-03-15T**date_to=2026-03-18T**")
    assert page.locator(".count strong").inner_text() == "60"


def test_new_events_are_told_and_move_nothing(
    many_events: None, open_page: Callable[..., Any], add_event: Callable[..., Any]
) -> None:
    page = open_page("/events/?source=CD")
    log_in(page, "alice")
    first = page.locator("#events tbody tr").first.get_attribute("data-event-id")
    shop = NexmoAccount.objects.get(api_key="demo0001")
    add_event(shop, 601)
    add_event(shop, 602)
    add_event(shop, 603, source="API")
    page.evaluate("htmx.trigger('#news', 'look')")
    page.get_by_role("link", name="2 new events ↑").wait_for()
    assert page.locator("#events tbody tr").first.get_attribute("data-event-id") == first
    assert page.title().startswith("2 • ")
    page.get_by_role("link", name="2 new events ↑").click()
    page.wait_for_load_state()
    assert page.locator("#events tbody tr").first.get_attribute("data-event-id") != first
    assert "source=CD" in page.url


def test_browsers_own_zone_is_offered_and_kept(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", timezone_id="Asia/Kolkata")
    log_in(page, "alice")
    page.get_by_role("button", name="Use Asia/").click()
    page.locator("#events th.when small", has_text="+05:30").wait_for()
    page.get_by_role("button", name="UTC", exact=True).click()
    page.locator("#events th.when small", has_text="UTC").wait_for()


def test_what_was_searched_for_is_marked(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?search_text=YOURNAME")
    log_in(page, "alice")
    page.locator("#events tbody tr").first.wait_for()
    assert page.evaluate("CSS.highlights.get('found').size") == 50


def test_counts_stay_unfolded_on_the_next_page(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "alice")
    page.locator("summary", has_text="Counts").click()
    page.get_by_role("heading", name="IP addresses").wait_for()
    page.get_by_role("link", name="Older →").first.click()
    page.get_by_role("heading", name="IP addresses").wait_for()


def test_search_goes_on_by_itself_until_it_finds(
    many_events: None, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from events.reading import candidates, pages

    for module, name in ((pages, "MOST_WALKED"), (pages, "FIRST_WALKED"), (pages, "LEAST_WALKED")):
        monkeypatch.setattr(module, name, 7)
    monkeypatch.setattr(candidates.Sought, "find", lambda *_, **_more: None)
    page = open_page('/events/?search_text="n":+30}')
    log_in(page, "alice")
    page.locator("#events tbody tr").wait_for()
    assert "before=" in page.url
    assert "Searched back to" in page.locator("main").inner_text()


def test_wrong_value_is_told_beside_its_field(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/?source_ip=nowhere")
    log_in(page, "alice")
    assert "nowhere is not an IP address" in page.locator("#error-source_ip").inner_text()
    assert page.locator("#events").count() == 0
    assert page.get_by_label("IP address", exact=True).is_visible()


def test_sync_now_moves_on_the_page_without_a_reload(
    cast: Any, open_page: Callable[..., Any], make_sandbox: Callable[..., Sandbox]
) -> None:
    make_sandbox(accounts=1, events=300)
    account = NexmoAccount.objects.get(api_key="demo0001")
    page = open_page("/accounts/demo0001/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/accounts/demo0001/")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("Waiting", exact=True).wait_for()
    page.evaluate("window.sameDocument = true")
    tasks.sync_now_if_due(account.pk)
    page.get_by_text("Up to date").wait_for()
    run = SyncRun.objects.get(account=account)
    assert (run.trigger, run.requested_by) == ("person", cast["alice"])
    assert page.evaluate("window.sameDocument") is True
    assert page.locator("#account-status").get_attribute("hx-get") is None  # it rests when nothing moves


def test_everything_works_without_scripts(
    many_events: None, open_page: Callable[..., Any], make_sandbox: Callable[..., Sandbox]
) -> None:
    make_sandbox(accounts=1, events=20)
    page = open_page("/events/", java_script_enabled=False)
    log_in(page, "alice")
    page.get_by_text("Filters", exact=True).click()
    page.locator("#chosen-event_type").click()
    page.get_by_label("Application created APP_CREATE").check()
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**event_type=APP_CREATE**")
    assert page.locator("#events tbody tr").count() == 6
    page.get_by_role("link", name="Overview: over time, by type, account and user").click()
    page.wait_for_url("**/events/summary?**")
    page.get_by_role("link", name="yourname@example.com").click()
    page.wait_for_url("**user_email=yourname**")
    assert page.locator("#events tbody tr").count() == 6
    page.get_by_label("Remove: Type is Application created").click()
    page.locator("#events tbody a.v", has_text="yourname").first.click()
    page.goto("/accounts/demo0001/")
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("Waiting", exact=True).wait_for()
    assert page.locator("noscript meta[http-equiv=refresh]").count() or "http-equiv" in page.content()
    tasks.sync_now_if_due(NexmoAccount.objects.get(api_key="demo0001").pk)
    page.reload()
    assert page.get_by_text("Up to date").count()


def test_theme_chosen_by_hand_stays(many_events: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", color_scheme="light")
    log_in(page, "alice")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator(".me summary").click()
    page.get_by_role("link", name="Display and language").click()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_load_state()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.goto("/accounts/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
