"""The shape of one event as the Audit API writes it: types, key order, ids, times, JSON text."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, date, datetime, tzinfo
from random import Random
from typing import Any

Event = dict[str, Any]

# What OPTIONS listed in August 2018, in its order, and NUMBER_USER_CANCELED, documented since.
EVENT_TYPES: dict[str, str] = {
    "USER_STATUS": "User status updated",
    "USER_UPDATE": "User updated",
    "USER_BILLING_UPDATE": "User billing updated",
    "USER_CREATE": "User created",
    "USER_LOGIN": "User login into Customer dashboard",
    "USER_LOGOUT": "User logout from Customer dashboard",
    "USER_PRODUCT_SEARCH": "User product search",
    "USER_API_KEYS_UPDATE": "Sub-accounts for user updated",
    "ACCOUNT_SECRET_DELETE": "Account secret deleted",
    "ACCOUNT_SECRET_CREATE": "Account secret created",
    "ACCOUNT_UPDATE_SPAMMER": "Messaging Account Banned",
    "ACCOUNT_UPDATE_SETTINGS_API": "Account Settings updated via API",
    "NUMBER_ASSIGN": "Number assigned",
    "NUMBER_UPDATED": "Number updated",
    "NUMBER_RELEASE": "Number released",
    "NUMBER_LINKED": "Number linked to application",
    "NUMBER_UNLINKED": "Number unlinked from application",
    "APP_CREATE": "Application created",
    "APP_UPDATE": "Application updated",
    "APP_DELETE": "Application deleted",
    "APP_DISABLE": "Application disabled",
    "APP_ENABLE": "Application enabled",
    "IP_WHITELIST_CREATE": "Whitelist IP added",
    "IP_WHITELIST_DELETE": "Whitelist IP deleted",
    "AUTORELOAD_ENABLE": "Autoreload enabled",
    "AUTORELOAD_UPDATE": "Autoreload settings updated",
    "AUTORELOAD_DISABLE": "Autoreload disabled",
    "NUMBER_USER_CANCELED": "Number canceled by user",
}

# The real service writes http:// links to its public host, whatever host was asked. So does the sandbox:
# with its own address in them an event would differ from one start to the next. Nobody is to follow them.
LINK_HOST = "api.nexmo.com"
EVENTS_PATH = "/beta/audit/events"

_SOURCES = {"CD": "Customer dashboard", "DEVAPI": "Developer API"}
_SHAPE_OF_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def new_id(rng: Random) -> str:
    """A version 4 UUID drawn from `rng`."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def event(
    event_id: str,
    event_type: str,
    at: int,
    account: str,
    source: str,
    ip: str,
    country: str,
    context: Event | None,
    user: tuple[str, int] | None = None,
) -> Event:
    """One event with the keys in the order of the vendor's samples; `at` is in seconds since 1970."""
    result: Event = {
        "_links": {"self": {"href": f"http://{LINK_HOST}{EVENTS_PATH}/{event_id}"}},
        "id": event_id,
        "event_type": event_type,
        "event_type_description": EVENT_TYPES.get(event_type, event_type),
        "created_at": timestamp(at),
    }
    if user is not None:
        result["user_email"], result["user_id"] = user
    result["account_id"] = account
    result["source"] = source
    result["source_ip"] = ip
    result["source_description"] = _SOURCES[source]
    result["source_country"] = country
    if context is not None:
        result["context"] = context
    return result


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text; None for what is no JSON, or is nested too deeply to be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def render(value: Any) -> bytes:
    """Compact JSON in UTF-8, as Jackson writes it. Lone surrogates, which UTF-8 cannot hold, stay escaped."""
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def timestamp(at: float) -> str:
    """Seconds since 1970 as the API writes a time: no zone, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def midnight(day: date) -> int:
    """Seconds since 1970 at the start of a UTC day."""
    return (day - date(1970, 1, 1)).days * 86_400


def parse_time(text: object, zone: tzinfo = UTC) -> datetime | None:
    """An aware time from a form the vendor uses: date, naive (in `zone`), Z, offset. None if it is none."""
    if not isinstance(text, str) or not _SHAPE_OF_TIME.fullmatch(text):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
