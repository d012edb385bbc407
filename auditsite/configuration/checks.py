"""What the values of settings must be like. Each check returns the value or raises ``ImproperlyConfigured``."""

from __future__ import annotations

import ipaddress
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from auditsite.configuration import database_url
from auditsite.configuration.env import BASE_DIR, SETTINGS, refuse
from events.outbound.targets import read_rule

if TYPE_CHECKING:
    from pathlib import Path

# Labels of letters, digits and hyphens (underscores: names of containers); a leading dot means all names below.
HOST = re.compile(r"(?=.{1,253}$)\.?(?!-)(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")


def is_ip_address(host: str) -> bool:
    """Whether a host is an address: bare for version 4, in brackets for version 6."""
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        return ipaddress.ip_address(host[1:-1] if bracketed else host).version == (6 if bracketed else 4)
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a host name or address, with or without brackets, is this machine itself."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secret_key(value: str) -> str:
    """Refuse a missing, short or well-known SECRET_KEY."""
    advice = "Run `python -c 'import secrets; print(secrets.token_urlsafe(50))'` and put the result in .env."
    if not value:
        raise refuse("SECRET_KEY", f"is missing. {advice}")
    if len(value) < 40 or len(set(value)) < 10 or value.startswith("django-insecure-"):
        raise refuse("SECRET_KEY", f"is not random enough to sign sessions with. {advice}")
    return value


def credential_keys(values: list[str]) -> list[str]:
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


def seal_key(value: str) -> str:
    """Refuse what is not a signing key; the key itself is never repeated."""
    if value and not re.fullmatch(r"[A-Za-z0-9_-]{43}=", value):
        raise refuse("SEAL_KEY", "is not a key: expected 32 bytes in URL-safe base64; docs/operating.md makes one.")
    return value


def public_keys(values: list[str]) -> list[str]:
    """Refuse what is not a public key."""
    for value in values:
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise refuse(
                "SEAL_PUBLIC_KEYS", f"holds {value[:12]!r}, which is not a public key: expected 64 hex digits."
            )
    return values


def seal_channels(values: list[str]) -> list[str]:
    """Refuse a channel that is neither an address nor a file in a directory that exists; it may hold a password."""
    for position, value in enumerate(values, start=1):
        if "://" in value:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", value):
                raise refuse("SEAL_CHANNELS", f"holds no address at position {position}: expected scheme://...")
        elif not (BASE_DIR / value).parent.is_dir() or (BASE_DIR / value).is_dir():
            raise refuse(
                "SEAL_CHANNELS",
                f"names {value!r}: neither an address (scheme://...) nor a file in a directory that exists.",
            )
    return values


def evidence_dir(value: str) -> Path:
    """Refuse what is no directory and cannot become one: its parent must exist."""
    path = BASE_DIR / value
    if not value or (path.exists() and not path.is_dir()):
        raise refuse("EVIDENCE_DIR", f"must name a directory, not {value!r}.")
    if not path.exists() and not path.parent.is_dir() and path.parent != BASE_DIR / "var":
        raise refuse("EVIDENCE_DIR", f"names {value!r}, but the directory above it does not exist.")
    return path


def retention_wait(value: timedelta) -> timedelta:
    """Refuse a wait so short that nobody would see it."""
    if value < timedelta(hours=1):
        raise refuse("RETENTION_WAIT", "must be at least 1h, so that others see it coming.")
    return value


def session_max(value: timedelta, idle: timedelta) -> timedelta:
    """Refuse a longest session that is shorter than an idle one, or than people can work with."""
    if idle < timedelta(minutes=2):
        raise refuse("SESSION_IDLE", "must be at least 2m: people read before they go on.")
    if value < idle:
        raise refuse("SESSION_MAX", "must not be shorter than SESSION_IDLE.")
    return value


def access_log_keep(value: timedelta) -> timedelta:
    """Refuse to forget within days who did what; the database would refuse it too."""
    if value < timedelta(days=30):
        raise refuse("ACCESS_LOG_KEEP", "must be at least 30d.")
    return value


def rules_folder(value: str) -> Path | None:
    """Refuse what is no folder, or cannot be looked into: its rules would find nothing, and nobody would be told."""
    if not value:
        return None
    path = BASE_DIR / value
    try:
        if not path.is_dir():
            raise refuse("DETECTION_RULES", f"must name a folder, not {value!r}.")
        next(path.iterdir(), None)
    except OSError as error:
        raise refuse("DETECTION_RULES", f"names {value!r}, which cannot be read: {error.strerror}.") from None
    return path


def queue_url(value: str) -> str:
    """Refuse a queue in an SQLite file whose directory does not exist, as for DATABASE_URL. Its path becomes absolute;
    other addresses are the queue's to judge (events/operations/queue.py)."""
    scheme, _, rest = value.partition(":")
    if scheme != "sqlite":
        return value
    try:
        return f"sqlite:///{database_url.sqlite_file(rest, BASE_DIR)}"
    except ValueError as error:
        raise refuse("QUEUE_URL", str(error)) from None
    except OSError as error:
        raise refuse("QUEUE_URL", f"cannot be used: {error.strerror}.") from None


def metrics_token(value: str) -> str:
    """Refuse a token that can be guessed; the token itself is never repeated."""
    if value and (len(value) < 20 or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", value)):
        raise refuse(
            "METRICS_TOKEN",
            "must be at least 20 random letters and digits. "
            "Run `python -c 'import secrets; print(secrets.token_urlsafe(32))'` and put the result in .env.",
        )
    return value


def hosts(hosts: list[str], *, debug: bool, https: bool) -> list[str]:
    """Refuse hosts that are missing, too wide, or public without HTTPS or with debug pages."""
    public = [host for host in hosts if not is_loopback(host)]
    if not hosts:
        raise refuse("ALLOWED_HOSTS", "is empty: name the hosts the site is reached under.")
    for host in hosts:
        if "*" in host:
            raise refuse("ALLOWED_HOSTS", "must not contain *: name the hosts the site is reached under.")
        if not HOST.fullmatch(host) and not is_ip_address(host):
            raise refuse(
                "ALLOWED_HOSTS",
                f"holds {host!r}, which is not a host name: expected names such as audit.example.com, comma-separated, "
                "without scheme, port or path.",
            )
    if debug and public:
        raise refuse("DEBUG", f"must be false when ALLOWED_HOSTS names a public host ({public[0]}).")
    if public and not https:
        raise refuse("HTTPS", f"must be true when ALLOWED_HOSTS names a public host ({public[0]}).")
    return hosts


def audit_url(value: str) -> str:
    """Refuse an Audit API address that would send credentials in the clear or cannot be one."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise refuse("NEXMO_AUDIT_URL", "cannot be read as an address.") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise refuse("NEXMO_AUDIT_URL", f"must be an address such as {SETTINGS['NEXMO_AUDIT_URL'].default}.")
    if not HOST.fullmatch(parts.hostname) and ":" not in parts.hostname:
        raise refuse("NEXMO_AUDIT_URL", f"names {parts.hostname!r}, which is not a host.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise refuse("NEXMO_AUDIT_URL", "must hold no user name, query or fragment: only host and path.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise refuse("NEXMO_AUDIT_URL", "must use https: plain http would send the API secret in the clear.")
    return value.rstrip("/")


def site_url(value: str, hosts: list[str], *, https: bool) -> str:
    """Where people open the site, without a slash at the end; made of the first host where nothing is said."""
    if value.lower() == "auto":
        host = hosts[0].lstrip(".")
        return f"{'https' if https else 'http'}://{host}{'' if https else ':8000'}"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise refuse("SITE_URL", "cannot be read as an address.") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or re.search(r"[\s<>\"']", value):
        raise refuse("SITE_URL", "must be an address such as https://audit.example.com.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise refuse("SITE_URL", "must hold no user name, query or fragment.")
    return value.rstrip("/")


def passkey_origin(address: str) -> str:
    """The origin of a site as browsers write it: without path, and without the port that goes without saying. Empty for
    the address of a machine, which browsers bind no passkey to."""
    parts = urlsplit(address)
    if ":" in (parts.hostname or ":") or is_ip_address(parts.hostname or ""):
        return ""
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}{'' if parts.port in (None, usual) else f':{parts.port}'}"


def targets(setting: str, values: list[str]) -> list[str]:
    """Refuse an entry that is neither a host nor a network."""
    for value in values:
        try:
            read_rule(value)
        except ValueError:
            raise refuse(
                setting,
                f"holds {value!r}: expected a host (chat.internal), a network (10.1.0.0/16), or one with a port "
                "(127.0.0.1:8025).",
            ) from None
    return values


def stream_files(value: str) -> str:
    """Refuse a folder that is not there, or that nothing can be written to."""
    if value and not os.access(value, os.W_OK | os.X_OK):
        raise refuse("STREAM_FILES", f"is {value!r}, which is not a folder that the site may write to.")
    return value


def mail_server(value: str) -> str:
    """Refuse what is no mail server; its password is never repeated."""
    if not value:
        return value
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise refuse("ALERT_MAIL_SERVER", "cannot be read as an address.") from None
    if parts.scheme not in {"smtp", "smtps", "smtp+starttls"} or not parts.hostname:
        raise refuse("ALERT_MAIL_SERVER", "must be smtps://host:465, smtp+starttls://host:587 or smtp://host:25.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise refuse("ALERT_MAIL_SERVER", "must hold no path or query: only user, password, host and port.")
    if parts.scheme == "smtp" and parts.password and not is_loopback(parts.hostname):
        raise refuse("ALERT_MAIL_SERVER", "must use smtps or smtp+starttls: smtp would send the password in the clear.")
    return value


def mail_from(value: str, *, needed: bool) -> str:
    """Refuse what is no address of e-mail, and that there is none where mail is to be sent."""
    if (value or needed) and not re.fullmatch(r"[^\s@<>,;\"]{1,64}@[A-Za-z0-9.-]{1,190}", value):
        raise refuse("ALERT_MAIL_FROM", "must be an e-mail address such as auditsite@example.com.")
    return value
