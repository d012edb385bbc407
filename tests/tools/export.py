"""Reading the files of an export, and adding events quickly."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Any
from xml.etree import ElementTree

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
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheets(content: bytes) -> dict[str, list[list[str]]]:
    """The sheets of a workbook by title, as rows of text; fails on any cell that is not plain text."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        titles = [
            node.get("name", "") for node in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{SHEET}sheet")
        ]
        found = {}
        for number, title in enumerate(titles, start=1):
            tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(tree.iter(f"{SHEET}f")), "a formula"
            assert not list(tree.iter(f"{SHEET}hyperlink")), "a link"
            rows = []
            for row in tree.iter(f"{SHEET}row"):
                cells = []
                for cell in row.iter(f"{SHEET}c"):
                    assert cell.get("t") == "inlineStr" or not len(cell), "a cell that is not text"
                    cells.append("".join(node.text or "" for node in cell.iter(f"{SHEET}t")))
                rows.append(cells)
            found[title] = rows
    return found


def exported_ids(kind: str, content: bytes) -> list[str]:
    """The ids of the events in a file, in its order."""
    if kind == "csv":
        return [row["event_id"] for row in csv_rows(content)]
    if kind == "ndjson":
        return [json.loads(line)["id"] for line in content.decode().splitlines()]
    (rows,) = sheets(content).values()
    return [row[HEADER.index("event_id")] for row in rows[1:]]


def add_many(account: NexmoAccount, numbers: Iterable[int], **fields: Any) -> None:
    events = [parse_event(json.dumps(event_json(number, **fields)), UTC) for number in numbers]
    add_events(account, events, run=None, fetched_at=NOON)


def add_raw(account: NexmoAccount, raw: str) -> AuditEvent:
    event = parse_event(raw, UTC)
    add_events(account, [event], run=None, fetched_at=NOON)
    return AuditEvent.objects.with_id(event.event_id).get(account=account)


Login = Callable[[str], Any]
Add = Callable[..., AuditEvent]
