"""What the tests of reading share."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from events.nexmo.parse import (
    Event,
)

DATA = Path(__file__).parents[1] / "data"
DEEP = "[" * 3000 + "]" * 3000
HUGE_NUMBER = "7" * 10_000


def recorded(name: str) -> str:
    return (DATA / f"{name}.json").read_text().strip()


def page_of(*events: str, page: str = '{"size":30,"totalElements":3,"totalPages":1,"number":1}') -> str:
    return f'{{"_embedded":{{"events":[{",".join(events)}]}},"page":{page}}}'


def with_field(name: str, value: str) -> str:
    """An event that is well but for one field; its value is JSON text, "" leaves it out."""
    fields = {
        "id": '"one"',
        "event_type": '"APP_CREATE"',
        "created_at": '"2024-03-05T06:07:08"',
        "user_email": '"yourname@example.com"',
        "source": '"CD"',
        "source_ip": '"192.0.2.1"',
        "source_country": '"GB"',
    } | {name: value}
    return "{" + ",".join(f'"{key}":{text}' for key, text in fields.items() if text) + "}"


def assert_storable(event: Event) -> None:
    """Whatever came, it fits the archive: UTF-8 without NUL, and no longer than its columns."""
    values = {each.name: getattr(event, each.name) for each in dataclasses.fields(event) if each.name != "context"}
    for text in (*(value for value in values.values() if isinstance(value, str)), *event.odd_fields):
        text.encode()
        assert "\x00" not in text
    for name, value in values.items():
        if isinstance(value, str) and name not in ("raw", "event_type_description", "source_description"):
            assert len(value) <= (320 if name == "user_email" else 255), name
    json.dumps(event.context).encode()
    assert event.event_id and event.identity and len(event.digest) == 64
