"""An export in Chromium: filtered, announced, shaped, downloaded, and told to the end."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount, profile_of
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in

pytestmark = [*BROWSER, PAGES_ALONE]


@pytest.fixture
def deleted_secrets(cast: Any, add_event: Callable[..., Any]) -> None:
    """Ten secrets deleted last week, one long ago, and other things."""
    shop, now = NexmoAccount.objects.get(api_key="demo0001"), timezone.now()
    for number in range(1, 31):
        add_event(
            shop,
            number,
            event_type="ACCOUNT_SECRET_DELETE" if number % 3 == 0 or number == 1 else "ACCOUNT_SECRET_CREATE",
            event_type_description="Secret",
            user_email=f"person{number}@example.com",
            source_description="=SUM(A1:A9)",
            created_at=(now - timedelta(days=60 if number == 1 else 2, minutes=number)).isoformat(),
        )
    profile = profile_of(cast["alice"])
    profile.time_zone = "Asia/Kolkata"
    profile.save()


def read(download: Any, tmp_path: Path) -> list[dict[str, str]]:
    file = tmp_path / download.suggested_filename
    download.save_as(file)
    with file.open(newline="", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


def test_who_deleted_a_secret_last_week_as_a_file(
    deleted_secrets: None,
    open_page: Callable[..., Any],
    tmp_path: Path,
) -> None:
    page = open_page("/events/?event_type=ACCOUNT_SECRET_DELETE&period=7d")
    log_in(page, "alice")
    page.get_by_role("link", name="Export", exact=True).click()
    page.wait_for_url("**/events/export?**")
    assert "10 events" in page.locator("#export-count").inner_text()
    pills = page.locator(".pills").inner_text()
    assert "Last 7 days" in pills and "×" not in pills

    for name in ("created_at", "account", "event_type", "user_email", "source_description"):
        page.get_by_label(name, exact=True).check()
    found = [axe(page)]
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = read(download.value, tmp_path)
    page.get_by_text(f"Done: 10 rows in {download.value.suggested_filename}.").wait_for()
    found.append(axe(page))

    assert {row["user_email"] for row in rows} == {f"person{number}@example.com" for number in range(3, 31, 3)}
    assert list(rows[0]) == ["created_at", "account", "event_type", "user_email", "source_description"]
    assert rows[0]["created_at"].endswith("+05:30")
    assert rows[0]["source_description"] == "'=SUM(A1:A9)"

    # Another one of the same page, in another shape, is told of afresh.
    page.get_by_label("Time zone").select_option("UTC")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download Excel").click()
    page.get_by_text(f"Done: 10 rows in {download.value.suggested_filename}.").wait_for()
    assert found == [{}, {}]


def test_export_works_without_javascript(
    deleted_secrets: None,
    open_page: Callable[..., Any],
    tmp_path: Path,
) -> None:
    page = open_page("/events/export?event_type=ACCOUNT_SECRET_DELETE", java_script_enabled=False)
    log_in(page, "alice")
    page.get_by_label("created_at", exact=True).check()
    page.get_by_label("event_type", exact=True).check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = read(download.value, tmp_path)

    assert len(rows) == 11
    assert list(rows[0]) == ["created_at", "event_type"]


def test_page_fits_a_phone(deleted_secrets: None, open_page: Callable[..., Any]) -> None:
    page = open_page("/events/export?event_type=ACCOUNT_SECRET_*&source=-CD", viewport={"width": 390, "height": 844})
    log_in(page, "alice")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
