"""Hiding credentials that contexts carry: webhook addresses may hold tokens and passwords.

For lists, the context's tree, the CSV and XLSX exports, and streams. The event as received stays as it is on its page,
in NDJSON and in streams of raw events: it is the evidence.
Contexts may be as long and as hostile as they like: every pattern here reads a text once.
"""

from __future__ import annotations

import json
import re
from typing import Any

from events.fields import dump_json, read_json
from events.nexmo.values import read_float

MASK = "•••"
_PARAMETER = re.compile(r"[?&;]([\w.-]++)=")
_CREDENTIAL = re.compile(
    r"token|secret|passw(?:or)?d|pwd|signature|apikey|api_key|auth|\A(?:key|sig|code)\Z", re.IGNORECASE
)
_VALUE = re.compile(r"[^&;#\s\"'<>]++")
# One that does not end is a string to the end of the text.
_JSON_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
# Of signs that addresses are made of.
_ESCAPE = re.compile(r"\\u00([2-7][0-9a-fA-F])|\\/")
_USERINFO = re.compile(r"(://)[^/@\s\"'<>]++@")


def mask(text: str) -> str:
    """Text with the credentials in its addresses hidden."""
    if "=" not in text and "@" not in text:
        return text
    return _USERINFO.sub(rf"\1{MASK}@", _without_parameters(text))


def _without_parameters(text: str) -> str:
    parts: list[str] = []
    done = 0
    for parameter in _PARAMETER.finditer(text):
        start = parameter.end()
        if parameter.start() < done or not _CREDENTIAL.search(parameter[1]):
            continue
        if value := _VALUE.match(text, start):
            parts += (text[done:start], MASK)
            done = value.end()
    return "".join((*parts, text[done:])) if parts else text


def mask_all(value: Any) -> Any:
    """Any JSON value with every text in it masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [mask_all(item) for item in value]
    if isinstance(value, dict):
        return {key: mask_all(item) for key, item in value.items()}
    return value


def mask_json(text: str) -> str:
    """JSON with every text in it masked; it stays JSON, and words for numbers (NaN) become texts: they are none."""
    if "NaN" in text or "Infinity" in text:
        text = dump_json(json.loads(text, parse_float=read_float, parse_constant=str))
    # Only addresses with parameters or a user in them can hold credentials.
    if "=" not in text and ("@" not in text or "://" not in text):
        return text
    # What is masked ends before a quote, so that the JSON stays whole; where a quote is escaped it would not.
    return dump_json(mask_all(read_json(text))) if "\\" in text else mask(text)


def mask_as_received(text: str) -> str:
    """JSON with the credentials in its texts hidden, and letter by letter as it was received otherwise, JSON or not."""
    return _JSON_STRING.sub(_masked_string, text) if "\\" in text else mask(text)


def _masked_string(string: re.Match[str]) -> str:
    written = string[0]
    if "\\" not in written:
        return mask(written)
    try:
        meant = json.loads(written, strict=False)
    except ValueError:  # it does not end, or has an escape that JSON does not have
        meant = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else "/", written)
        masked = mask(meant)
        return written if masked == meant else masked
    masked = mask(meant)
    return written if masked == meant else dump_json(masked)
