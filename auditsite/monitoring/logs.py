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
ACCESS_FIELDS = ("method", "path", "status", "ms", "user")  # of the lines in middleware/request_log.py
# What would end a line, move a terminal's cursor, or turn, hide or split text: it could forge a record.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Text with its control characters as codes."""
    return _CONTROL.sub(lambda match: _code(ord(match[0])), text)


def _code(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


class WithRequestId(logging.Filter):
    """Gives every record the id of the request being answered; empty outside of any."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = request_id.get()
        return True


class Line(logging.Formatter):
    """For people. A message is one line whatever is in it; only a traceback has more, each of them indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = visible(record.message)
        name = getattr(record, "request_id", "")
        return f"{super().formatMessage(record)}{f' [{visible(name)}]' if name else ''}"

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    """Lines that cannot be taken for records, whatever an exception's own text holds."""
    return "\n".join(f"  {visible(line)}" for line in text.split("\n"))


class Json(JsonFormatter):
    """For machines: one object a line."""

    def __init__(self) -> None:
        super().__init__(FIELDS, timestamp="time", rename_fields={"levelname": "level", "name": "logger"})

    def jsonify_log_record(self, log_data: Any) -> str:
        # All that is not ASCII is a code already; of ASCII, JSON leaves only this as it is.
        return str(super().jsonify_log_record(log_data)).replace("\x7f", "\\u007f")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        order = ("time", "level", "logger", "message", "request_id", *ACCESS_FIELDS, "exc_info", "stack_info")
        return {name: log_data[name] for name in order if log_data.get(name) not in (None, "")}


def console(kind: str) -> dict[str, Any]:
    """The part of a logging configuration that says how records are written to the terminal or the journal."""
    return {
        "filters": {"request_id": {"()": "auditsite.monitoring.logs.WithRequestId"}},
        "formatters": {
            "line": {
                "()": "auditsite.monitoring.logs.Line",
                "format": "{asctime} {levelname} {name}: {message}",
                "style": "{",
            },
            "json": {"()": "auditsite.monitoring.logs.Json"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": kind, "filters": ["request_id"]},
        },
    }
