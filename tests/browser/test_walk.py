"""Every page in Chromium: for people with assistive technology, with a phone, and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from auditsite.rights.addresses import SITE
from events.detection.rules import own_rules
from events.models import AuditEvent, Hunt
from events.sync import state
from tests.conftest import NOON
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in
from tests.tools.rules import ONE, rule_text
from tests.tools.world import World

pytestmark = [*BROWSER, PAGES_ALONE]

# States of pages beyond their plain addresses.
STATES = (
    "/events/?source_ip=x",
    "/events/?search_text=nothing",
    "/events/?search_text=type:NUMBER_*+-source:API&period=90d",
    "/events/export.csv?period=x",
    "/nothing-here",
)


def pages(world: World) -> list[str]:
    """An address of every page of the site that answers an admin whole: the first one of each name."""
    client = world.client("superuser")
    whole = (next((path for path in world.paths(name).values() if is_page(client, path)), None) for name in SITE)
    return [*filter(None, whole), *STATES]


def is_page(client: Client, path: str) -> bool:
    response = client.get(path)
    if response.streaming:
        response.close()
        return False
    return response.status_code == 200 and b"<html" in response.content


@pytest.fixture
def site(cast: dict[str, User], events: dict[str, AuditEvent], tmp_path: Path) -> list[str]:
    """The addresses of all pages, with events behind them."""
    state.ensure(list(NexmoAccount.objects.all()))
    return [*pages(World(cast, events, tmp_path / "packs")), *_of_a_rule()]


def _of_a_rule() -> list[str]:
    """The pages of an own rule with two versions, and of its trial before and after it is done."""
    admin = User.objects.get(username="admin")
    own = own_rules.save(rule_text(), admin)
    own_rules.save(rule_text(level="high"), admin, own=own)
    event = {"account": 0, "event_id": "x", "event_type": "NUMBER_ASSIGN", "at": NOON.isoformat(), "step": "bought"}
    found = {"accounts": [], "first_at": NOON.isoformat(), "last_at": NOON.isoformat(), "group": {"account": "x"}}
    result = {"months": [["2026-03", 40]], "newest": [found | {"events": [event] * 5, "more": 2}]}
    hunts = [
        Hunt.objects.create(requested_by=admin, requested_at=timezone.now(), text=rule_text(), **fields)
        for fields in ({}, {"state": "done", "found": 40, "result": result, "finished_at": NOON})
    ]
    trials = [f"/rules/trial/{hunt.pk}/?version=2" for hunt in hunts]
    return [f"/rules/{ONE}/", f"/rules/{ONE}/edit", f"/rules/{ONE}/versions/2/", *trials]


# What people read of a page, without what is code: there a backtick would be one that nobody made into code.
READ = """(() => {
  const page = document.querySelector("main").cloneNode(true);
  page.querySelectorAll("code, pre, textarea, script").forEach((part) => part.remove());
  return page.textContent;
})()"""


def test_axe_finds_nothing_wrong_on_any_page(site: list[str], open_page: Callable[..., Any]) -> None:
    page = open_page("/login/")
    found = {"/login/": axe(page)}
    log_in(page, "admin")
    for path in site:
        page.goto(path)
        page.locator(".summary[hx-get]").wait_for(state="detached")  # the overview is fetched after the page
        page.evaluate("document.querySelectorAll('main details').forEach((folded) => (folded.open = true))")
        found[path] = axe(page)
        if "`" in page.evaluate(READ):
            found[path] = {"backtick": [line for line in page.evaluate(READ).splitlines() if "`" in line]}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_no_page_scrolls_sideways_on_a_phone(site: list[str], open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", viewport={"width": 390, "height": 844})
    log_in(page, "admin")
    widths = {}
    for path in site:
        page.goto(path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in widths.items() if width > 390} == {}


def test_every_page_works_without_javascript(site: list[str], open_page: Callable[..., Any]) -> None:
    page = open_page("/events/", java_script_enabled=False)
    log_in(page, "admin")
    lacking: dict[str, Any] = {}
    for path in site:
        page.goto(path)
        if page.locator("h1:visible, h2:visible").count() == 0:
            lacking[path] = "no heading"
        # What only a script could serve is not offered.
        idle = page.locator("button:visible:not(form button):not(dialog button)")
        if idle.count():
            lacking[path] = idle.first.inner_text()
        forms = page.locator("main form:visible")
        for number in range(forms.count()):
            if not forms.nth(number).locator("button, input[type=submit]").count():
                lacking[path] = "a form that cannot be sent"
        # What htmx fetches is there in another way: as a link, or by loading the page anew.
        for number in range(page.locator("[hx-get]").count()):
            part = page.locator("[hx-get]").nth(number)
            comfort = part.get_attribute("hx-trigger") == "look" or part.get_attribute("id") == "export-progress"
            told = comfort or part.locator("a[href]").count()
            if not told and "http-equiv" not in page.content():
                lacking[path] = part.evaluate("(part) => part.outerHTML.slice(0, 120)")
    assert lacking == {}
