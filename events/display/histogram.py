"""Drawing the histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from events.display import svg
from events.wording.codes import family_title, grouped

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.utils.safestring import SafeString

    from events.reading.histogram import Bar, Histogram

HEIGHT, WIDTH, GAP = 100, 12, 2  # of the drawing's own units; the page stretches them
_STRIPE = '<line x1="0" y1="0" x2="0" y2="6"/>'
HATCH = f"<defs>{svg.hatch('hatch', 6, _STRIPE)}</defs>"
# From the ground up: what may be an attack stands where it can be compared, the noise of every day on top.
ORDER = ("secrets", "network", "account", "other", "money", "applications", "numbers", "users")
LEAST = {"secrets": 6.0, "network": 3.0}  # one new secret among a thousand sign-ins is still to be seen
BY_UNIT = {
    "minute": _("by minute"),
    "5 minutes": _("by 5 minutes"),
    "15 minutes": _("by 15 minutes"),
    "hour": _("by hour"),
    "3 hours": _("by 3 hours"),
    "day": _("by day"),
    "week": _("by week"),
    "month": _("by month"),
    "year": _("by year"),
}
FORMATS = {"day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


def draw(chart: Histogram, address: Callable[[Bar], str]) -> SafeString:
    """The bars as SVG, each a link to the events of its stretch of time, from `address`.

    For eyes and pointers only: beside it stand a sentence and a table with the same links.
    """
    most = max((bar.total for bar in chart.bars), default=0) or 1
    bars = (_bar(bar, place, most, address(bar), chart.unit) for place, bar in enumerate(chart.bars))
    return svg.picture("bars", len(chart.bars) * WIDTH, HEIGHT, (HATCH, *bars))


def _bar(bar: Bar, place: int, most: int, href: str, unit: str) -> str:
    left = place * WIDTH
    unknown, uncovered = gettext("not fetched yet"), gettext("not known to be complete")
    words = f"{label(bar.start, unit)}: {grouped(bar.total) if bar.known else unknown}"
    if not bar.covered:
        words += f", {uncovered}"
    shapes = [svg.rect("slot", left, 0, WIDTH, HEIGHT)]
    if not bar.covered or not bar.known:
        shapes.append(svg.rect("hatched", left, 0, WIDTH, HEIGHT))
    top = float(HEIGHT)
    for slug, height in _heights(bar, most).items():
        top -= height
        shapes.append(svg.rect(f"family-{slug}", left + GAP / 2, top, WIDTH - GAP, height))
    return svg.link(href, words, shapes)


def _heights(bar: Bar, most: int) -> dict[str, float]:
    """How high each family's part of a bar is, from the ground up; what small ones gain, the tallest gives."""
    heights = {slug: max(HEIGHT * count / most, LEAST.get(slug, 0.8)) for slug in ORDER if (count := bar.counts[slug])}
    beyond = sum(heights.values()) - HEIGHT
    if beyond > 0:
        heights[max(heights, key=lambda slug: heights[slug])] -= beyond
    return heights


def label(moment: datetime, unit: str) -> str:
    """A bar's beginning in words, as exact as its unit."""
    at = moment if unit in ("day", "week", "month", "year") else timezone.localtime(moment)
    text = at.strftime(FORMATS.get(unit, "%Y-%m-%d %H:%M %Z"))
    return gettext("week of %(day)s") % {"day": text} if unit == "week" else text


def legend(chart: Histogram) -> list[tuple[str, str, int]]:
    """Slug, title and count of each family that is in the picture."""
    totals = {slug: sum(bar.counts[slug] for bar in chart.bars) for slug in ORDER}
    return [(slug, family_title(slug), count) for slug, count in totals.items() if count]


def in_words(chart: Histogram) -> str:
    """The picture in sentences."""
    busiest = max(chart.bars, key=lambda bar: bar.total)
    first, last = label(chart.bars[0].start, chart.unit), label(chart.bars[-1].start, chart.unit)
    named = {
        "count": grouped(chart.total),
        "by_unit": BY_UNIT[chart.unit],
        "span": first if first == last else gettext("%(first)s to %(last)s") % {"first": first, "last": last},
        "most": grouped(busiest.total),
        "bar": label(busiest.start, chart.unit),
    }
    if busiest.total:
        text = ngettext(
            "%(count)s event %(by_unit)s, %(span)s; peak %(most)s in %(bar)s.",
            "%(count)s events %(by_unit)s, %(span)s; peak %(most)s in %(bar)s.",
            chart.total,
        )
    else:
        text = gettext("0 events %(by_unit)s, %(span)s.")
    sentences = [text % named]
    bars = len(chart.bars)
    if unknown := sum(1 for bar in chart.bars if not bar.known):
        text = ngettext(
            "%(count)s of %(bars)s bars has not been fetched yet.",
            "%(count)s of %(bars)s bars have not been fetched yet.",
            unknown,
        )
        sentences.append(text % {"count": unknown, "bars": bars})
    if gaps := sum(1 for bar in chart.bars if not bar.covered):
        text = ngettext(
            "%(count)s of %(bars)s bars is not known to be complete.",
            "%(count)s of %(bars)s bars are not known to be complete.",
            gaps,
        )
        sentences.append(text % {"count": gaps, "bars": bars})
    if chart.later:
        sentences.append(later_in_words(chart.later))
    return " ".join(sentences)


def later_in_words(count: int) -> str:
    """The events that lie beyond the picture."""
    text = ngettext(
        "%(count)s event is dated in the future, beyond the chart.",
        "%(count)s events are dated in the future, beyond the chart.",
        count,
    )
    return text % {"count": grouped(count)}
