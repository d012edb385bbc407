"""Room for the calls of a request, taken once.

CPython keeps the frames of Python functions in chunks of 16 KB. A call that finds no room takes another chunk from the
system, and gives it back when it returns. A loop that happens to run at the edge of a chunk does that at each of its
calls, so that a page may take twice as long as with one middleware more or less before it. A chunk is as large as its
first frame needs, though: one that asks for much leaves room for all calls within it.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

# Pointers. With the room for some five hundred calls that makes 256 KB, of which only the pages touched take memory.
SLOTS = 20_000


def roomy(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that all calls made within it share one chunk: one that is called rarely and calls a lot."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    call.__code__ = call.__code__.replace(co_stacksize=SLOTS)
    return wraps(function)(call)
