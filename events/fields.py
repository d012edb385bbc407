"""JSON kept as text."""

from __future__ import annotations

import json
from typing import Any

from django.db import models


def dump_json(value: Any) -> str:
    """Compact JSON that every database can store as text, whatever a hostile event holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        text = json.dumps(value, separators=(",", ":"))
    return text


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
