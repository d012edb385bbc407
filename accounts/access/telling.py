"""Entries of the access log in words, for pages and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access.record import COLUMNS
from accounts.access.words import Action, Kind

if TYPE_CHECKING:
    from accounts.access.models import AccessEntry

# The columns of files. The hash is there so that a line can be compared with the archive's proof.
FILE_COLUMNS = ("id", *COLUMNS, "record_hash")
# What a list is of.
_MANY = {
    Kind.ACCOUNT: gettext_lazy("Accounts"),
    Kind.ALERT: gettext_lazy("Alerts"),
    Kind.EVENT: gettext_lazy("Events"),
    Kind.EVIDENCE: gettext_lazy("Evidence packs"),
    Kind.FACTOR: gettext_lazy("Second factors"),
    Kind.FINDING: gettext_lazy("Findings"),
    Kind.PERSON: gettext_lazy("People"),
    Kind.REPORT: gettext_lazy("Reports"),
    Kind.REVIEW: gettext_lazy("Reviews"),
    Kind.RULE: gettext_lazy("Detection rules"),
    Kind.SESSION: gettext_lazy("Sessions"),
    Kind.STREAM: gettext_lazy("Streams"),
    Kind.SUPPRESSION: gettext_lazy("Suppressions"),
    Kind.TEAM: gettext_lazy("Teams"),
    Kind.TOKEN: gettext_lazy("API tokens"),
    Kind.VIEW: gettext_lazy("Views"),
}
_TRIED = {
    Action.LISTED: gettext_lazy("tried to read a list"),
    Action.OPENED: gettext_lazy("tried to open it"),
    Action.DOWNLOADED: gettext_lazy("tried to download it"),
    Action.EXPORT_BEGUN: gettext_lazy("tried to export"),
    Action.SECRET_SHOWN: gettext_lazy("tried to see a secret"),
    Action.CREATED: gettext_lazy("tried to create it"),
    Action.CHANGED: gettext_lazy("tried to change it"),
    Action.DELETED: gettext_lazy("tried to delete it"),
}
_STATUS = {
    400: gettext_lazy("not understood"),
    401: gettext_lazy("not logged in"),
    403: gettext_lazy("not allowed"),
    404: gettext_lazy("not found"),
    429: gettext_lazy("too many requests"),
}
# What is stored as a word for programs: how somebody logged in, and kinds of second factors.
_WORDS = {
    "password": gettext_lazy("password"),
    "mfa": gettext_lazy("second factor"),
    "socialaccount": gettext_lazy("single sign-on"),
    "totp": gettext_lazy("authenticator app"),
    "webauthn": gettext_lazy("passkey or security key"),
    "recovery_codes": gettext_lazy("recovery codes"),
}
_NAMES = {
    "gained": gettext_lazy("gained"),
    "lost": gettext_lazy("lost"),
    "provider": gettext_lazy("provider"),
    "reason": gettext_lazy("reason"),
}


def what(entry: AccessEntry) -> str:
    """What it was done with, by its name or key."""
    named = entry.object_name or entry.object_id
    if not named and entry.action == Action.LISTED and entry.kind in _MANY:
        return str(_MANY[Kind(entry.kind)])
    return f"{entry.get_kind_display()}: {named}" if named else str(entry.get_kind_display())


def more(entry: AccessEntry) -> list[str]:
    """What else is known of it, in short sentences."""
    detail, said = dict(entry.details), []
    if (rows := detail.pop("rows", None)) is not None:
        said.append(ngettext("%(count)s row", "%(count)s rows", rows) % {"count": f"{rows:,}"})
    if (whole := detail.pop("whole", None)) is not None:
        said.append(_("whole") if whole else _("cut off"))
    if "action" in detail:
        said.append(_tried(detail.pop("action")))
    if entry.action == Action.SESSION_ENDED and (count := detail.pop("count", None)):
        said.append(ngettext("%(count)s session", "%(count)s sessions", count) % {"count": count})
    if query := detail.pop("filter", ""):
        said.append(unquote_plus(query.replace("&", ", ")))
    if fields := detail.pop("fields", None):
        said.append(_("fields: %(names)s") % {"names": ", ".join(fields)})
    state, done = detail.pop("state", ""), detail.pop("ok", True)
    if state:
        said.append(_("begun") if state == "begun" else _("done") if done else _("failed"))
    said += [_spoken(detail.pop(name)) for name in ("type", "methods") if detail.get(name)]
    detail.pop("methods", None)
    if detail.pop("unknown_name", False):
        said.append(_("a name that nobody has"))
    if entry.status and entry.status >= 500:
        said.append(_("broke off: it may have been done"))
    if entry.status and entry.status >= 400:
        said.append(f"{entry.status}: {_STATUS[entry.status]}" if entry.status in _STATUS else str(entry.status))
    return [*said, *(f"{_NAMES.get(name, name)}: {_text(value)}" for name, value in sorted(detail.items()))]


def file_row(entry: AccessEntry) -> dict[str, Any]:
    """An entry for programs: as it is stored, with its detail read."""
    row = {name: getattr(entry, name) for name in FILE_COLUMNS}
    row["at"] = entry.at.isoformat()
    row["accounts"] = entry.api_keys
    row["detail"] = entry.details
    return row


def _tried(action: str) -> str:
    if action in _TRIED:
        return str(_TRIED[Action(action)])
    label = Action(action).label if action in Action.values else action
    return _("tried: %(action)s") % {"action": label}


def _spoken(value: Any) -> str:
    words = value if isinstance(value, list) else [value]
    return ", ".join(str(_WORDS.get(word, word)) for word in map(str, words))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
