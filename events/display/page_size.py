"""Page sizes as URLs ask for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50
MOST = max(SIZES)


def read_size(params: Mapping[str, Any]) -> tuple[int, str]:
    """The page size a URL asks for, kept within bounds, and what to say where that changed it."""
    wanted = str(params.get("size", "")).strip()
    if not wanted:
        return DEFAULT_SIZE, ""
    if not re.fullmatch(r"[+-]?\d{1,9}", wanted):
        text = _("The page size must be a number from 1 to %(most)s; showing %(size)s rows.")
        return DEFAULT_SIZE, text % {"most": MOST, "size": DEFAULT_SIZE}
    size = int(wanted)
    if 1 <= size <= MOST:
        return size, ""
    size = MOST if size > MOST else DEFAULT_SIZE
    text = _("The page size must be between 1 and %(most)s; showing %(size)s rows.")
    return size, text % {"most": MOST, "size": size}
