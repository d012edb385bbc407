"""Calls within a roomy function take no memory from the system each time, however deep they are."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from auditsite.middleware.request_log import RequestMiddleware
from auditsite.server.frames import SLOTS, roomy

CALLS = 400
THREAD = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # Linux counts the faults of each thread


def _leaf(number: int) -> int:
    return number


def _deep(depth: int, then: Callable[[], None]) -> None:
    if depth:
        _deep(depth - 1, then)
    else:
        then()


def _pages_taken(depth: int) -> int:
    """How many pages of memory the system had to give while a loop ran so deep in calls."""
    before = after = 0

    def loop() -> None:
        nonlocal before, after
        before = resource.getrusage(THREAD).ru_minflt
        for number in range(CALLS):
            _leaf(number)
        after = resource.getrusage(THREAD).ru_minflt

    _deep(depth, loop)
    return after - before


def test_calls_at_the_edge_of_a_chunk_take_none_from_the_system() -> None:
    depths = range(400)

    if max(map(_pages_taken, depths)) < CALLS:
        pytest.skip("This Python keeps chunks.")  # then nothing is to be gained
    assert roomy(lambda: max(map(_pages_taken, depths)))() < CALLS / 4


def test_roomy_function_is_called_as_itself() -> None:
    @roomy
    def divided(number: int, *, by: int = 2) -> float:
        """What it says."""
        return number / by

    assert (divided(3), divided(3, by=3), divided.__name__, divided.__doc__) == (1.5, 1.0, "divided", "What it says.")
    with pytest.raises(ZeroDivisionError):
        divided(1, by=0)


def test_requests_are_answered_in_such_room() -> None:
    room: list[int] = []

    def get_response(request: HttpRequest) -> HttpResponse:
        frame = sys._getframe()
        while frame := frame.f_back:
            room.append(frame.f_code.co_stacksize)
        return HttpResponse()

    RequestMiddleware(get_response)(RequestFactory().get("/"))

    assert max(room) == SLOTS
