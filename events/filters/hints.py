"""What a list says when its filter was perhaps not meant as written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.filters import search_box
from events.filters.fields import unsigned
from events.filters.names import did_you_mean, nearest
from events.nexmo.catalog import SOURCES
from events.reading import read_page
from events.reading.conditions import Conditions
from events.wording.codes import source_codes, source_title

if TYPE_CHECKING:
    from events.filters.form import EventFilter

MOST_KEYS = 5


def unread_conditions(text: str) -> str:
    """What a searched text says as if it were a condition, and that it is none; "" where it says nothing so."""
    keys = search_box.unread_keys(text)[:MOST_KEYS]
    if not keys:
        return ""
    said = ngettext(
        "%(keys)s is not a condition, so it was searched for as text.",
        "%(keys)s are not conditions, so they were searched for as text.",
        len(keys),
    )
    return f"{said % {'keys': ', '.join(keys)}} {search_box.EXAMPLE % {'keys': search_box.FIRST_KEYS}}"


def unknown_source(event_filter: EventFilter) -> str:
    """Which source may be meant instead of one that Nexmo does not document and no event has."""
    sources = event_filter.active.get("source")
    if not sources:
        return ""
    names = [name for code, title in SOURCES.items() for name in (source_title(code), title, code)]
    for item in sources:
        source = unsigned(item)[1]
        near = "" if source.lower() in source_codes() else did_you_mean(nearest(source, names))
        conditions = Conditions(accounts=event_filter.conditions.accounts, wanted={"source": (source,)})
        if near and not read_page(conditions, 1).rows:
            return _("No event here has the source %(source)s.") % {"source": source} + near
    return ""
