"""docs/stream-formats.md is what the formats declare, and its examples are what they make."""

from __future__ import annotations

import json
import re

import pytest
from django.core.management import call_command

from events.nexmo.catalog import EVENT_TYPES
from events.streams.formats import FORMATS, ecs, flat, ocsf, page, raw
from tests.tools.processes import ROOT

PAGE = ROOT / "docs" / "stream-formats.md"
SHAPES = {
    "raw": (raw.ENVELOPE, raw.BODY),
    "flat": (flat.EVENT, flat.FINDING),
    "ecs": (ecs.EVENT, ecs.FINDING),
    "ocsf": (ocsf.EVENT, ocsf.FINDING),
}


def test_page_is_what_the_formats_declare() -> None:
    how = "run `manage.py stream_formats --output docs/stream-formats.md`"

    assert PAGE.read_text(encoding="utf-8") == page.page(), how


def test_every_event_type_and_every_field_has_its_line() -> None:
    text = page.page()

    assert re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE) == list(EVENT_TYPES)
    for shapes in SHAPES.values():
        for field in (field for shape in shapes for field in shape.fields):
            assert f"| `{field.path}` | {field.source} |" in text
            assert len(field.source) > 2


@pytest.mark.parametrize("name", FORMATS)
def test_places_of_account_sequence_and_digest_are_where_they_are_said_to_be(name: str) -> None:
    made = FORMATS[name].event(page.EVENT)
    found = []
    for place in page.PLACES[name]:
        value = made
        for step in place.split("."):
            value = value[step]
        found.append(value)

    record = page.EVENT
    assert found == [record.account, record.sequence, record.digest, record.previous_sequence]


def test_record_of_the_example_is_its_own_event() -> None:
    sent = json.loads(page.EVENT.raw)

    assert (sent["id"], sent["event_type"]) == (page.EVENT.event_id, page.EVENT.event_type)
    assert sent["context"] == page.EVENT.details


def test_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("stream_formats")

    assert capsys.readouterr().out == page.page()
