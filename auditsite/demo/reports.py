"""The demo's report: what the messaging team gets of a view each week, and one that alice has just asked for."""

from __future__ import annotations

import contextlib

from django.contrib.auth import get_user_model

from events.models import Report, SavedView
from events.reports import due, previews
from events.reports.report_form import MORNING


def make_demo_report() -> None:
    """Set the report up, and have one sent to alice, which the catcher shows; what is there stays."""
    alice = get_user_model().objects.get(username="alice")
    view = SavedView.objects.filter(owner=alice, team__isnull=False).order_by("pk").first()
    if view is None:  # somebody has deleted it, or keeps it to herself
        return
    report = Report.objects.filter(view=view).first()
    if report is None:
        report = Report(view=view, team=view.team, created_by=alice, at=MORNING)
        due.begin(report)
        report.save()
    with contextlib.suppress(previews.Refused):  # the demo was started often
        previews.ask(report, alice)
