"""Views in Chromium: saved and shared by one, opened from the menu by another; with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from events.models import SavedView
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in

pytestmark = [*BROWSER, PAGES_ALONE]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_save_and_share_a_view(
    many_events: None,
    open_page: Callable[..., Any],
    scripts: bool,
) -> None:
    page = open_page("/events/", java_script_enabled=scripts)
    log_in(page, "alice")
    page.locator("[name=search_text]").fill("type:APP_CREATE")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**search_text=**")
    page.get_by_role("link", name="Save this view").click()
    page.get_by_label("Name").fill("New applications")
    page.get_by_label("Description").fill("Who made which application")
    page.get_by_label("Who sees it").select_option("Messaging team")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/events/?event_type=APP_CREATE&view=*")
    assert page.locator("#events tbody tr").count() == 6
    assert page.locator(".views summary").inner_text() == "New applications"
    assert not page.get_by_role("link", name="Save this view").count()
    page.get_by_role("button", name="Star New applications").click()
    page.get_by_role("button", name="Remove the star of New applications").wait_for()
    assert SavedView.objects.get(name="New applications").stars.count() == 1

    bob = open_page("/events/", java_script_enabled=scripts)
    log_in(bob, "bob")
    bob.locator(".views summary").click()
    bob.locator(".views").get_by_role("link", name="New applications").click()
    bob.wait_for_url("**/events/?event_type=APP_CREATE&view=*")
    assert bob.locator("#events tbody tr").count() == 6
    assert bob.locator(".views summary").inner_text() == "New applications"
    bob.goto("/views/")
    assert "From alice, for Messaging team" in bob.locator("main").inner_text()
    assert not bob.get_by_role("link", name="Edit New applications").count()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_changed_view_is_updated_saved_as_another_and_reset(
    many_events: None, open_page: Callable[..., Any], scripts: bool
) -> None:
    view = SavedView.objects.get()
    SavedView.objects.filter(pk=view.pk).update(query="event_type=NUMBER_UPDATED")
    page = open_page("/events/", java_script_enabled=scripts)
    log_in(page, "alice")
    title = page.locator(".views summary")
    page.goto(f"/views/{view.pk}/")
    assert title.inner_text() == view.name
    page.locator("[name=search_text]").fill("source:CD")
    page.keyboard.press("Enter")
    page.wait_for_url("**search_text=**")
    assert " ".join(title.inner_text().split()) == f"{view.name} changed"
    page.get_by_role("link", name="Reset").click()
    page.wait_for_url(f"**/events/?event_type=NUMBER_UPDATED&view={view.pk}")
    assert title.inner_text() == view.name

    page.locator("#events tbody a.v", has_text="yourname").first.click()
    page.wait_for_url("**user_email=**")
    page.get_by_role("button", name="Update").click()
    page.get_by_text(f"The filter of the view {view.name} was replaced.").wait_for()
    assert title.inner_text() == view.name
    view.refresh_from_db()
    assert view.query == "event_type=NUMBER_UPDATED&user_email=yourname@example.com"

    page.get_by_label("Remove: Type is Number updated").click()
    page.wait_for_url(lambda address: "event_type" not in address)
    page.get_by_role("link", name="Save as").click()
    assert page.get_by_label("Name").input_value() == f"Copy of {view.name}"
    page.get_by_label("Name").fill("What I did")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The view What I did was saved.").wait_for()
    assert title.inner_text() == "What I did"


def test_axe_finds_nothing_wrong_with_views(
    many_events: None,
    open_page: Callable[..., Any],
) -> None:
    view = SavedView.objects.get()
    page = open_page("/events/")
    log_in(page, "alice")
    found = {}
    for path in (
        "/views/",
        "/views/new",
        "/views/new?query=source%3D-CD",
        f"/views/{view.pk}/edit",
        f"/views/{view.pk}/delete",
        "/events/?source=API",
        f"/events/?source=API&source_country=GB&view={view.pk}",
    ):
        page.goto(path)
        page.evaluate("document.querySelectorAll('.views details').forEach((folded) => (folded.open = true))")
        found[path] = axe(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_no_page_of_views_scrolls_sideways_on_a_phone(
    many_events: None,
    open_page: Callable[..., Any],
) -> None:
    view = SavedView.objects.get()
    SavedView.objects.filter(pk=view.pk).update(name="W" * 80, description="w" * 300, query="source=CD")
    page = open_page("/events/", viewport={"width": 390, "height": 844})
    log_in(page, "alice")
    for path in (
        "/views/",
        f"/views/{view.pk}/edit",
        f"/views/{view.pk}/delete",
        "/events/?source=CD",
        "/events/",
        f"/events/?source_country=GB&view={view.pk}",
    ):
        page.goto(path)
        page.evaluate("document.querySelectorAll('.views details').forEach((folded) => (folded.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_copied_link_of_a_view_is_its_lasting_address(many_events: None, open_page: Callable[..., Any]) -> None:
    view = SavedView.objects.get()
    page = open_page("/events/")
    log_in(page, "alice")
    page.goto("/views/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")

    assert copied.endswith(f"/views/{view.pk}/")
    page.goto(copied)
    assert page.locator(".views summary").inner_text() == view.name
