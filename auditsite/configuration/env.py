"""Where every setting comes from: the environment, then `.env`, then the default stated here; secrets also from files.

Nothing in this module knows Django's settings: it declares them and fetches the env file; `reader.py` reads each. A
value that is missing or unsafe raises ``ImproperlyConfigured`` with a sentence that names the setting and says what to
do.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import environ
from django.core.exceptions import ImproperlyConfigured

from auditsite.configuration import home, login, secret_files

if TYPE_CHECKING:
    from pathlib import Path

BASE_DIR = home.find()
# What only the worker and commands may hold. Pages are what strangers talk to; whoever takes such a process over shall
# not be able to sign.
WORKER_ONLY = frozenset({"SEAL_KEY"})
_withheld: set[str] = set()


def become_web_process() -> None:
    """Hold nothing of WORKER_ONLY in this process and its children. Called by every entry point that serves pages,
    before it reads the settings."""
    _withheld.update(WORKER_ONLY)
    for name in secret_files.variables(WORKER_ONLY):
        os.environ.pop(name, None)


def is_withheld(name: str) -> bool:
    """Whether this process must not know a setting, wherever it stands."""
    return name in _withheld


def is_web_process() -> bool:
    """Whether this process serves pages."""
    return bool(_withheld)


@dataclass(frozen=True)
class Setting:
    """One setting: its name, what it is when nobody says anything, and what it is for.

    Attributes:
        confidential: "whole" where the value is a secret; "part" where it is an address that may hold a password.
    """

    name: str
    default: str | None
    help: str
    confidential: Literal["", "whole", "part"] = ""


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("SECRET_KEY", None, "Signs sessions and tokens: at least 40 random characters.", confidential="whole"),
        Setting("DEBUG", "false", "Django's debug pages. Only for development on your own machine."),
        Setting("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Host names the site answers to, comma-separated."),
        Setting("HTTPS", "auto", "true: secure cookies and HSTS. auto: true unless every allowed host is loopback."),
        Setting("TRUST_PROXY", "false", "true behind a reverse proxy that sets X-Forwarded-Proto itself."),
        Setting(
            "DATABASE_URL",
            "sqlite:///var/auditsite.sqlite3",
            "Where the archive lives; or postgres://...",
            confidential="part",
        ),
        Setting(
            "DATABASE_POOL",
            "auto",
            "Most connections of one process to PostgreSQL. auto: one for each thread and two spare; 0: no pool.",
        ),
        Setting(
            "QUEUE_URL",
            "auto",
            "The worker's queue. auto: a file beside SQLite, tables within PostgreSQL; or redis://... or postgres://...",
            confidential="part",
        ),
        Setting(
            "CACHE_URL",
            "database",
            "Where failed logins and the progress of exports are kept, for all processes: database or redis://... "
            "(tests: locmem://).",
            confidential="part",
        ),
        Setting(
            "CREDENTIAL_KEYS",
            None,
            "Fernet keys, comma-separated: the first encrypts, all decrypt.",
            confidential="whole",
        ),
        Setting(
            "SEAL_KEY",
            "",
            "Signs seals and evidence (`manage.py seal_key` makes one); read by the worker and commands only; "
            "empty: no seals.",
            confidential="whole",
        ),
        Setting("SEAL_PUBLIC_KEYS", "", "Earlier public keys, in hex, comma-separated: their seals still count."),
        Setting("SEAL_INTERVAL", "24h", "Time between two seals of an account that has new events."),
        Setting(
            "SEAL_CHANNELS",
            "",
            "Where seals are sent: a file's path, or apprise addresses (mailtos://, jsons://).",
            confidential="part",
        ),
        Setting(
            "EVIDENCE_DIR",
            "var/evidence",
            "Where evidence packs wait to be fetched: one directory for all web and worker processes.",
        ),
        Setting(
            "RETENTION_WAIT",
            "7d",
            "How long a shorter retention of an account waits before anything more is removed; at least an hour.",
        ),
        Setting("EVIDENCE_KEEP", "7d", "How long evidence packs can be fetched before they are deleted."),
        Setting("ACCESS_LOG_KEEP", "400d", "How long entries of the access log are kept; at least 30d."),
        Setting(
            "SITE_URL",
            "auto",
            "Where people open this site: the beginning of links in alerts and reports. auto: made of the first of "
            "ALLOWED_HOSTS.",
        ),
        Setting(
            "ALERT_TARGETS",
            "",
            "Where alerts may be sent besides public addresses: hosts, networks, or one port of them, comma-separated "
            "(chat.internal, 10.1.0.0/16, 127.0.0.1:8025).",
        ),
        Setting(
            "STREAM_TARGETS",
            "",
            "Where events may be streamed besides public addresses: entries as in ALERT_TARGETS (siem.internal:6514).",
        ),
        Setting(
            "STREAM_FILES",
            "",
            "A folder in which streams may write files, for a log shipper on the same machine; empty: none may.",
        ),
        Setting(
            "ALERT_MAIL_SERVER",
            "",
            "What sends alerts and reports by e-mail: smtps://user:password@host:465, smtp+starttls://... or, "
            "unencrypted, smtp://host:25; empty: no e-mail.",
            confidential="whole",
        ),
        Setting("ALERT_MAIL_FROM", "", "The address that alerts and reports by e-mail come from."),
        Setting("REPORT_CSV_ROWS", "10000", "Maximum rows of a CSV that a report carries; beyond that it only links."),
        Setting(
            "DETECTION_RULES",
            "",
            "A folder with detection rules of your own, as Sigma files (*.yml), beside those that ship; empty: none.",
        ),
        Setting("CHECK_INTERVAL", "7d", "Time between two comparisons of all counts with Nexmo's."),
        Setting("NEXMO_AUDIT_URL", "https://api.nexmo.com/beta/audit", "The Audit API. Plain http only to loopback."),
        Setting("NEXMO_REQUESTS_PER_SECOND", "1", "Maximum requests a second for one account; 0: no limit."),
        Setting("NEXMO_TIMEOUT", "30", "Seconds to wait for Nexmo to send something."),
        Setting("NEXMO_DATE_STYLE", "zulu", "How dates are sent: zulu, naive or date."),
        Setting("SYNC_INTERVAL", "5m", "Time between two syncs of an account, such as 90s, 5m or 1h."),
        Setting(
            "WATCH_INTERVAL",
            "15s",
            "Time between two syncs of an account in which something suspicious was found lately.",
        ),
        Setting(
            "WATCH_REQUESTS_PER_HOUR",
            "300",
            "Maximum requests an hour that such syncs make for one account; then SYNC_INTERVAL holds. 0: never faster.",
        ),
        Setting("SYNC_CONCURRENCY", "4", "How many accounts are synced in parallel."),
        Setting("EVENT_TIME_ZONE", "UTC", "The zone of the API's times, which carry none."),
        Setting("TIME_ZONE", "UTC", "The zone in which pages show times and read dates."),
        Setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
        Setting("LOG_FORMAT", "line", "line: for people. json: one object a line, for machines."),
        Setting("API_REQUESTS_PER_MINUTE", "600", "Maximum requests a minute with one API token."),
        Setting("API_TOKEN_DAYS", "365", "Longest life of an API token, in days: none is for ever."),
        *(
            Setting(*declared, confidential="whole" if declared[0] in login.SECRETS else "")
            for declared in login.SETTINGS
        ),
        Setting(
            "METRICS_TOKEN",
            "",
            "What Prometheus sends as Bearer token to read /metrics; empty: only logged in.",
            confidential="whole",
        ),
        Setting("WEB_PROCESSES", "2", "Processes of the web server on this machine; about one for each core."),
        Setting("WEB_THREADS", "4", "Threads of each: how many pages are served at once."),
    )
}


# Their values are never repeated, and hold whatever characters they like.
SECRETS = frozenset(setting.name for setting in SETTINGS.values() if setting.confidential == "whole")
# What may also be said by a file (`secret_files.py`).
FROM_FILES = frozenset(setting.name for setting in SETTINGS.values() if setting.confidential)


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
        values[name.strip()] = _unquoted(name.strip(), value.strip())
    return values


def _unquoted(name: str, value: str) -> str:
    """A value without its quotes. Between single ones a dollar is only a dollar, as in a shell."""
    if len(value) < 2 or value[0] != value[-1] or value[0] not in "'\"":
        return value
    inner = value[1:-1]
    if value[0] == "'" and name in SETTINGS and name not in SECRETS and "://" not in inner:
        return inner.replace("$", "\\$")
    return f"\\{inner}" if value[0] == "'" and inner.startswith("$") else inner


def load(path: Path | None = None) -> environ.Env:
    """Read the env file (writing one at the very first start) beneath the real environment."""
    has_key = secret_files.is_given("SECRET_KEY")
    if path and not path.exists() and (has_key or not path.parent.is_dir()):
        raise refuse("ENV_FILE", f"names {path}, which does not exist.")
    path = path or BASE_DIR / ".env"
    if not path.exists() and not has_key:
        home.begin(path)
    if path.exists():
        for name, value in read_env_file(path).items():
            if name not in secret_files.variables(_withheld):
                os.environ.setdefault(name, value)
    return environ.Env()


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
            "BACKEND": "auditsite.caches.SignedDatabaseCache",
            "LOCATION": "auditsite_cache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    if url.startswith(("redis://", "rediss://", "unix://")):
        return {
            "BACKEND": "auditsite.caches.SignedRedisCache",
            "LOCATION": url,
            "KEY_PREFIX": "auditsite",
        }
    if url in ("locmem://", "locmem:"):
        return {"BACKEND": "auditsite.caches.LocalCache"}
    raise refuse("CACHE_URL", "must be database, redis://... or locmem://.")


def cookie_prefix(secret_key: str, database: str, *, secure: bool) -> str:
    """What the names of a site's cookies begin with: browsers do not tell ports of one host apart. The same for every
    process and machine of a site. Where all is encrypted, no other host and no plain page can set a cookie of ours."""
    digest = hashlib.sha256(f"cookies:{secret_key}:{database}".encode()).hexdigest()[:8]
    return f"{'__Host-' if secure else ''}auditsite_{digest}_"


def port(name: str, default: int) -> int:
    """A port from the environment. Raises ImproperlyConfigured."""
    text = os.environ.get(name) or str(default)
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise refuse(name, f"must be a port from 1 to 65535, not {text!r}.")
    return int(text)
