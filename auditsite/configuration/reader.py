"""Reading one setting: its text from the environment or a file, then as what it must be."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from auditsite.configuration import database_url, secret_files
from auditsite.configuration.env import BASE_DIR, FROM_FILES, SECRETS, SETTINGS, is_withheld, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import environ

# A variable, and one that is a whole part of an address or a list.
REFERENCE = re.compile(r"\$(?:\{[^{}]*\}|[A-Za-z_]\w*)", re.ASCII)
WHOLE_REFERENCE = re.compile(r"(?:(?<=[/:@,=])|^)\$(?:\{[^{}]*\}|[A-Za-z_]\w*)(?=[/:@,?&]|$)", re.ASCII)
SECRET_WORDS = ("pass", "secret", "token")  # in the names of an address's parameters


def _shown_reference(name: str, value: str) -> str:
    """A variable within a value, as it may be shown; empty where there is none."""
    if whole := WHOLE_REFERENCE.search(value):
        # Before an @ it is a password, which may itself begin with a dollar.
        return "a variable in place of a password" if value[whole.end() :].startswith("@") else whole[0]
    if name == "SEAL_CHANNELS":  # of addresses any part may be a token
        value = ",".join(channel for channel in value.split(",") if "://" not in channel)
    within = REFERENCE.search(_without_credentials(value).replace("\\$", ""))
    return within[0] if within else ""


def _without_credentials(address: str) -> str:
    """An address without what may be a secret, in which a dollar is only a dollar."""
    scheme, mark, rest = address.partition("://")
    place, question, query = (rest.rpartition("@")[2] if mark else address).partition("?")
    open_parameters = (
        parameter
        for parameter in query.split("&")
        if not any(word in parameter.partition("=")[0].lower() for word in SECRET_WORDS)
    )
    return f"{scheme if mark else ''}{mark}{place}{question}{'&'.join(open_parameters)}"


class Reader:
    """Typed, checked access to SETTINGS; every method raises ImproperlyConfigured with a sentence."""

    def __init__(self, env: environ.Env) -> None:
        self.env = env

    def text(self, name: str) -> str:
        """A setting as it is written, or the value of the variable that `$NAME` points to; a secret's file as it is."""
        if is_withheld(name):
            return SETTINGS[name].default or ""
        if name in FROM_FILES and (secret := secret_files.read(name, self.env.ENVIRON, BASE_DIR)) is not None:
            return secret
        given: str | None = self.env.ENVIRON.get(name)
        if given is None:
            return SETTINGS[name].default or ""
        value = given.strip()
        if re.search(r"\s#", value):
            raise refuse(name, "seems to end in a comment. A comment stands on a line of its own.")
        if value.startswith("\\$"):
            return value[1:]
        if value.startswith("$"):
            value = self._follow(name, value)
        if name in SECRETS or value.startswith("$"):
            return value
        if shown := _shown_reference(name, value):
            raise refuse(
                name,
                f"holds {shown}. A variable is replaced only where it is the whole value; a $ that is meant as such is "
                "written %24 in an address and \\$ elsewhere.",
            )
        return value if "://" in value else value.replace("\\$", "$")

    def _follow(self, name: str, value: str) -> str:
        """What another variable holds. Never empty: a setting that points to nothing is a mistake, not a default."""
        how = f"A $ at the beginning of {name} means another variable; write \\$ for the character itself."
        passed: set[str] = set()
        while value.startswith("$"):
            match = re.fullmatch(r"\$(?:\{(\w+)\}|(\w+))", value, re.ASCII)
            target = (match[1] or match[2]) if match else ""
            if not target or target[0].isdecimal():
                raise refuse(name, f"begins with $, but what follows is not the name of a variable. {how}")
            # What looks like a secret may be one, whose first character happens to be a dollar.
            shown = f"the variable {target}" if target.isupper() or len(target) < 20 else "a variable"
            if target in passed or target == name:
                raise refuse(name, f"points to {shown}, which points back to it. {how}")
            passed.add(target)
            value = self.env.ENVIRON.get(target, "").strip()
            if not value:
                state = "empty" if target in self.env.ENVIRON else "not set"
                raise refuse(name, f"points to {shown}, which is {state}. {how}")
        return value.removeprefix("\\") if value.startswith("\\$") else value

    def list(self, name: str) -> list[str]:
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def boolean(self, name: str) -> bool:
        word = self.text(name).lower()
        if word in {"1", "true", "yes", "on"}:
            return True
        if word in {"0", "false", "no", "off", ""}:
            return False
        raise refuse(name, f"must be true or false, not {word!r}.")

    def number(self, name: str, *, least: float, most: float) -> float:
        try:
            value = float(self.text(name))
        except ValueError:
            raise refuse(name, f"must be a number, not {self.text(name)!r}.") from None
        if not least <= value <= most:
            raise refuse(name, f"must lie between {least:g} and {most:g}, not {value:g}.")
        return value

    def whole(self, name: str, *, least: int, most: int) -> int:
        value = self.number(name, least=least, most=most)
        if value != int(value):
            raise refuse(name, f"must be a whole number, not {value:g}.")
        return int(value)

    def duration(self, name: str, *, may_be_none: bool = False) -> timedelta:
        match = re.fullmatch(r"(\d+)\s*([smhd]?)", self.text(name).lower())
        if not match or not (may_be_none or int(match[1])):
            raise refuse(name, f"must be a time such as 90s, 5m or 1h, not {self.text(name)!r}.")
        if len(match[1]) > 7:
            raise refuse(name, "is too long; at most 9999999 of a unit.")
        unit = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
        return timedelta(**{unit: int(match[1])})

    def zone(self, name: str) -> str:
        value = self.text(name)
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError):
            raise refuse(name, f"must be a time zone such as UTC or Europe/Madrid, not {value!r}.") from None
        return value

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        value = self.text(name)
        if value not in allowed:
            raise refuse(name, f"must be one of {', '.join(allowed)}, not {value!r}.")
        return value

    def database(self, name: str) -> dict[str, Any]:
        """A Django database dictionary; a relative SQLite path is relative to the project."""
        try:
            return database_url.parse(self.text(name), self.env, BASE_DIR)
        except ValueError as error:
            raise refuse(name, str(error)) from None
        except OSError as error:
            raise refuse(name, f"cannot be used: {error.strerror}.") from None
