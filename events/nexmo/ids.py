"""Event ids: as Nexmo sends them, as the archive can hold them, and as they are compared.

Nexmo's ids look like UUIDs, but nothing promises it.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

MAX_ID = 255
MAX_IN_ADDRESS = 2_000  # characters, when quoted; servers refuse longer addresses sooner or later
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_HASH = re.compile("…[0-9A-Fa-f]{64}")  # what the ids end in that `kept_id` makes


def id_key(event_id: str) -> str:
    """An event id whatever its letters' case. Only ASCII letters: others have no one lower case of the same length."""
    return event_id.translate(_LOWER)


def kept_id(sent: str) -> str:
    """An id as the archive can hold it.

    One that is too long, or holds what databases refuse, keeps its beginning and gets a hash of the whole: different
    ids stay different. So does one that looks as if it were made that way.
    """
    if storable(sent) == sent and len(sent) <= MAX_ID and not was_changed(sent):
        return sent
    digest = hashlib.sha256(id_key(sent).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{storable(sent)[: MAX_ID - len(digest) - 1]}…{digest}"


def was_changed(event_id: str) -> bool:
    """Whether an id looks like one that `kept_id` made."""
    return _HASH.fullmatch(event_id[-65:]) is not None


def former_id(sent: str) -> str:
    """An id as older versions archived it: cut short, so that different ids could become one."""
    return storable(sent)[:MAX_ID]


def fits_address(sent: str) -> bool:
    """Whether an event can be asked for by this id."""
    try:
        return len(quote(sent, safe="")) <= MAX_IN_ADDRESS
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def storable(text: str) -> str:
    """Without NUL (PostgreSQL refuses it) and with lone surrogates, which no encoding can carry, replaced."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
