"""The names that the addresses of events may carry: one that nobody reads must not pass for a filter."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from events.filters import search_box
from events.filters.dates import TIMES
from events.filters.query_string import OPENED, PAGE_PARAMS
from events.reading.filterable import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# How a file is to look.
SHAPE = ("columns", "times", "bom")
# What else pages and exports read beside the conditions.
OTHERS = (*PAGE_PARAMS, *TIMES.values(), OPENED, "size", "count", "job", "announced", "since")
LONGEST, MOST = 60, 10  # characters of a name, and names, that are repeated
KNOWN = (*PARAMETERS, *SHAPE, *OTHERS)


def unknown(names: Iterable[str], known: Collection[str] = KNOWN) -> list[str]:
    """A sentence about each name that nobody reads, with the one that may be meant.

    Args:
        known: the names that a page reads; by default those of lists of events.
    """
    unread = [name for name in names if name not in known]
    sentences = [_about(name[:LONGEST], known) for name in unread[:MOST]]
    more = len(unread) - MOST
    return [*sentences, _("And %(count)s more names.") % {"count": more}] if more > 0 else sentences


def _about(name: str, known: Collection[str]) -> str:
    lower = name.lower()
    meant = search_box.KEYS.get(lower, "")
    near = meant if meant in known else next(iter(difflib.get_close_matches(lower, known, n=1)), "")
    if near:
        return _("There is no filter “%(name)s”; did you mean “%(near)s”?") % {"name": name, "near": near}
    return _("There is no filter “%(name)s”.") % {"name": name}
