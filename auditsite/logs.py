"""How log records look: a line for people or an object for machines, each with the id of the request it belongs to.

The objects hold the fields named here and nothing else that a caller may have attached: Django attaches the request
itself to some of its records, and with it the address's query.
"""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.json import JsonFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="")

FIELDS = ("levelname", "name", "message", "request_id")
ACCESS_FIELDS = ("method", "path", "status", "ms", "user")  # of the lines in auditsite/middleware.py
# What would end a line, move a terminal's cursor, or hide and reorder text: whoever can write that can forge a record.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


class WithRequestId(logging.Filter):
    """Gives every record the id of the request being answered; empty outside of any."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = request_id.get()
        return True


class Line(logging.Formatter):
    """For people. A message is one line whatever is in it; only a traceback has more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = _CONTROL.sub(_as_code, record.message)
        name = getattr(record, "request_id", "")
        return f"{super().formatMessage(record)}{f' [{name}]' if name else ''}"


def _as_code(character: re.Match[str]) -> str:
    return character[0].encode("unicode_escape").decode() if ord(character[0]) > 255 else f"\\x{ord(character[0]):02x}"


class Json(JsonFormatter):
    """For machines: one object a line."""

    def __init__(self) -> None:
        super().__init__(FIELDS, timestamp="time", rename_fields={"levelname": "level", "name": "logger"})

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        order = ("time", "level", "logger", "message", "request_id", *ACCESS_FIELDS, "exc_info", "stack_info")
        return {name: log_data[name] for name in order if log_data.get(name) not in (None, "")}


def console(kind: str) -> dict[str, Any]:
    """The part of a logging configuration that says how records are written to the terminal or the journal."""
    return {
        "filters": {"request_id": {"()": "auditsite.logs.WithRequestId"}},
        "formatters": {
            "line": {"()": "auditsite.logs.Line", "format": "{asctime} {levelname} {name}: {message}", "style": "{"},
            "json": {"()": "auditsite.logs.Json"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": kind, "filters": ["request_id"]},
        },
    }
