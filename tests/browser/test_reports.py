"""The pages of reports, for all eyes and screens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.utils import timezone

from events.models import Report, SavedView
from events.reports import previews, stopping
from tests.tools.browser import BROWSER, PAGES_ALONE, axe, log_in

pytestmark = [*BROWSER, PAGES_ALONE]


def paths_of(report: Report, view: SavedView) -> tuple[str, ...]:
    return (
        "/reports/",
        "/reports/new",
        f"/reports/new?view={view.pk}",
        f"/reports/{report.pk}/",
        f"/reports/{report.pk}/edit",
        f"/reports/{report.pk}/delete",
        "/reports/stop/" + stopping.link(report.pk, report.mails.get().receiver_id).rpartition("/")[2],
    )


@pytest.fixture
def paths(many_events: None) -> tuple[str, ...]:
    """The pages of a report that waits for its preview."""
    view = SavedView.objects.get()
    now = timezone.now()
    report = Report.objects.create(
        view=view, team=view.team, at=time(8), starts_at=now, look_at=now, looked_at=now, is_active=False
    )
    previews.ask(report, view.owner)
    return paths_of(report, view)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_reports(
    paths: tuple[str, ...], open_page: Callable[..., Any], scheme: str
) -> None:
    page = open_page("/events/", color_scheme=scheme)
    log_in(page, "alice")
    found = {}
    for path in paths:
        page.goto(path)
        found[path] = axe(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_no_page_of_reports_scrolls_sideways_on_a_phone(paths: tuple[str, ...], open_page: Callable[..., Any]) -> None:
    SavedView.objects.update(name="W" * 80)
    page = open_page("/events/", viewport={"width": 390, "height": 844})
    log_in(page, "alice")
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
