"""Workers look for garbage seldom, and still find it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from events.operations.garbage import AFTER, collect_seldom


class Knot:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def seldom() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.unfreeze()  # the whole suite runs so
    gc.set_threshold(700, 10, 10)
    collect_seldom()
    yield
    gc.set_threshold(*usual)


def test_garbage_is_found_after_many_objects(seldom: None) -> None:
    knot = Knot()
    known = weakref.ref(knot)
    del knot
    few = [[] for _ in range(AFTER // 10)]  # type: ignore[var-annotated]
    assert known() is not None

    more = [[] for _ in range(AFTER)]  # type: ignore[var-annotated]

    assert known() is None
    assert len(few) + len(more) > AFTER
    assert gc.get_freeze_count() > 0
