"""Rules find what pySigma's SQLite backend finds."""

from __future__ import annotations

import pytest

from tests.detection.sigma.random_rules import EXAMPLES, random_rule
from tests.tools.sigma_reference import assert_finds_the_same


@pytest.mark.parametrize("block", range(10))
def test_same_events_are_found_as_by_pysigma(block: int) -> None:
    found = [
        assert_finds_the_same(random_rule(seed), archives=4, size=25, seed=seed, examples=EXAMPLES)
        for seed in range(block * 8, block * 8 + 8)
    ]

    assert sum(1 for events in found if events) >= 4  # it is no comparison of nothing with nothing
