"""The fields that events have for rules: the taxonomy of `product: vonage`, and events by it.

The names are those of the archive's columns; `context.` and a path lead into what the event says of itself.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from events.detection.sigma.wrong import gettext_noop
from events.nexmo.values import read_float

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from events.detection.sigma.rule import Service

CONTEXT = "context"
CONTEXT_PATH = "context."
WHOLE_TEXT = ""  # the name of no field: where keywords are looked for
PROBLEMS = ("silent", "failing", "behind", "gap", "vanished", "altered", "retention")

# What the documentation says of each (docs/detection-rules.md; a test keeps them in step).
TAXONOMY: dict[Service, dict[str, str]] = {
    "audit": {
        "event_type": gettext_noop("The code of the event type, such as `NUMBER_ASSIGN`."),
        "source": gettext_noop("Where it was done: `CD` is the dashboard, `DEVAPI` an API."),
        "source_ip": gettext_noop("The address it came from, as Nexmo gives it."),
        "source_country": gettext_noop("That address's country, such as `GB`. Put `'NO'` in quotes."),
        "user_email": gettext_noop("Who did it; events of an API have no user."),
        "user_id": gettext_noop("Nexmo's number for that user."),
        "account": gettext_noop("The account's API key."),
        "event_id": gettext_noop("Nexmo's id of the event."),
        "context.*": gettext_noop(
            "The event's own details, by path: `context.msisdn`, `context.created.answer_url.url`. "
            "An object is its JSON text."
        ),
        "context": gettext_noop("All of these details, as JSON text."),
        "context_hosts": gettext_noop("The hosts of all URLs and SIP addresses in the context, in lower case."),
        "autoreload_amount": gettext_noop("How much auto-reload tops up, as a number; only for `AUTORELOAD_*`."),
        "autoreload_threshold": gettext_noop(
            "The balance below which it tops up, as a number; only for `AUTORELOAD_*`."
        ),
    },
    "sync": {
        "problem": gettext_noop(
            "What the site noticed: `silent`, `failing`, `behind`, `gap`, `vanished`, `altered`, `retention`."
        ),
        "account": gettext_noop("The account's API key."),
    },
}
COLUMNS = ("event_type", "source", "source_ip", "source_country", "user_email", "user_id", "account", "event_id")
NUMBERS = ("autoreload_amount", "autoreload_threshold")

# Of a change told from both sides, rules mean what it is now.
OLD_SIDES = frozenset({"before", "old", "previous"})
DEEPEST = 20
# Bounded, so that no text makes it try the same stretch over and over.
_HOST = re.compile(
    r"\b(?:https?|wss?|s?ftp|grpcs?)://(?:[^\s/?#@\"'<>]{0,200}@)?(\[[0-9a-f:.]+\]|[^\s/?#@:\"'<>\\]{1,255})"
    r"|\bsips?:(?:[^\s@;?\"'<>]{0,200}@)?(\[[0-9a-f:.]+\]|[^\s;:?/@\"'<>\\]{1,255})",
    re.IGNORECASE,
)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_decode = json.JSONDecoder(parse_float=read_float).decode  # `json.loads` with options makes one each time
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")


def fold(text: str) -> str:
    """Text as rules compare it: A to Z in lower case, every other character as it stands."""
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def is_field(name: str, service: Service) -> bool:
    """Whether events of this kind have such a field."""
    if service == "audit" and name.startswith(CONTEXT_PATH):
        return all(name.split("."))
    return name in TAXONOMY[service] and not name.endswith("*")


def as_number(value: Any) -> float | None:
    """A number, or text that is written as one; None for anything else."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, (int, float)) else None


class EventFields:
    """An archived event. Made from its columns; its context is read when a rule first asks for it."""

    __slots__ = ("_context", "_is_read", "_known", "_lowered")

    def __init__(
        self,
        event_type: str = "",
        source: str = "",
        source_ip: str = "",
        source_country: str = "",
        user_email: str = "",
        user_id: str = "",
        account: str = "",
        event_id: str = "",
        context: Any = None,
    ) -> None:
        """Of the archive's columns; `account` is the API key, `context` JSON text, or what it says."""
        self._known: dict[str, Any] = {
            "event_type": event_type or None,
            "source": source or None,
            "source_ip": source_ip or None,
            "source_country": source_country or None,
            "user_email": user_email or None,
            "user_id": user_id or None,
            "account": account or None,
            "event_id": event_id or None,
        }
        self._context = context
        self._is_read = not isinstance(context, str)
        self._lowered: str | None = None

    def get(self, name: str) -> Any:
        try:
            return self._known[name]
        except KeyError:
            value = self._known[name] = self._derived(name)
            return value

    def _derived(self, name: str) -> Any:
        if self._says_nothing_of(name):
            return None
        if not self._is_read:
            self._is_read = True
            self._context = _read(self._context)
        if name.startswith(CONTEXT_PATH):
            return _single(_along(self._context, _path(name), 0))
        if name == CONTEXT:
            return _plain(self._context)
        if name == "context_hosts":
            return _single(sorted(hosts_of(self._context)))
        if name in NUMBERS:
            event_type = self.get("event_type") or ""
            is_about = event_type.upper().startswith("AUTORELOAD_")
            return _first_number(self._context, name.removeprefix("autoreload_")) if is_about else None
        if name == WHOLE_TEXT:
            texts = [*map(self.get, COLUMNS), _plain(self._context)]
            return "\n".join(str(text) for text in texts if text is not None)
        return None

    def _says_nothing_of(self, name: str) -> bool:
        """Whether the context's text shows, without being parsed, that it has no such field: most rules ask for what
        most events do not have."""
        text = self._text()
        if not text:
            return False
        if name.startswith(CONTEXT_PATH):
            key = quoted_key(name)
            return bool(key) and key not in text
        # Beyond ASCII there are letters that regular expressions take for an s or i.
        return name == "context_hosts" and "://" not in text and "sip" not in text and text.isascii()

    def _text(self) -> str:
        """The context's JSON text in lower case; "" where it is not to be looked at: what is escaped could be any key
        or host."""
        if self._lowered is None:
            text = self._context if isinstance(self._context, str) and not self._is_read else "\\"
            self._lowered = "" if "\\" in text else text.lower()
        return self._lowered

    def may_have(self, keys: Iterable[str]) -> bool:
        """Whether the context can have one of these keys, which are quoted and in lower case."""
        text = self._text()
        return not text or any(key in text for key in keys)


class PlainFields:
    """What is known by name already: the pseudo events of `service: sync`, and events in tests."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def get(self, name: str) -> Any:
        if name == WHOLE_TEXT:
            return "\n".join(str(value) for value in self._values.values())
        value = self._values.get(name)
        return None if value == "" else value


@lru_cache(maxsize=1024)
def quoted_key(name: str) -> str:
    """The last key of a field's name as it stands in JSON text, in lower case; "" where JSON could escape it."""
    key = fold(name.rpartition(".")[2])
    return f'"{key}"' if _PLAIN_KEY.fullmatch(key) else ""


@lru_cache(maxsize=1024)
def _path(name: str) -> tuple[tuple[str, str], ...]:
    """The keys that a field's name leads along, each as written and folded."""
    return tuple((key, fold(key)) for key in name.split(".")[1:])


def _read(text: str) -> Any:
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return text  # no JSON: found by its text all the same


def _along(node: Any, path: tuple[tuple[str, str], ...], start: int) -> list[Any]:
    """The plain values at the end of a path; through lists it leads into each of their items."""
    for place in range(start, len(path)):
        if isinstance(node, list):
            return [value for item in node for value in _along(item, path, place)]
        if not isinstance(node, dict):
            return []
        key, folded = path[place]
        inner = node.get(key)
        node = next((value for name, value in node.items() if fold(name) == folded), None) if inner is None else inner
    return list(_plain_values(node))


def _plain_values(node: Any, depth: int = 0) -> Iterable[Any]:
    if isinstance(node, list):
        if depth < DEEPEST:
            for item in node:
                yield from _plain_values(item, depth + 1)
        return
    value = _plain(node)
    if value is not None:
        yield value


def _plain(value: Any) -> Any:
    """A value as rules compare it: text, or a number; objects and lists are JSON text."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return getattr(value, "text", value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _single(values: list[Any]) -> Any:
    if len(values) > 1:
        return values
    return values[0] if values else None


def hosts_of(context: Any) -> set[str]:
    """The hosts of all URLs and SIP addresses in a context, without ports."""
    hosts: set[str] = set()
    for text in _texts(context):
        if "://" in text or ":" in text and ("sip" in text.lower() or not text.isascii()):
            hosts.update(host for match in _HOST.finditer(text) if (host := _host(match[1] or match[2])))
    return hosts


def _host(text: str) -> str:
    return text.lower().rstrip(".,")


def _texts(node: Any, depth: int = 0) -> Iterable[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, (dict, list)) and depth < DEEPEST:
        for item in node.values() if isinstance(node, dict) else node:
            yield from _texts(item, depth + 1)


def _first_number(node: Any, name: str, depth: int = 0) -> float | None:
    """The number of that name, outer ones first, in what the event says of the new side."""
    if not isinstance(node, dict) or depth > 3:
        return None
    folded = {fold(key): value for key, value in node.items()}
    number = as_number(folded.get(name))
    if number is not None and not isinstance(folded.get(name), bool):
        return number
    inner = (value for key, value in folded.items() if key not in OLD_SIDES)
    return next((found for value in inner if (found := _first_number(value, name, depth + 1)) is not None), None)
