"""Entries of the access log in words, for pages and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access.record import COLUMNS
from accounts.access.words import Action

if TYPE_CHECKING:
    from accounts.access.models import AccessEntry

# The columns of files. The hash is there so that a line can be compared with the archive's proof.
FILE_COLUMNS = ("id", *COLUMNS, "record_hash")


def what(entry: AccessEntry) -> str:
    """What it was done with, by its name or key."""
    named = entry.object_name or entry.object_id
    return f"{entry.get_kind_display()}: {named}" if named else str(entry.get_kind_display())


def more(entry: AccessEntry) -> list[str]:
    """What else is known of it, in short sentences."""
    detail, said = dict(entry.details), []
    if (rows := detail.pop("rows", None)) is not None:
        said.append(ngettext("%(count)s row", "%(count)s rows", rows) % {"count": f"{rows:,}"})
    if (whole := detail.pop("whole", None)) is not None:
        said.append(_("whole") if whole else _("cut off"))
    if "action" in detail:
        said.append(_("tried: %(action)s") % {"action": _label(detail.pop("action"))})
    if query := detail.pop("filter", ""):
        said.append(unquote_plus(query.replace("&", ", ")))
    if fields := detail.pop("fields", None):
        said.append(_("fields: %(names)s") % {"names": ", ".join(fields)})
    state, done = detail.pop("state", ""), detail.pop("ok", True)
    if state:
        said.append(_("begun") if state == "begun" else _("done") if done else _("failed"))
    said += [_text(detail.pop(name)) for name in ("type", "methods") if detail.get(name)]
    detail.pop("methods", None)
    if detail.pop("unknown_name", False):
        said.append(_("a name that nobody has"))
    if entry.status and entry.status >= 500:
        said.append(_("broke off: it may have been done"))
    if entry.status and entry.status >= 400:
        said.append(str(entry.status))
    return [*said, *(f"{name}: {_text(value)}" for name, value in sorted(detail.items()))]


def file_row(entry: AccessEntry) -> dict[str, Any]:
    """An entry for programs: as it is stored, with its detail read."""
    row = {name: getattr(entry, name) for name in FILE_COLUMNS}
    row["at"] = entry.at.isoformat()
    row["accounts"] = entry.api_keys
    row["detail"] = entry.details
    return row


def _label(action: str) -> str:
    return str(Action(action).label) if action in Action.values else action


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
