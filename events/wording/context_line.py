"""An event's context in one line. Contexts have no schema: nothing here relies on one."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.wording.changes import changes_behind
from events.wording.marking import marked

# What to show first, in whatever spelling Nexmo uses for it in this event.
FIRST_KEYS = (
    "name",
    "msisdn",
    "email",
    "ip",
    "amount",
    "threshold",
    "country",
    "product",
    "query",
    "voice-type",
    "voice-value",
    "apiKeys",
    "applicationId",
    "appId",
    "secretId",
)
HIDDEN_KEYS = {"accountid", "account_id", "account"}  # every row names its account already
MOST_PARTS = 5
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def summarise(context: Any, real: Any = None) -> SafeString:
    """A line such as `msisdn 447700900000 · country GB`, or `name Shop → Shop 2` where the context tells both sides, as
    HTML; empty for no context.

    Args:
        context: what may be shown of it.
        real: what it says, where that is more.
    """
    leaves = list(dict.fromkeys(_leaves(context)))
    leaves.sort(key=lambda leaf: FIRST_KEYS.index(leaf[0]) if leaf[0] in FIRST_KEYS else len(FIRST_KEYS))
    changed = changes_behind(context if real is None else real, context)
    sides = {side for change in changed for side in (change.before, change.after)}
    parts = [
        f"{marked(change.field)} {marked(_plain(change.before or ''))} → {marked(_plain(change.after or ''))}"
        for change in changed
    ]
    parts += [f"{marked(name)} {marked(text)}".strip() for name, text in leaves if text not in sides]
    if len(parts) > MOST_PARTS:
        parts = [*parts[:MOST_PARTS], escape(_more(len(parts) - MOST_PARTS))]
    return SafeString(" · ".join(parts))


def _leaves(context: Any, name: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """The values of a context with their names; lists of plain values in one piece."""
    if context is None or context in ({}, [], ""):
        return []
    if isinstance(context, dict):
        if depth > 3:
            return [(name, "{…}")]
        leaves = []
        for key, value in context.items():
            if key.lower() not in HIDDEN_KEYS:
                leaves += _leaves(value, key, depth + 1)
        return leaves
    if isinstance(context, list):
        plain = [_plain(item) for item in context[:3] if not isinstance(item, (dict, list))]
        return [(name, _listed(plain, len(context)))]
    return [(name, _plain(context))]


def _listed(plain: list[str], count: int) -> str:
    """The first plain values of a list, and how many there are beyond them."""
    if not plain:
        return ngettext("%(count)s item", "%(count)s items", count) % {"count": count}
    text = ", ".join(plain)
    if count == len(plain):
        return text
    return _("%(some)s and %(rest)s") % {"some": text, "rest": _more(count - len(plain))}


def _more(count: int) -> str:
    return ngettext("%(count)s more", "%(count)s more", count) % {"count": count}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = " ".join(str(value).split())
    if _UUID.fullmatch(text):
        return f"{text[:8]}…"  # the whole of it is on the event's page
    return text if len(text) <= 60 else f"{text[:59]}…"
