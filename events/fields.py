"""JSON kept as text."""

from __future__ import annotations

import json
import re
from typing import Any

from django.db import models

from events.nexmo.values import HugeNumber, read_float

_HALF = re.compile("[\ud800-\udfff]")


def dump_json(value: Any) -> str:
    """Compact JSON that every database can store as text, whatever a hostile event holds.

    Numbers beyond floats are written as they were received: `Infinity` is no JSON.
    """
    text = _dump(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        text = _dump(value, ensure_ascii=True)
    return text


def _dump(value: Any, *, ensure_ascii: bool) -> str:
    try:
        return json.dumps(value, ensure_ascii=ensure_ascii, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return _dump_by_parts(value, ensure_ascii)


def _dump_by_parts(value: Any, ensure_ascii: bool) -> str:
    if isinstance(value, HugeNumber):
        return value.text
    if isinstance(value, list):
        return f"[{','.join(_dump_by_parts(item, ensure_ascii) for item in value)}]"
    if isinstance(value, dict):
        names = (json.dumps(name, ensure_ascii=ensure_ascii) for name in value)
        items = (_dump_by_parts(item, ensure_ascii) for item in value.values())
        return f"{{{','.join(f'{name}:{item}' for name, item in zip(names, items, strict=True))}}}"
    return json.dumps(value, ensure_ascii=ensure_ascii)


def read_json(text: str) -> Any:
    """What stored JSON says."""
    return json.loads(text, parse_float=read_float)


def load_json(text: str | None) -> Any:
    """The same for showing; None for no text."""
    return readable(read_json(text)) if text else None


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
        return None if value is None else read_json(value)

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else dump_json(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return dump_json(self.value_from_object(obj))
