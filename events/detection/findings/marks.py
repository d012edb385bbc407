"""Marks beside events that led to findings, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import get_language

from events.detection.rules import known_rules
from events.reading import marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.reading import Row
    from events.reading.marks import Known, Mark

WRITTEN_IN = "en"  # titles that findings keep


def marks_of(rows: Iterable[Row]) -> dict[int, Mark]:
    """The findings that these events led to, by the events' keys. One query where there are none."""
    found = marks.marks_of(rows)
    if not found or (get_language() or WRITTEN_IN).startswith(WRITTEN_IN):
        return found
    titles = known_rules.titles()
    return {event: mark._replace(title=titles.get(mark.rule, mark.title)) for event, mark in found.items()}


def findings_of(event: int) -> list[tuple[Known, str]]:
    """All findings that an event led to, the worst first, with what each is called. Who sees the event sees them."""
    found = sorted(marks.findings_of(event), key=lambda finding: -finding.severity)  # of one severity: newest first
    titles = known_rules.titles() if found else {}
    return [(finding, titles.get(finding.rule, finding.title)) for finding in found]
