"""The site's mail server: what its address says, whom mail can go to, and one mail handed over."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from events.outbound.results import SENT, Outcome

if TYPE_CHECKING:
    from email.message import EmailMessage

TIMEOUT = 20.0  # seconds for each step
SHUTTING_DOWN = 421  # answer of a server that takes nothing more now, whatever it was told (RFC 5321)
TOO_LARGE = 552  # answer to a sender that announced a mail of more than the server takes (RFC 1870)
PORTS = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over: smtps://, smtp+starttls:// or, unencrypted, smtp://."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, address: str) -> MailServer:
        """The server of an address that the settings have checked (ALERT_MAIL_SERVER)."""
        parts = urlsplit(address)
        return cls(
            parts.scheme,
            parts.hostname or "",
            parts.port or PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )


def deliverable(address: str) -> str:
    """An e-mail address as every server takes it, its domain in ASCII; "" where mail could not go to it."""
    address = address.strip()
    try:
        validate_email(address)
        name, _, domain = address.rpartition("@")
        address = f"{name}@{domain.encode('idna').decode()}"
    except (ValidationError, UnicodeError):
        return ""
    return address if address.isascii() else ""


class _Watched(smtplib.SMTP):
    """Knows whether the mail itself was begun: from then on the server may have taken it, whatever it answers."""

    is_begun = False

    def data(self, msg: Any) -> Any:
        self.is_begun = True
        return super().data(msg)


class _WatchedOverTls(_Watched, smtplib.SMTP_SSL):
    """The same over TLS from the beginning."""


def hand_over(message: EmailMessage, server: MailServer, sender: str, receiver: str, own_name: str) -> Outcome:
    """Hand a mail to the server for one receiver. Once it is taken, how the connection ends changes nothing.

    Args:
        own_name: what this machine calls itself.
    Returns:
        how it went; the problem is "unclear" where the server may have taken it without our hearing of that.
    """
    connection: _Watched | None = None
    try:
        connection = _connect(server, own_name)
        try:
            connection.send_message(message, sender, [receiver])
        finally:
            _leave(connection)
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        return _refused(code)
    except smtplib.SMTPDataError as error:
        return _refused(error.smtp_code)
    except smtplib.SMTPResponseException as error:
        if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == TOO_LARGE:
            return _refused(error.smtp_code)
        # Of the sender or the login: an administrator mends that, and then every mail can go.
        return replace(_refused(error.smtp_code), is_final=False, of_server=True)
    except smtplib.SMTPServerDisconnected:
        return _interrupted(connection, "broken")
    except smtplib.SMTPException:  # such as a server that offers no TLS or login
        return Outcome(sent=False, problem="plugin", of_server=True)
    except ssl.SSLCertVerificationError:
        return Outcome(sent=False, problem="certificate", of_server=True)
    except TimeoutError:
        return _interrupted(connection, "timeout")
    except OSError:
        return _interrupted(connection, "unreachable")
    return SENT


def _interrupted(connection: _Watched | None, problem: str) -> Outcome:
    told = "unclear" if connection and connection.is_begun else problem
    return Outcome(sent=False, problem=told, of_server=True)


def _refused(code: int) -> Outcome:
    return Outcome(
        sent=False, problem=f"smtp {code}", status=code, is_final=code >= 500, of_server=code == SHUTTING_DOWN
    )


def _connect(server: MailServer, own_name: str) -> _Watched:
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        connection: _Watched = _WatchedOverTls(server.host, server.port, own_name, timeout=TIMEOUT, context=context)
    else:
        connection = _Watched(server.host, server.port, own_name, timeout=TIMEOUT)
    try:
        if server.scheme == "smtp+starttls":
            connection.starttls(context=context)
        if server.user:
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _leave(connection: smtplib.SMTP) -> None:
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):
        connection.close()
