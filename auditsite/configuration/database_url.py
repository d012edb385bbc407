"""DATABASE_URL: the path of an SQLite file as it is written (QUEUE_URL's too), or an address of PostgreSQL.

Every refusal is a ``ValueError`` whose words follow the setting's name. None repeats the address, because it may hold
a password.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    import environ

SQLITE = "django.db.backends.sqlite3"
EXPECTED = "cannot be read: expected sqlite:///path or postgres://user@host/name."
ESCAPE = (
    "holds a character in its user name or password that must be escaped: write / as %2F, ? as %3F, # as %23, "
    "[ as %5B, ] as %5D, @ as %40 and % as %25."
)


def parse(url: str, env: environ.Env, base: Path) -> dict[str, Any]:
    """Django's dictionary for a database. A relative SQLite path is relative to ``base``.

    Raises:
        ValueError: the address cannot be used, and why.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme == "sqlite":
        return _sqlite(rest, base)
    if colon and scheme in {"postgres", "postgresql", "pgsql", "psql"} and rest.startswith("//"):
        return _postgres(f"postgres:{rest}", env)
    raise ValueError(EXPECTED)


def _sqlite(rest: str, base: Path) -> dict[str, Any]:
    if rest in ("//:memory:", "///:memory:"):
        return {"ENGINE": SQLITE, "NAME": ":memory:"}
    return {"ENGINE": SQLITE, "NAME": str(sqlite_file(rest, base))}


def sqlite_file(rest: str, base: Path) -> Path:
    """The file that an address names, by what follows ``sqlite:`` in it. Only directories below ``base`` are made.

    Raises:
        ValueError: the address cannot be used, and why.
    """
    if not rest.startswith("///"):
        raise ValueError("needs three slashes before a relative path and four before an absolute one: sqlite:///path.")
    path = rest[3:]
    if re.search(r"\?\w+=[^/]*$", path):
        raise ValueError("takes no options for SQLite. A ? that belongs to the file's name is written %3F.")
    path = unquote(path)  # not unquote_plus: a plus in a path is a plus
    if not path or path.endswith("/") or "\0" in path:
        raise ValueError("names no file: expected sqlite:///path.")
    file = base / path
    if file.is_dir():
        raise ValueError(f"names a directory, not a file: {file}.")
    if file.is_relative_to(base):
        file.parent.mkdir(parents=True, exist_ok=True)
    elif not file.parent.is_dir():
        # A mistyped path would otherwise become an empty archive, or a queue that nobody else reads, somewhere else.
        raise ValueError(f"names a file in {file.parent}, and there is no such directory. Make it, or mend the path.")
    return file


def _postgres(url: str, env: environ.Env) -> dict[str, Any]:
    authority = re.split(r"[/?#]", url.removeprefix("postgres://"), maxsplit=1)[0]
    _refuse_unescaped(authority, url.removeprefix(f"postgres://{authority}"))
    # django-environ reads a plus as a blank, which is right in a query only.
    address, mark, query = url.partition("?")
    try:
        config: dict[str, Any] = env.db_url_config(address.replace("+", "%2B") + mark + query)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ValueError(EXPECTED) from None
    host = unquote(authority.rpartition("@")[2])
    if host.startswith("/"):  # a socket's directory, as libpq has it in an address; letters keep their case
        directory, port = re.fullmatch(r"(.*?)(?::(\d*))?", host, re.DOTALL).groups()  # type: ignore[union-attr]
        config["HOST"], config["PORT"] = directory, int(port) if port else ""
    if not config["NAME"] and "service" not in config.get("OPTIONS", {}):
        raise ValueError("names no database: expected postgres://user@host/name.")
    return config


def _refuse_unescaped(authority: str, rest: str) -> None:
    """Refuse an address in which a user name or password ends too early, at a character of its own."""
    credentials, at, _ = authority.rpartition("@")
    if re.search(r"%(?![0-9A-Fa-f]{2})", credentials) or re.search(r"[\[\]]", credentials):
        raise ValueError(ESCAPE)
    # An @ is a user's in ?user=name@server only; anywhere else behind the host it ends a password that was cut off.
    if not at and "@" in rest and not re.fullmatch(r"(?:/[^/?#@]*+)++\?(?:\w++=[^&#]*+&?)++", rest):
        raise ValueError(ESCAPE)
    if "#" in rest:
        raise ValueError(ESCAPE if not at else "holds a # that must be escaped: write it as %23.")
    try:
        _ = urlsplit(f"postgres://{authority}").port
    except ValueError:
        if "," not in authority:  # several hosts have a port each
            raise ValueError(f"has a port that is not a number, or {ESCAPE}") from None
