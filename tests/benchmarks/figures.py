"""Medians, percentiles, ratios and rounds: plain arithmetic, without any of the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

Times = list[float]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed: one that was really measured."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def interleave(variants: Mapping[str, Callable[[], Sequence[float]]], rounds: int) -> dict[str, Times]:
    """Measure every variant once a round, and keep the median of what it says for each round.

    Each round begins with another variant, so that none always follows the same neighbour.
    """
    names = list(variants)
    kept: dict[str, Times] = {name: [] for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            kept[name].append(median(variants[name]()))
    return kept


def paired_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios round by round: a machine that slows down for a while slows both down."""
    if not above or len(above) != len(below):
        raise ValueError("two rows of the same length are needed")
    return median(a / b for a, b in zip(above, below, strict=True))


def summary(times: Sequence[float]) -> dict[str, float]:
    """What the results keep of one row of times."""
    return {
        "median": median(times),
        "low": percentile(times, 0.1),
        "high": percentile(times, 0.9),
        "count": len(times),
    }


def sync_ideal(pages: Sequence[int], latency: float, concurrency: int) -> float:
    """The shortest time (seconds) to read accounts of so many pages, one page after the other within an account.

    No account can be faster than its own pages, and all together no faster than their sum over the concurrency.
    """
    if not pages:
        return 0.0
    return max(max(pages), sum(pages) / min(concurrency, len(pages))) * latency
