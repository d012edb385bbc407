"""Small pictures of an account: its coverage as a strip, its last days as bars."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.display import svg
from events.wording.codes import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.health.timeline import Timeline

STRIP_WIDTH, WIDE_STRIP, STRIP_HEIGHT, LEAST = 160, 1000, 12, 2.0  # a gap of a day in ten years is still to be seen
BAR, GAP, HEIGHT = 3, 1, 24
WIDE_BAR, WIDE_GAP, WIDE_HEIGHT = 40, 6, 76
DAY = timedelta(days=1)

_STRIPES = '<rect class="ground" width="5" height="5"/><rect class="stripe" width="2" height="5"/>'
# Once on each page with pictures: their hatches, which CSS names.
PATTERNS = SafeString(
    '<svg class="patterns" width="0" height="0" aria-hidden="true">'
    + "".join(svg.hatch(f"hatch-{name}", 5, _STRIPES, name) for name in ("unverified", "unknown"))
    + "</svg>"
)


def strip(timeline: Timeline, full_width: int = STRIP_WIDTH) -> SafeString:
    """All the time of the archive from left to right; its sentence is its name."""
    length = (timeline.end - timeline.start) / full_width
    shapes = [svg.rect("verified", 0, 0, full_width, STRIP_HEIGHT)]
    # What was read in vain comes last: it must not vanish beneath what was not looked at.
    for missing in sorted(timeline.missing, key=lambda stretch: stretch.state):
        width = max((missing.end - missing.start) / length, LEAST)
        left = min((missing.start - timeline.start) / length, full_width - width)
        shapes.append(svg.rect(missing.state, left, 0, width, STRIP_HEIGHT))
    return svg.picture("strip", full_width, STRIP_HEIGHT, shapes, words=timeline.in_words())


def spark(counts: Sequence[int], today: date, timeline: Timeline) -> SafeString:
    """A bar for each day, the last one today; hatched where events may be missing."""
    most = max(counts) or 1
    step = BAR + GAP
    heights = [max(HEIGHT * count / most, 1.5) if count else 0 for count in counts]
    bars = "".join(
        f"M{place * step} {HEIGHT}v-{height:.1f}h{BAR}V{HEIGHT}z" for place, height in enumerate(heights) if height
    )
    shapes = [svg.rect("unknown", place * step, 0, step, HEIGHT) for place in doubtful(len(counts), today, timeline)]
    if bars:
        shapes.append(f'<path d="{bars}"/>')
    return svg.picture("spark", len(counts) * step, HEIGHT, shapes, words=in_words(counts, today, timeline))


def days(counts: Sequence[int], today: date, timeline: Timeline, address: Callable[[date], str]) -> SafeString:
    """The same, large: each bar is a link to the events of its day. The sentence beside it is for everybody else."""
    most = max(counts) or 1
    missing = doubtful(len(counts), today, timeline)
    parts = []
    for place, count in enumerate(counts):
        day = today - DAY * (len(counts) - 1 - place)
        words = f"{day}: {_events(count)}" + (", " + _("not known to be complete") if place in missing else "")
        left = place * WIDE_BAR
        height = max(WIDE_HEIGHT * count / most, 1) if count else 0
        shapes = [svg.rect("slot", left, 0, WIDE_BAR, WIDE_HEIGHT)]
        if place in missing:
            shapes.append(svg.rect("unknown", left, 0, WIDE_BAR, WIDE_HEIGHT))
        shapes.append(svg.rect("bar", left + WIDE_GAP // 2, WIDE_HEIGHT - height, WIDE_BAR - WIDE_GAP, height))
        parts.append(svg.link(address(day), words, shapes))
    return svg.picture("bars days", len(counts) * WIDE_BAR, WIDE_HEIGHT, parts)


def in_words(counts: Sequence[int], today: date, timeline: Timeline) -> str:
    """The days as a sentence."""
    text = _("%(events)s in %(days)d days") % {"events": _events(sum(counts)), "days": len(counts)}
    if most := max(counts):
        newest = max(place for place, count in enumerate(counts) if count == most)
        day = today - DAY * (len(counts) - 1 - newest)
        text = _("%(text)s, most on %(day)s (%(count)s)") % {"text": text, "day": day, "count": grouped(most)}
    missing = len(doubtful(len(counts), today, timeline))
    if missing:
        text += "; " + ngettext(
            "%(count)d day is not known to be complete", "%(count)d days are not known to be complete", missing
        ) % {"count": missing}
    return f"{text}."


def doubtful(length: int, today: date, timeline: Timeline) -> set[int]:
    """The places of the days that the account's verified time does not hold whole."""
    first = datetime.combine(today, time(), tzinfo=UTC) - DAY * (length - 1)
    return {
        place
        for place in range(length)
        for missing in timeline.missing
        if missing.start < first + DAY * (place + 1) and first + DAY * place < missing.end
    }


def _events(count: int) -> str:
    return ngettext("%(count)s event", "%(count)s events", count) % {"count": grouped(count)}
