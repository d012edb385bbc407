"""Secrets out of files instead of the environment, which every child process inherits and crash reports print.

A secret setting NAME is read from the file that NAME_FILE names, or from NAME in `$CREDENTIALS_DIRECTORY`, where
systemd puts what a unit's `LoadCredential=` lists. A file holds the value and nothing else.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SUFFIX, DIRECTORY = "_FILE", "CREDENTIALS_DIRECTORY"
LARGEST = 65_536  # bytes
# Where container engines show secrets to one container alone, with whatever mode they like.
CONTAINERS = Path("/run/secrets")
_warned: set[Path] = set()


def variables(names: Collection[str]) -> frozenset[str]:
    """The variables of the environment that may say these settings."""
    return frozenset(variable for name in names for variable in (name, f"{name}{SUFFIX}"))


def is_given(name: str) -> bool:
    """Whether the environment or a credential says a setting; not whether it can be read."""
    return not os.environ.keys().isdisjoint(variables({name})) or _credential(name, os.environ) is not None


def read(name: str, environment: Mapping[str, str], home: Path) -> str | None:
    """What a file says a setting is, without the line's end; None where none is named.

    Args:
        home: where relative paths begin.

    Raises:
        ImproperlyConfigured: the setting is said twice, or its file cannot be read. The value is never repeated.
    """
    sources: dict[str, Path] = {}
    if named := environment.get(f"{name}{SUFFIX}", "").strip():
        sources[f"{name}{SUFFIX}"] = home / named
    if credential := _credential(name, environment):
        sources[f"the credential {name}"] = credential
    if not sources:
        return None
    said_by = [*([name] if environment.get(name, "").strip() else []), *sources]
    if len(said_by) > 1:
        raise ImproperlyConfigured(f"{name} is set twice, by {' and '.join(said_by)}. Keep one of them.")
    ((source, path),) = sources.items()
    return _text(source, path)


def _credential(name: str, environment: Mapping[str, str]) -> Path | None:
    directory = environment.get(DIRECTORY, "")
    path = Path(directory) / name
    return path if directory and os.path.lexists(path) else None


def _text(source: str, path: Path) -> str:
    says = "names" if source.endswith(SUFFIX) else "is"
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImproperlyConfigured(f"{source} {says} {path}, which is a directory: name the file itself.")
        if not stat.S_ISREG(mode):
            raise ImproperlyConfigured(f"{source} {says} {path}, which is no regular file: each process reads it anew.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise ImproperlyConfigured(f"{source} {says} {path}, which {why}.") from None
    if len(content) > LARGEST:
        raise ImproperlyConfigured(f"{source} {says} {path}, which is too long for a setting ({LARGEST:,} bytes).")
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{source} {says} {path}, which is not UTF-8 text.") from None
    if not text.strip():
        raise ImproperlyConfigured(f"{source} {says} {path}, which is empty.")
    _warn_if_open(source, path, mode)
    return text


def _warn_if_open(source: str, path: Path, mode: int) -> None:
    """Say once where everybody on the machine can read a secret; a closed directory above the file closes it too."""
    real = path.resolve()
    if not mode & stat.S_IROTH or real.is_relative_to(CONTAINERS) or path in _warned or not _is_open_above(real):
        return
    _warned.add(path)
    sys.stderr.write(f"{source}: everybody on this machine can read {path}. chmod o-rwx it.\n")


def _is_open_above(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
