"""Reading the files of an export, and adding events quickly."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from xml.etree import ElementTree

from django.db import connections

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.models import AuditEvent
from events.nexmo.parse import parse_event
from tests.conftest import NOON, event_json

KINDS = ("csv", "ndjson", "xlsx")
HEADER = [
    "created_at",
    "account",
    "account_name",
    "event_id",
    "event_type",
    "event_type_description",
    "user_email",
    "user_id",
    "source",
    "source_description",
    "source_ip",
    "source_country",
    "context",
    "odd_fields",
]
# Those of Excel; CSV has them where they are asked for.
FURTHER = ["what_happened", "source_country_name"]
# What happened stands behind when, whose and who.
_FIRST = ["created_at", "account", "account_name", "user_email", "what_happened"]
SHEET_HEADER = [*_FIRST, *(name for name in (*HEADER, *FURTHER) if name not in _FIRST)]
EXCEL_BEGINS = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel has no zones
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheets(content: bytes) -> dict[str, list[list[str]]]:
    """The sheets of events of a workbook by title, as rows of text, dates as in CSV; fails on any other cell."""
    *events, _ = _workbook(content).items()
    return dict(events)


def about(content: bytes) -> dict[str, str]:
    """What the last sheet says of the others."""
    *_, (_, rows) = _workbook(content).items()
    return {row[0]: row[1] for row in rows}


def _workbook(content: bytes) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        titles = [
            node.get("name", "") for node in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{SHEET}sheet")
        ]
        formats = number_formats(book.read("xl/styles.xml"))
        found = {}
        for number, title in enumerate(titles, start=1):
            tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(tree.iter(f"{SHEET}f")), "a formula"
            assert not list(tree.iter(f"{SHEET}hyperlink")), "a link"
            found[title] = [
                [_text(cell, formats) for cell in row.iter(f"{SHEET}c")] for row in tree.iter(f"{SHEET}row")
            ]
    return found


def number_formats(styles: bytes) -> list[str]:
    """How cells of each style show numbers."""
    tree = ElementTree.fromstring(styles)
    codes = {node.get("numFmtId"): node.get("formatCode", "") for node in tree.iter(f"{SHEET}numFmt")}
    (cells,) = tree.iter(f"{SHEET}cellXfs")
    return [codes.get(node.get("numFmtId"), "") for node in cells]


def _text(cell: ElementTree.Element, formats: list[str]) -> str:
    if cell.get("t") == "inlineStr" or not len(cell):
        return "".join(node.text or "" for node in cell.iter(f"{SHEET}t"))
    shown = re.fullmatch(r'yyyy-mm-dd hh:mm:ss(?:\.000)? "(UTC|[+-][0-9:]+)"', formats[int(cell.get("s", "0"))])
    assert shown, "a cell that is neither text nor a date"
    days = float(cell.findtext(f"{SHEET}v") or "")
    at = EXCEL_BEGINS + timedelta(microseconds=round(days * 86_400_000_000, -1))
    return f"{at.isoformat()}{'+00:00' if shown[1] == 'UTC' else shown[1]}"


def exported_ids(kind: str, content: bytes) -> list[str]:
    """The ids of the events in a file, in its order."""
    if kind == "csv":
        return [row["event_id"] for row in csv_rows(content)]
    if kind == "ndjson":
        return [json.loads(line)["id"] for line in content.decode().splitlines()]
    (rows,) = sheets(content).values()
    place = rows[0].index("event_id")
    return [row[place] for row in rows[1:]]


def add_many(account: NexmoAccount, numbers: Iterable[int], **fields: Any) -> None:
    events = [parse_event(json.dumps(event_json(number, **fields)), UTC) for number in numbers]
    add_events(account, events, run=None, fetched_at=NOON)


def add_raw(account: NexmoAccount, raw: str) -> AuditEvent:
    event = parse_event(raw, UTC)
    add_events(account, [event], run=None, fetched_at=NOON)
    return AuditEvent.objects.with_id(event.event_id).get(account=account)


Login = Callable[[str], Any]
Add = Callable[..., AuditEvent]


def hang_up(response: Any) -> None:
    """What a server does when whoever asked is gone, but for closing the test's own connection."""
    with mock.patch.object(connections["default"], "close_if_unusable_or_obsolete"):
        response.close()
