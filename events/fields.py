"""JSON kept as text."""

from __future__ import annotations

import json
import re
from typing import Any

from django.db import models

_HALF = re.compile("[\ud800-\udfff]")


def dump_json(value: Any) -> str:
    """Compact JSON that every database can store as text, whatever a hostile event holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        text = json.dumps(value, separators=(",", ":"))
    return text


def load_json(text: str | None) -> Any:
    """What stored JSON says, for showing; None for no text."""
    return readable(json.loads(text)) if text else None


def readable(value: Any) -> Any:
    """A JSON value with the halves of surrogate pairs replaced, in names too: no page can be encoded with them.

    Only for showing: what is proved and exported stays as it was received.
    """
    if isinstance(value, str):
        return value if value.isascii() else _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, dict):
        return {readable(name): readable(item) for name, item in value.items()}
    return value


class JSONTextField(models.TextField):
    """Any JSON value, stored as text.

    Not Django's JSONField: PostgreSQL's jsonb refuses NUL escapes and half surrogates, which Nexmo may send, and
    forgets the order of keys.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(value)

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else dump_json(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return dump_json(self.value_from_object(obj))
