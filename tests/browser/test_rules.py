"""The editor of rules in Chromium: numbers beside its lines, and the way from a message to its line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.tools.browser import BROWSER, PAGES_ALONE, log_in
from tests.tools.rules import rule_text

pytestmark = [*BROWSER, PAGES_ALONE]


def test_message_leads_to_its_line_which_is_marked(cast: dict[str, Any], open_page: Callable[..., Any]) -> None:
    page = open_page("/events/")
    log_in(page, "admin")
    page.goto("/rules/new")
    page.locator("#id_text").fill(rule_text().replace("level: medium", "level: urgent"))
    assert page.locator(".line-numbers span").count() == len(rule_text().split("\n"))
    page.get_by_role("button", name="Check and preview").click()

    assert page.locator(".line-numbers .wrong").all_inner_texts() == ["12"]
    page.locator("#problems").get_by_role("link", name="Line 12").click()
    chosen = "(box) => box.value.slice(box.selectionStart, box.selectionEnd)"
    assert page.locator("#id_text").evaluate(chosen) == "level: urgent"
    page.locator("#id_text").press("Control+End")
    page.keyboard.type("\n# more")
    assert page.locator(".line-numbers span").count() == len(rule_text().split("\n")) + 1
