"""What an event says, as a sentence: "linked number 447700900000 to application Shop".

Made from the type and its context, in whatever spelling the context has. Contexts have no schema: where a piece is
missing the sentence does without it, and where it cannot, there is none and the type's description stands instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop

from events.nexmo import applications
from events.wording.codes import grouped
from events.wording.marking import marked

# Names that Nexmo uses for the same thing.
NUMBER = ("msisdn", "number")
APP = (*applications.NAMES, *applications.IDS)
PERSON = ("email", "user_email", "admin_email")
SECRET = ("secretId", "secret_id")
ADDRESS = ("ip", "ipAddress", "ip_address")

# {piece} must be there; [ ... {piece} ... ] is left out where the piece is missing. Translations keep both.
SENTENCES = {
    "USER_LOGIN": gettext_noop("logged in to the dashboard"),
    "USER_LOGOUT": gettext_noop("logged out of the dashboard"),
    "USER_CREATE": gettext_noop("created user {person}[ with role {role}]"),
    "USER_UPDATE": gettext_noop("updated user {person}"),
    "USER_STATUS": gettext_noop("set user {person} to {status}"),
    "USER_BILLING_UPDATE": gettext_noop("changed billing[ of {person}][: invoices go to {invoice_email}]"),
    "USER_API_KEYS_UPDATE": gettext_noop("changed the sub-accounts[ of {person}]"),
    "USER_PRODUCT_SEARCH": gettext_noop("searched {product}[ for {query}]"),
    "ACCOUNT_UPDATE_SETTINGS": gettext_noop("changed settings of the account"),
    "ACCOUNT_UPDATE_SETTINGS_API": gettext_noop("changed settings of the account through the API"),
    "ACCOUNT_SECRET_CREATE": gettext_noop("created an API secret[ {secret}]"),
    "ACCOUNT_SECRET_DELETE": gettext_noop("deleted an API secret[ {secret}]"),
    "NUMBER_ASSIGN": gettext_noop("bought number {number}[ in {country}]"),
    "NUMBER_UPDATED": gettext_noop("changed number {number}[: calls go to {voice-type} {voice-value}]"),
    "NUMBER_RELEASE": gettext_noop("released number {number}"),
    "NUMBER_USER_CANCELED": gettext_noop("cancelled number {number}"),
    "NUMBER_LINKED": gettext_noop("linked number {number}[ to application {app}]"),
    "NUMBER_UNLINKED": gettext_noop("unlinked number {number}[ from application {app}]"),
    "APP_CREATE": gettext_noop("created application {app}"),
    "APP_UPDATE": gettext_noop("changed application {app}"),
    "APP_DELETE": gettext_noop("deleted application {app}"),
    "APP_DISABLE": gettext_noop("disabled application {app}"),
    "APP_ENABLE": gettext_noop("enabled application {app}"),
    "IP_WHITELIST_CREATE": gettext_noop("allowed address {address}"),
    "IP_WHITELIST_DELETE": gettext_noop("no longer allowed address {address}"),
    "AUTORELOAD_ENABLE": gettext_noop("switched auto-reload on[: top up {amount} when below {threshold}]"),
    "AUTORELOAD_UPDATE": gettext_noop("changed auto-reload[: top up {amount} when below {threshold}]"),
    "AUTORELOAD_DISABLE": gettext_noop("switched auto-reload off"),
}
# What is dangerous is said in words.
EVERYBODY = ("0.0.0.0/0", "::/0")
ALLOWED_EVERYBODY = gettext_noop("allowed every address ({address})")
_AMOUNTS = ("amount", "threshold")
_PIECES: dict[str, tuple[str, ...]] = {
    "number": NUMBER,
    "app": APP,
    "person": PERSON,
    "secret": SECRET,
    "address": ADDRESS,
}
_OPTIONAL = re.compile(r"\[([^\]]*)\]")
_NO_BREAK = re.compile("[\u00a0\u202f]")
_PIECE = re.compile(r"\{([\w-]+)\}")
MOST = 60  # characters of a piece
# Draws a piece; told whether it is of our making.
Draw = Callable[[str, bool], str]


def sentence(event_type: str, context: Any, application: str = "") -> str:
    """The sentence as HTML, its pieces in bold, without who did it; "" where there is none.

    Args:
        application: what the application is called that the context tells only the id of.
    """
    return _sentence(event_type, context, application, _bold)


def plain_sentence(event_type: str, context: Any, application: str = "") -> str:
    """The same as text, for files and messages; separators of ours are plain blanks, which are marked nowhere."""
    return _sentence(
        event_type, context, application, lambda value, is_ours: _NO_BREAK.sub(" ", value) if is_ours else value
    )


def _bold(value: str, is_ours: bool) -> str:
    return f"<b>{value if is_ours else marked(value)}</b>"


def _sentence(event_type: str, context: Any, application: str, draw: Draw) -> str:
    pattern = SENTENCES.get(event_type)
    if pattern is None:
        return ""
    values = plain_values(context, MOST)
    if application:
        values[APP[0]] = application
        if values.get(applications.CALLS_GO[0]) == applications.CALLS_GO[1]:
            values[applications.CALLS_GO_TO] = application
    if event_type == "IP_WHITELIST_CREATE" and any(values.get(name.lower()) in EVERYBODY for name in ADDRESS):
        pattern = ALLOWED_EVERYBODY
    # What stands in brackets and what does not, in turn. Each is filled once: a value may look like a piece itself.
    required = True
    parts = []
    for part in _OPTIONAL.split(gettext(pattern)):
        filled = _filled(part, values, draw)
        if filled is None and required:
            return ""
        parts.append(filled or "")
        required = not required
    text = "".join(parts)
    return text[:1].upper() + text[1:]


def _filled(text: str, values: Mapping[str, str], draw: Draw) -> str | None:
    """The text with its pieces, or None when one of them is missing."""
    missing = False

    def piece(match: re.Match[str]) -> str:
        nonlocal missing
        for name in _PIECES.get(match[1], (match[1],)):
            if value := values.get(name.lower()):
                if name in _AMOUNTS and value.isascii() and value.isdecimal():
                    return draw(grouped(int(value)), True)  # its separators are ours, and need no marks
                return draw(value, False)
        missing = True
        return ""

    filled = _PIECE.sub(piece, text)
    return None if missing else filled


def plain_values(context: Any, longest: int, depth: int = 0) -> dict[str, str]:
    """The plain values of a context by their names in lower case, each cut to this length; outer ones win."""
    if not isinstance(context, dict) or depth > 2:
        return {}
    outer: dict[str, str] = {}
    inner: dict[str, str] = {}
    for name, value in context.items():
        if isinstance(value, dict):
            inner = plain_values(value, longest, depth + 1) | inner
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
            text = " ".join(str(value).split())
            outer[name.lower()] = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return inner | outer
