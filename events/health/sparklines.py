"""Small pictures of an account: its coverage as a strip, its last days as bars. SVG made here, by classes only."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from html import escape
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.wording.codes import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.health.timeline import Timeline

STRIP_WIDTH, WIDE_STRIP, STRIP_HEIGHT, LEAST = 160, 1000, 12, 2.0  # a gap of a day in ten years is still to be seen
BAR, GAP, HEIGHT = 3, 1, 24
WIDE_BAR, WIDE_GAP, WIDE_HEIGHT = 40, 6, 76
DAY = timedelta(days=1)

# Once on each page with pictures: their hatches, which CSS names.
PATTERNS = mark_safe(  # noqa: S308 - names of ours
    '<svg class="patterns" width="0" height="0" aria-hidden="true">'
    + "".join(
        f'<pattern id="hatch-{name}" class="{name}" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="ground" width="5" height="5"/>'
        '<rect class="stripe" width="2" height="5"/></pattern>'
        for name in ("unverified", "unknown")
    )
    + "</svg>"
)


def strip(timeline: Timeline, full_width: int = STRIP_WIDTH) -> SafeString:
    """All the time of the archive from left to right; its sentence is its name."""
    length = (timeline.end - timeline.start) / full_width
    shapes = [f'<rect class="verified" width="{full_width}" height="{STRIP_HEIGHT}"/>']
    # What was read in vain comes last: it must not vanish beneath what was not looked at.
    for missing in sorted(timeline.missing, key=lambda each: each.state):
        width = max((missing.end - missing.start) / length, LEAST)
        left = min((missing.start - timeline.start) / length, full_width - width)
        shapes.append(f'<rect class="{missing.state}" x="{left:.1f}" width="{width:.1f}" height="{STRIP_HEIGHT}"/>')
    return _svg("strip", full_width, STRIP_HEIGHT, timeline.in_words(), "".join(shapes))


def spark(counts: Sequence[int], today: date, timeline: Timeline) -> SafeString:
    """A bar for each day, the last one today; hatched where events may be missing."""
    most = max(counts) or 1
    step = BAR + GAP
    heights = [max(HEIGHT * count / most, 1.5) if count else 0 for count in counts]
    bars = "".join(
        f"M{place * step} {HEIGHT}v-{height:.1f}h{BAR}V{HEIGHT}z" for place, height in enumerate(heights) if height
    )
    hatched = "".join(
        f'<rect class="unknown" x="{place * step}" width="{step}" height="{HEIGHT}"/>'
        for place in doubtful(len(counts), today, timeline)
    )
    shapes = hatched + (f'<path d="{bars}"/>' if bars else "")
    return _svg("spark", len(counts) * step, HEIGHT, in_words(counts, today, timeline), shapes)


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
        shapes = f'<rect class="slot" x="{left}" width="{WIDE_BAR}" height="{WIDE_HEIGHT}"/>'
        if place in missing:
            shapes += f'<rect class="unknown" x="{left}" width="{WIDE_BAR}" height="{WIDE_HEIGHT}"/>'
        shapes += (
            f'<rect class="bar" x="{left + WIDE_GAP // 2}" y="{WIDE_HEIGHT - height:.1f}" '
            f'width="{WIDE_BAR - WIDE_GAP}" height="{height:.1f}"/>'
        )
        parts.append(f'<a href="{escape(address(day))}" tabindex="-1"><title>{escape(words)}</title>{shapes}</a>')
    return mark_safe(  # noqa: S308 - numbers, and what was escaped
        f'<svg class="bars days" viewBox="0 0 {len(counts) * WIDE_BAR} {WIDE_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true">{"".join(parts)}</svg>'
    )


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


def _svg(name: str, width: int, height: int, words: str, shapes: str) -> SafeString:
    return mark_safe(  # noqa: S308 - numbers, names of ours, and what is escaped here
        f'<svg class="{name}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none" role="img" aria-label="{escape(words)}">'
        f"<title>{escape(words)}</title>{shapes}</svg>"
    )
