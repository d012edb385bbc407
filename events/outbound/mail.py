"""The site's mail server: what its address says, and one mail handed over to it."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from events.outbound.results import SENT, Outcome

if TYPE_CHECKING:
    from email.message import EmailMessage

TIMEOUT = 20.0  # seconds for each step
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


def hand_over(message: EmailMessage, server: MailServer, sender: str, receiver: str, own_name: str) -> Outcome:
    """Hand a mail to the server for one receiver. Once it is taken, how the connection ends changes nothing.

    Args:
        own_name: what this machine calls itself.
    """
    try:
        connection = _connect(server, own_name)
        try:
            connection.send_message(message, sender, [receiver])
        finally:
            _leave(connection)
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        return _refused(code, is_final=code >= 500)
    except smtplib.SMTPDataError as error:
        return _refused(error.smtp_code, is_final=error.smtp_code >= 500)
    except smtplib.SMTPResponseException as error:
        # Of the sender or the login: an administrator mends that, and then every mail can go.
        return _refused(error.smtp_code, is_final=False)
    except smtplib.SMTPServerDisconnected:
        return Outcome(sent=False, problem="broken")
    except smtplib.SMTPException:  # such as a server that offers no TLS or login
        return Outcome(sent=False, problem="plugin")
    except ssl.SSLCertVerificationError:
        return Outcome(sent=False, problem="certificate")
    except TimeoutError:
        return Outcome(sent=False, problem="timeout")
    except OSError:
        return Outcome(sent=False, problem="unreachable")
    return SENT


def _refused(code: int, *, is_final: bool) -> Outcome:
    return Outcome(sent=False, problem=f"smtp {code}", status=code, is_final=is_final)


def _connect(server: MailServer, own_name: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, own_name, timeout=TIMEOUT, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, own_name, timeout=TIMEOUT)
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
