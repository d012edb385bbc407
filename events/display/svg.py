"""Pictures as SVG, made here: they need no script, and take their colours from the page by classes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from collections.abc import Iterable


def picture(name: str, width: float, height: float, shapes: Iterable[str], *, words: str = "") -> SafeString:
    """A picture that is stretched to its place.

    Args:
        shapes: HTML.
        words: what it shows, for those who do not see it. Without them it is drawn at its place's size, and hidden from
            screen readers: then a sentence stands beside it.
    """
    if not words:
        return SafeString(
            f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" aria-hidden="true">'
            f"{''.join(shapes)}</svg>"
        )
    title = escape(words)
    return SafeString(
        f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'preserveAspectRatio="none" role="img" aria-label="{title}"><title>{title}</title>{"".join(shapes)}</svg>'
    )


def rect(name: str, left: float, top: float, width: float, height: float) -> str:
    """A rectangle of a class, to a tenth of a unit."""
    x, y, across, down = (f"{round(number, 1):g}" for number in (left, top, width, height))
    return f'<rect class="{name}" x="{x}" y="{y}" width="{across}" height="{down}"/>'


def link(href: str, words: str, shapes: Iterable[str]) -> str:
    """Shapes that lead somewhere, for pointers only: keyboards have the same links elsewhere."""
    return f'<a href="{escape(href)}" tabindex="-1"><title>{escape(words)}</title>{"".join(shapes)}</a>'


def hatch(name: str, size: int, stripes: str, classes: str = "") -> str:
    """A hatching for stylesheets to fill shapes with, by the id `name`."""
    kind = f' class="{classes}"' if classes else ""
    return (
        f'<pattern id="{name}"{kind} width="{size}" height="{size}" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)">{stripes}</pattern>'
    )
