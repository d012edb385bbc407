"""Where every setting comes from: the environment, then `.env`, then the default stated here.

Nothing in this module knows Django's settings: it reads, checks and explains. A value that is missing or unsafe
raises ``ImproperlyConfigured`` with a sentence that names the setting and says what to do.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import secrets
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Setting:
    """One setting: its name, what it is when nobody says anything, and what it is for."""

    name: str
    default: str | None
    help: str


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("SECRET_KEY", None, "Signs sessions and tokens: at least 40 random characters."),
        Setting("DEBUG", "false", "Django's debug pages. Only for development on your own machine."),
        Setting("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Host names the site answers to, comma-separated."),
        Setting("HTTPS", "auto", "true: secure cookies and HSTS. auto: true unless every allowed host is loopback."),
        Setting("TRUST_PROXY", "false", "true behind a reverse proxy that sets X-Forwarded-Proto itself."),
        Setting("DATABASE_URL", "sqlite:///var/auditsite.sqlite3", "Where the archive lives; or postgres://..."),
        Setting(
            "DATABASE_POOL",
            "auto",
            "Most connections of one process to PostgreSQL. auto: one for each thread and two spare; 0: no pool.",
        ),
        Setting(
            "QUEUE_URL",
            "auto",
            "The worker's queue. auto: a file beside SQLite, tables within PostgreSQL; or redis://... or postgres://...",
        ),
        Setting(
            "CACHE_URL",
            "database",
            "Where failed logins and the progress of exports are kept, for all processes: database or redis://... "
            "(tests: locmem://).",
        ),
        Setting("CREDENTIAL_KEYS", None, "Fernet keys, comma-separated: the first encrypts, all decrypt."),
        Setting("SEAL_KEY", "", "Signs the seals of the archive (`manage.py seal_key` makes one); empty: no seals."),
        Setting("SEAL_PUBLIC_KEYS", "", "Earlier public keys, in hex, comma-separated: their seals still count."),
        Setting("SEAL_INTERVAL", "24h", "Time between two seals of an account that has new events."),
        Setting(
            "SEAL_CHANNELS", "", "Where seals are sent: a file's path, or apprise addresses (mailtos://, jsons://)."
        ),
        Setting(
            "EVIDENCE_DIR",
            "var/evidence",
            "Where evidence packs wait to be fetched: one directory for all web and worker processes.",
        ),
        Setting("EVIDENCE_KEEP", "7d", "How long evidence packs can be fetched before they are deleted."),
        Setting("CHECK_INTERVAL", "7d", "Time between two comparisons of all counts with Nexmo's."),
        Setting("NEXMO_AUDIT_URL", "https://api.nexmo.com/beta/audit", "The Audit API. Plain http only to loopback."),
        Setting("NEXMO_REQUESTS_PER_SECOND", "1", "At most so many requests a second for one account; 0: no limit."),
        Setting("NEXMO_TIMEOUT", "30", "Seconds to wait for Nexmo to send something."),
        Setting("NEXMO_DATE_STYLE", "zulu", "How dates are sent: zulu, naive or date."),
        Setting("SYNC_INTERVAL", "5m", "Time between two syncs of an account, such as 90s, 5m or 1h."),
        Setting("SYNC_CONCURRENCY", "4", "How many accounts are synced side by side."),
        Setting("EVENT_TIME_ZONE", "UTC", "The zone of the API's times, which carry none."),
        Setting("TIME_ZONE", "UTC", "The zone in which pages show times and read dates."),
        Setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
        Setting("LOG_FORMAT", "line", "line: for people. json: one object a line, for machines."),
        Setting("METRICS_TOKEN", "", "What Prometheus sends as Bearer token to read /metrics; empty: only logged in."),
        Setting("WEB_PROCESSES", "2", "Processes of the web server on this machine; about one for each core."),
        Setting("WEB_THREADS", "4", "Threads of each of them: so many pages at once."),
    )
}


def refuse(name: str, why: str) -> ImproperlyConfigured:
    """The error for a setting that must not be used as it is."""
    return ImproperlyConfigured(f"{name} {why}")


def read_env_file(path: Path) -> dict[str, str]:
    """The NAME=value lines of an env file.

    Raises:
        ImproperlyConfigured: a line is neither blank, a comment nor NAME=value, or the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error}") from None
    values: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            # The line itself is not repeated: it may hold half a secret.
            raise ImproperlyConfigured(f"{path}, line {number}: expected NAME=value.")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[name.strip()] = value
    return values


def write_first_env_file(path: Path) -> None:
    """Write an env file with fresh random keys, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (
        "# Written at the first start. Keep it secret and back it up: without CREDENTIAL_KEYS\n"
        "# the stored API secrets cannot be read. Every setting is described in .env.example.\n"
        f"SECRET_KEY={secrets.token_urlsafe(50)}\n"
        f"CREDENTIAL_KEYS={Fernet.generate_key().decode()}\n"
        f"SEAL_KEY={base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}\n"
    )
    # O_EXCL: two processes starting at once must not overwrite each other's keys.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def load(path: Path | None = None) -> environ.Env:
    """Read the env file (writing one at the very first start) beneath the real environment."""
    path = path or BASE_DIR / ".env"
    if not path.exists() and "SECRET_KEY" not in os.environ:
        try:
            write_first_env_file(path)
        except FileExistsError:
            pass
        else:
            sys.stderr.write(
                f"Wrote {path.name} with fresh random keys (readable by you only). Next: `manage.py migrate`, "
                "`manage.py createsuperuser`, then `make run`, and add your Nexmo accounts under /admin/.\n"
            )
    if path.exists():
        for name, value in read_env_file(path).items():
            os.environ.setdefault(name, value)
    return environ.Env()


class Reader:
    """Typed, checked access to SETTINGS; every method raises ImproperlyConfigured with a sentence."""

    def __init__(self, env: environ.Env) -> None:
        self.env = env

    def text(self, name: str) -> str:
        default = SETTINGS[name].default
        return str(self.env.str(name, default=default if default is not None else "")).strip()

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

    def duration(self, name: str) -> timedelta:
        match = re.fullmatch(r"(\d+)\s*([smhd]?)", self.text(name).lower())
        if not match or not int(match[1]):
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
        trouble = "cannot be read: expected sqlite:///path or postgres://user@host/name."
        try:
            config: dict[str, Any] = self.env.db_url_config(self.text(name))
        except (ImproperlyConfigured, ValueError, LookupError, TypeError, AttributeError):
            # The address is not repeated: it may hold a password.
            raise refuse(name, trouble) from None
        if config.get("ENGINE") not in ("django.db.backends.sqlite3", "django.db.backends.postgresql"):
            raise refuse(name, trouble)
        if config["ENGINE"].endswith("sqlite3") and config["NAME"] != ":memory:":
            file = BASE_DIR / config["NAME"]
            file.parent.mkdir(parents=True, exist_ok=True)
            config["NAME"] = str(file)
        return config


def is_loopback(host: str) -> bool:
    """Whether a host name or address, with or without brackets, is this machine itself."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_secret_key(value: str) -> str:
    """Refuse a missing, short or well-known SECRET_KEY."""
    advice = "Run `python -c 'import secrets; print(secrets.token_urlsafe(50))'` and put the result in .env."
    if not value:
        raise refuse("SECRET_KEY", f"is missing. {advice}")
    if len(value) < 40 or len(set(value)) < 10 or value.startswith("django-insecure-"):
        raise refuse("SECRET_KEY", f"is not random enough to sign sessions with. {advice}")
    return value


def check_credential_keys(values: list[str]) -> list[str]:
    """Refuse keys that Fernet cannot use; the keys themselves are never repeated."""
    advice = (
        "Run `python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'` "
        "and put the result in .env."
    )
    if not values:
        raise refuse("CREDENTIAL_KEYS", f"is missing: API secrets cannot be encrypted. {advice}")
    for position, value in enumerate(values, start=1):
        try:
            Fernet(value)
        except ValueError:
            raise refuse("CREDENTIAL_KEYS", f"holds no Fernet key at position {position}. {advice}") from None
    return values


def check_seal_key(value: str) -> str:
    """Refuse a signing key that is none; the key itself is never repeated."""
    try:
        if value and len(base64.urlsafe_b64decode(value)) != 32:
            raise ValueError
    except (ValueError, binascii.Error):
        raise refuse("SEAL_KEY", "is no key: expected 32 bytes in base64, as `manage.py seal_key` makes.") from None
    return value


def check_public_keys(values: list[str]) -> list[str]:
    """Refuse public keys that are none."""
    for value in values:
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise refuse("SEAL_PUBLIC_KEYS", f"holds {value[:12]!r}, which is no public key: expected 64 hex digits.")
    return values


def check_metrics_token(value: str) -> str:
    """Refuse a token that can be guessed; the token itself is never repeated."""
    if value and (len(value) < 20 or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", value)):
        raise refuse(
            "METRICS_TOKEN",
            "must be at least 20 random letters and digits. "
            "Run `python -c 'import secrets; print(secrets.token_urlsafe(32))'` and put the result in .env.",
        )
    return value


def pool_size(text: str, threads: int) -> int:
    """How many connections a process may hold: 0 without a pool, else enough for every thread of it."""
    least = threads + 2  # the worker also looks for work, and a command runs beside its threads
    if text.lower() == "auto":
        return least
    if not text.isdecimal() or len(text) > 4 or 0 < int(text) < least:
        raise refuse("DATABASE_POOL", f"must be auto, 0 (no pool), or a number of at least {least}: threads and two.")
    return int(text)


def cache(url: str) -> dict[str, Any]:
    """A Django cache dictionary for an address; the address is not repeated, because it may hold a password."""
    if url in ("database", "db://"):
        # Room for many: entries that are pushed out are logins that are no longer counted.
        return {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "auditsite_cache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    if url.startswith(("redis://", "rediss://", "unix://")):
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": "auditsite",
        }
    if url in ("locmem://", "locmem:"):
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    raise refuse("CACHE_URL", "must be database, redis://... or locmem://.")


def check_hosts(hosts: list[str], *, debug: bool, https: bool) -> list[str]:
    """Refuse hosts that are missing, too wide, or public without HTTPS or with debug pages."""
    public = [host for host in hosts if not is_loopback(host)]
    if not hosts:
        raise refuse("ALLOWED_HOSTS", "is empty: name the hosts the site is reached under.")
    if "*" in hosts:
        raise refuse("ALLOWED_HOSTS", "must not contain *: name the hosts the site is reached under.")
    if debug and public:
        raise refuse("DEBUG", f"must be false when ALLOWED_HOSTS names a public host ({public[0]}).")
    if public and not https:
        raise refuse("HTTPS", f"must be true when ALLOWED_HOSTS names a public host ({public[0]}).")
    return hosts


def check_audit_url(value: str) -> str:
    """Refuse an Audit API address that would send credentials in the clear or cannot be one."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise refuse("NEXMO_AUDIT_URL", "cannot be read as an address.") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise refuse("NEXMO_AUDIT_URL", f"must be an address such as {SETTINGS['NEXMO_AUDIT_URL'].default}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise refuse("NEXMO_AUDIT_URL", "must hold no user name, query or fragment: only host and path.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise refuse("NEXMO_AUDIT_URL", "must use https: plain http would send the API secret in the clear.")
    return value.rstrip("/")


def port(name: str, default: int) -> int:
    """A port from the environment. Raises ImproperlyConfigured."""
    text = os.environ.get(name) or str(default)
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise refuse(name, f"must be a port from 1 to 65535, not {text!r}.")
    return int(text)
