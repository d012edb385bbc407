"""docs/reference.md, made from the declarations themselves: filters, addresses, commands and settings."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from django.core.management import get_commands, load_command_class
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.translation import override

from auditsite.configuration.env import FROM_FILES, SETTINGS
from events.reading.filterable import DIMENSIONS, PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

OUR_APPS = ("accounts", "auditsite", "events")
# Views of other packages, which do not say in our words what they are.
OTHERS = {
    "home": "Leads to `/events/`, with its query.",
    "account_login": "The login of site and admin.",
    "account_logout": "Asks whether to log out, and does so.",
    "account_inactive": "Shown to people whose login is disabled.",
    "account_reauthenticate": "Asks for the password again before something sensitive.",
    "account_change_password": "Change the password.",
    "mfa_index": "The second factor: on, off, recovery codes.",
    "mfa_authenticate": "The second step of the login.",
    "mfa_reauthenticate": "Asks for the second factor again before something sensitive.",
    "mfa_activate_totp": "Turn the second factor on.",
    "mfa_deactivate_totp": "Turn it off.",
    "mfa_view_recovery_codes": "The recovery codes.",
    "mfa_generate_recovery_codes": "New recovery codes.",
    "mfa_list_webauthn": "Passkeys and security keys.",
    "mfa_add_webauthn": "Add a passkey or security key.",
    "mfa_edit_webauthn": "Rename it.",
    "mfa_remove_webauthn": "Remove it.",
    "mfa_login_webauthn": "The login by passkey.",
    "mfa_reauthenticate_webauthn": "Asks for a passkey again before something sensitive.",
    "mfa_download_recovery_codes": "The recovery codes as a file.",
}
# Of no use to anybody who types an address: what pages load, and what allauth looks up by name.
UNSAID = frozenset(
    {"asset", "admin_redirect", "account_signup", "account_reset_password", "account_set_password", "account_email"}
)

_HEAD = """\
# Reference

<!-- Written by `manage.py reference --output docs/reference.md`; a test compares. Change the declarations instead. -->

"""
_PARAMETERS = """\
## Parameters

Of every list of events, its overview and its exports (declared in `events/reading/filterable.py`). The address is the
query: it can be shared, bookmarked and saved as a view. [searching.md](searching.md) says how they go together.

"""
_ADDRESSES = """\
## Addresses

Everything but `/login/`, `/healthz`, `/readyz`, static files and, while nobody exists, `/welcome/` asks for a login
(`/metrics` takes a token instead). Anything you may not see is "not found". `/admin/` is the Django admin.

"""
_COMMANDS = """\
## Commands

`manage.py COMMAND --help` lists a command's options. Where the package is installed, `manage.py` is called `auditsite`.

"""
_SETTINGS = """\
## Settings

From the environment, else from `.env` (declared in `auditsite/configuration/env.py`). Missing or unsafe values stop the
start with a sentence that says which. A value `$NAME` is taken from the variable NAME, which must be set, and only
where it is the whole value; `\\$` is a dollar (`%24` in an address). In `DATABASE_URL` an SQLite path stands as it is,
a PostgreSQL socket as `postgres://%2Fvar%2Frun%2Fpostgresql/name`, and a password is percent-encoded. Relative paths
begin where `.env` is: in the source tree, or in the directory that `AUDITSITE_HOME` names. `ENV_FILE` names another
file than `.env`.

A setting that says `_FILE` may also stand in a file of its own, which holds the value and nothing else: `NAME_FILE`
names it, or it is the credential NAME of systemd (`LoadCredential=NAME:/path`). A line's end after the value is left
out; `$` and `#` mean only themselves. A setting that is said twice stops the start.

"""


def page() -> str:
    """The whole document."""
    with override("en"):
        parts = (
            _HEAD,
            _PARAMETERS + _table(("parameter", "in the search box", "what it does"), _parameters()),
            _ADDRESSES + _table(("address", "what is there"), _addresses()),
            _COMMANDS + _table(("command", "what it does"), _commands()),
            _SETTINGS + _table(("setting", "default", "meaning"), _settings()),
        )
    return parts[0] + "\n".join(parts[1:])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(text: object) -> str:
    """Plain words as a cell: nothing in them is markup but backticks."""
    joined = " ".join(str(text).split())
    outside = re.split(r"(`[^`]*`)", joined)
    return "".join(part if part.startswith("`") else re.sub(r"([|*<])", r"\\\1", part) for part in outside)


def _parameters() -> Iterator[Sequence[str]]:
    for name, parameter in PARAMETERS.items():
        repeats = " A minus before a value excludes it." if name in DIMENSIONS else ""
        yield f"`{name}`", " ".join(f"`{word}:`" for word in parameter.words), _text(parameter.help) + repeats


def views(patterns: Any = None, path: str = "/", space: str = "") -> Iterator[tuple[str, str, Any]]:
    """Name, address and view of every path of the URLconf but the admin's."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name or ''}", f"{path}{pattern.pattern}", pattern.callback
        elif isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from views(pattern.url_patterns, f"{path}{pattern.pattern}", inner)


def _addresses() -> Iterator[Sequence[str]]:
    """A line for each view: lists of one account and of all are one view, with two addresses."""
    lines: dict[Any, tuple[list[str], str]] = {}
    for name, address, view in views():
        if name in UNSAID:
            continue
        words = OTHERS.get(name) or (inspect.getdoc(view) or "").partition("\n\n")[0]
        key = name if name in OTHERS else view
        lines.setdefault(key, ([], words))[0].append(f"`{re.sub(r'<[a-z_]+:', '<', address)}`")
    for addresses, words in lines.values():
        yield ", ".join(dict.fromkeys(addresses)), _text(words)


def _commands() -> Iterator[Sequence[str]]:
    for name, app in sorted(get_commands().items()):
        if app in OUR_APPS:
            yield f"`{name}`", _text(load_command_class(str(app), name).help)


def _settings() -> Iterator[Sequence[str]]:
    for name, setting in SETTINGS.items():
        default = "(required)" if setting.default is None else f"`{setting.default}`" if setting.default else "empty"
        from_file = " Or a file: `_FILE`." if name in FROM_FILES else ""
        yield f"`{name}`", default, _text(setting.help) + from_file
