"""High contrast themes, as Windows has them: the system's colours alone, and still everything told apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount, Profile
from events.models import SyncWindow
from events.sync import coverage
from tests.tools.browser import BROWSER, PAGES_ALONE, log_in
from tests.tools.pages import finished

pytestmark = [*BROWSER, PAGES_ALONE]
Open = Callable[..., Any]
# What is drawn of an element, as this browser paints it.
LOOK = """(element) => {
  const look = getComputedStyle(element);
  const names = ["backgroundColor", "backgroundImage", "borderStyle", "borderColor", "borderBottomColor", "color"];
  return Object.fromEntries(names.map((name) => [name, look[name]]));
}"""


def contrasting(open_page: Open, path: str, scheme: str) -> Any:
    page = open_page("/login/", forced_colors="active", color_scheme=scheme, viewport={"width": 1440, "height": 900})
    log_in(page, "bob")
    page.goto(path)
    page.wait_for_load_state("networkidle")
    return page


def system_colour(page: Any, name: str) -> str:
    """What the system calls Canvas, GrayText and so on, as the browser computes it."""
    script = """(name) => {
      const probe = document.createElement("i");
      probe.style.cssText = `color: ${name}; forced-color-adjust: none`;
      document.body.append(probe);
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    }"""
    found: str = page.evaluate(script, name)
    return found


@pytest.fixture
def known_days(many_events: None) -> None:
    """Days of every kind: complete, empty, unverified and never fetched."""
    shop = NexmoAccount.objects.get(api_key="demo0001")
    now = timezone.now()
    coverage.add(shop, now - timedelta(days=300), now - timedelta(minutes=5))
    day = (now - timedelta(days=330)).date()
    SyncWindow.objects.create(
        account=shop, run=finished(shop), first_day=day, last_day=day, asked_at=now, verified=False, reason="moving"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_calendars_days_differ(known_days: None, open_page: Open, scheme: str) -> None:
    page = contrasting(open_page, "/accounts/demo0001/", scheme)

    kinds = ("day-events", "day-empty", "day-unverified", "day-unknown")
    looks = [str(page.locator(f".legend .{kind}").first.evaluate(LOOK)) for kind in kinds]
    assert len(set(looks)) == len(kinds)
    canvas = system_colour(page, "Canvas")
    for kind in kinds[1:]:  # each day has an edge, whatever it is filled with
        look = page.locator(f".calendar .{kind}").first.evaluate(LOOK)
        assert look["borderStyle"] != "none" and look["borderColor"] != canvas
    assert "gradient" in page.locator(".calendar .day-unverified").first.evaluate(LOOK)["backgroundImage"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_legend_keeps_its_families(many_events: None, open_page: Open, scheme: str) -> None:
    page = contrasting(open_page, "/events/", scheme)
    page.locator(".summary[hx-get]").wait_for(state="detached")

    swatches = page.locator(".chart .key [class^=family]").evaluate_all(f"(all) => all.map({LOOK})")
    assert len(swatches) == 2
    assert len({look["backgroundColor"] for look in swatches}) == 2
    assert {look["borderStyle"] for look in swatches} == {"solid"}
    dots = page.locator("#events td.what a.what").evaluate_all(
        "(all) => all.map((link) => getComputedStyle(link, '::before').backgroundColor)"
    )
    assert set(dots) == {look["backgroundColor"] for look in swatches}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_one_is_and_what_cannot_be_used_are_seen(many_events: None, open_page: Open, scheme: str) -> None:
    page = contrasting(open_page, "/events/", scheme)

    here = page.locator(".top nav a[aria-current]").evaluate(LOOK)["borderBottomColor"]
    others = page.locator(".top nav a:not([aria-current])").evaluate_all(f"(all) => all.map({LOOK})")
    assert here == system_colour(page, "Highlight")
    assert {look["borderBottomColor"] for look in others} == {system_colour(page, "Canvas")}
    disabled = page.locator(".pages [aria-disabled]").first.evaluate(LOOK)
    assert disabled["color"] == disabled["borderColor"] == system_colour(page, "GrayText")
    page.locator(".when > summary").click()
    chosen = page.locator(".periods label:has(:checked)").evaluate(LOOK)
    assert chosen["backgroundColor"] == system_colour(page, "Highlight")
    assert chosen["color"] == system_colour(page, "HighlightText")


def test_the_systems_scheme_wins_over_the_chosen_theme(
    many_events: None, open_page: Open, cast: dict[str, Any]
) -> None:
    Profile.objects.update_or_create(user=cast["bob"], defaults={"theme": "light"})
    page = contrasting(open_page, "/events/", "dark")

    dot = "getComputedStyle(document.querySelector('#events td.what a.what'), '::before').backgroundColor"
    assert page.evaluate(dot) == "rgb(203, 163, 245)"  # the family's colour on dark ground
