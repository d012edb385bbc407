"""What the chart draws attention to: a secret among a thousand sign-ins."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from events.display.histogram import GAP, HEIGHT, LEAST, ORDER, WIDTH, draw, legend
from events.nexmo.catalog import FAMILIES
from tests.conftest import NOON


def chart(*counts: dict[str, int]) -> Any:
    bars = [
        SimpleNamespace(
            start=NOON + timedelta(days=place), counts=Counter(each), total=sum(each.values()), known=True, covered=True
        )
        for place, each in enumerate(counts)
    ]
    return SimpleNamespace(bars=bars, unit="day")


def drawn(*counts: dict[str, int]) -> list[dict[str, tuple[float, float]]]:
    """Top and height of each family, bar by bar."""
    picture = draw(chart(*counts), lambda bar: "/")
    shape = rf'<rect class="family-(\w+)" x="[^"]+" y="([^"]+)" width="{WIDTH - GAP}" height="([^"]+)"/>'
    return [
        {slug: (float(top), float(height)) for slug, top, height in re.findall(shape, bar)}
        for bar in picture.split("</a>")[:-1]
    ]


def test_every_family_has_its_place() -> None:
    assert set(ORDER) == {slug for _prefix, slug, _title in FAMILIES} | {"other"}


def test_one_secret_among_a_thousand_sign_ins_is_seen_and_stands_on_the_ground() -> None:
    (bar,) = drawn({"users": 1000, "secrets": 1})

    top, height = bar["secrets"]
    assert height == LEAST["secrets"]
    assert top + height == HEIGHT
    assert bar["users"] == (0, HEIGHT - LEAST["secrets"])


@pytest.mark.parametrize(
    "counts",
    [{"users": 1}, dict.fromkeys(ORDER, 1), {"users": 5000, "secrets": 2, "network": 1, "numbers": 3}, {"secrets": 9}],
    ids=str,
)
def test_parts_fill_the_highest_bar_and_never_leave_it(counts: dict[str, int]) -> None:
    (bar,) = drawn(counts)

    assert sum(height for _top, height in bar.values()) == pytest.approx(HEIGHT, abs=0.5)
    assert min(top for top, _height in bar.values()) >= 0
    assert list(bar) == [slug for slug in ORDER if slug in counts]


def test_noise_comes_last_in_the_legend() -> None:
    titles = [title for _slug, title, _count in legend(chart({"users": 10, "secrets": 1, "numbers": 4}))]

    assert titles == ["Secrets", "Numbers", "Sign-ins and people"]
