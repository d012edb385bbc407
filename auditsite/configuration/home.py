"""Where the code is, and which directory holds `.env` and `var`: the site's home.

A source tree is its own home. The installed command may be called anywhere, so only `run` and `demo` make a home of the
directory they are called in.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from auditsite.configuration import secret_files

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = Path(__file__).resolve().parents[1]
IN_SOURCE_TREE = (PACKAGE.parent / "manage.py").is_file()
# What holds `templates` and `locale`: beside the code in the source tree, within this package in a wheel.
RESOURCES = PACKAGE.parent if IN_SOURCE_TREE else PACKAGE
BEGINNING = frozenset({"run", "demo"})  # the commands that make a home
_passing: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


def find() -> Path:
    """The home of this process: AUDITSITE_HOME, else the source tree, else the directory it is called in.

    Raises:
        ImproperlyConfigured: there is none. If any directory were one, keys and empty archives would be left behind.
    """
    if named := os.environ.get("AUDITSITE_HOME"):
        home = Path(named).resolve()
        if not home.is_dir():
            raise ImproperlyConfigured(f"AUDITSITE_HOME names {named!r}, which is not a directory.")
        return home
    if IN_SOURCE_TREE:
        return PACKAGE.parent
    here = Path.cwd()
    if (here / ".env").exists() or "ENV_FILE" in os.environ or secret_files.is_given("SECRET_KEY"):
        return here
    raise ImproperlyConfigured(
        f"there is no .env in {here}. Change to the directory of your site, or name it in AUDITSITE_HOME; "
        "`auditsite run` begins a new site in the directory it is called in."
    )


def prepare(arguments: Sequence[str]) -> None:
    """Give the installed command a home where it has none but may have one. Call before the settings are read.

    `run` and `demo` make one where they are called. Who only asks for help gets one that ends with the process.
    """
    if IN_SOURCE_TREE or os.environ.get("AUDITSITE_HOME") or Path(".env").exists():
        return
    if _asks_for_help(arguments):
        _passing.append(tempfile.TemporaryDirectory(prefix="auditsite-help-"))
        os.environ["AUDITSITE_HOME"] = _passing[0].name
        for name, key in _fresh_keys().items():
            if not secret_files.is_given(name):
                os.environ[name] = key
    elif arguments[0] in BEGINNING:
        os.environ["AUDITSITE_HOME"] = str(Path.cwd())


def _asks_for_help(arguments: Sequence[str]) -> bool:
    if not arguments or arguments[0] in {"help", "version", "--version"}:
        return True
    return not {"-h", "--help"}.isdisjoint(arguments)


def _fresh_keys() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
        "SEAL_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def write_first_env_file(path: Path) -> None:
    """Write an env file with fresh random keys, readable by its owner only. Raises FileExistsError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    reference = "docs/reference.md" if IN_SOURCE_TREE else "`auditsite reference`"  # a wheel holds no documents
    text = (
        "# Written at the first start. Keep it secret and back it up: without CREDENTIAL_KEYS\n"
        f"# the stored API secrets cannot be read. {reference} describes every setting.\n"
    )
    text += "".join(f"{name}={key}\n" for name, key in _fresh_keys().items())
    # Written whole under another name and then linked: a start that is interrupted leaves no half a file, and two
    # processes starting at once do not overwrite each other's keys.
    descriptor, draft = tempfile.mkstemp(prefix=".env-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        os.unlink(draft)


def begin(path: Path) -> None:
    """Write the first env file, unless another process was quicker, and say so."""
    try:
        write_first_env_file(path)
    except FileExistsError:
        return
    shown, command = (path.name, "make run") if IN_SOURCE_TREE else (str(path), "auditsite run")
    following = "" if sys.argv[1:2] == ["run"] else f" Next: `{command}`."
    sys.stderr.write(
        f"Wrote {shown} with fresh random keys (readable by you only). Back it up: without it the stored API secrets "
        f"cannot be read.{following}\n"
    )
