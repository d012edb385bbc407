"""What a reader may choose of an export beside its filter: the columns, the zone of the times, the byte order mark."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from events.export.columns import COLUMNS, Shape
from events.filters.fields import split_list

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo


class BadChoice(ValueError):
    """A choice that does not exist; the message is for the reader."""


def read_shape(columns: Sequence[str], times: str, bom: str, usual: Sequence[str] = COLUMNS) -> Shape:
    """The requested shape. Raises BadChoice.

    Args:
        usual: the columns where none are named.
    """
    return Shape(read_columns(columns) or usual, read_zone(times), read_bom(bom))


def read_bom(text: str) -> bool:
    """Whether a CSV is to begin with a byte order mark: yes or no. Raises BadChoice."""
    choice = text.strip().lower()
    if choice not in ("yes", "no"):
        raise BadChoice(_("%(choice)s is not a valid value for bom: use yes or no.") % {"choice": text})
    return choice == "yes"


def read_columns(texts: Sequence[str]) -> tuple[str, ...]:
    """The columns that these comma lists name, in the order of COLUMNS. Raises BadChoice."""
    named = set(split_list(texts))
    if unknown := sorted(named.difference(COLUMNS)):
        raise BadChoice(
            _("There is no column %(unknown)s. The columns are %(columns)s.")
            % {"unknown": ", ".join(unknown), "columns": ", ".join(COLUMNS)}
        )
    return tuple(name for name in COLUMNS if name in named)


def read_zone(text: str) -> tzinfo:
    """The zone of this name; the reader's where none is named. Raises BadChoice."""
    name = text.strip()
    readers = timezone.get_current_timezone()
    if (name or str(readers)).lower() == "utc":
        return UTC  # converts faster than a ZoneInfo of that name
    if not name:
        return readers
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise BadChoice(
            _("%(name)s is not a time zone: use utc, or a name such as Europe/Madrid.") % {"name": name}
        ) from None
