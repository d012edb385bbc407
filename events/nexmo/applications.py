"""Applications in contexts: which one an event is about, and what it is called there.

Nexmo names an application when it is made or renamed (APP_CREATE, APP_UPDATE) and elsewhere tells its id alone.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# All of them have "app" in them, and so has an event whose calls go to one (`events.reading.conditions`).
IDS = ("applicationid", "appid", "application_id", "app_id")
NAMES = ("applicationname", "appname", "application_name", "name")
NAMING_TYPES = ("APP_CREATE", "APP_UPDATE")
ABOUT_TYPES = (
    *NAMING_TYPES,
    *("APP_DELETE", "APP_DISABLE", "APP_ENABLE", "NUMBER_LINKED", "NUMBER_UNLINKED", "NUMBER_UPDATED"),
)
# A number whose calls go to an application.
CALLS_GO_TO, CALLS_GO = "voice-value", ("voice-type", "app")
STATE_AFTER = ("created", "updated", "new", "current", "after", "application", "app", "data")
LONGEST_ID, LONGEST_NAME, LONGEST_WORDS = 64, 100, 300
_WORD = re.compile(r"[^\W_]+")


def application(context: Any) -> tuple[str, str]:
    """The id and the name of the application that a context is about; each is empty where it does not stand there."""
    if not isinstance(context, dict):
        return "", ""
    outer = {name.lower(): value for name, value in context.items()}
    parts = [outer]
    for key in STATE_AFTER:
        if isinstance(part := outer.get(key), dict):
            parts.append({name.lower(): value for name, value in part.items()})
    ids = (*IDS, CALLS_GO_TO) if outer.get(CALLS_GO[0]) == CALLS_GO[1] else IDS
    return _first(parts, ids, LONGEST_ID).lower(), _first(parts, NAMES, LONGEST_NAME)


def nameless_application(context: Any) -> str:
    """The id of the application that a context is about without naming it; "" where there is none."""
    app_id, name = application(context)
    return "" if name else app_id


def words_of(name: str) -> str:
    """A name as people spell it when they look for it: its words alone, without case, accents and other signs; a name
    without words as it stands."""
    pieces = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(piece for piece in pieces if not unicodedata.combining(piece)).casefold()
    return (" ".join(_WORD.findall(plain)) or " ".join(name.split()))[:LONGEST_WORDS]


def _first(parts: list[dict[str, Any]], names: tuple[str, ...], longest: int) -> str:
    for part in parts:
        for name in names:
            value = part.get(name)
            if (
                isinstance(value, str)
                and (text := " ".join(value.split()))
                and len(text) <= longest
                and "\0" not in text
            ):
                return text
    return ""
