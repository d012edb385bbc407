"""Why a message was not sent: codes, as the log keeps them, and words for whoever reads it."""

from __future__ import annotations

from django.utils.translation import gettext as _

# By the code's first word; the rest of it is what the words name.
TIMEOUT, UNREACHABLE, NAME, CERTIFICATE, BROKEN = "timeout", "unreachable", "name", "certificate", "broken"
REFUSED, UNKNOWN, SECRET, MAIL, HTTP, SMTP = "refused", "unknown", "secret", "mail", "http", "smtp"
CRASHED, GONE, SETTLED, PAUSED, OFF, PLUGIN = "crashed", "gone", "settled", "paused", "off", "plugin"

TRANSIENT = frozenset({TIMEOUT, UNREACHABLE, NAME, CERTIFICATE, BROKEN, PLUGIN, SECRET, MAIL, CRASHED})


def in_words(code: str) -> str:
    """What happened, as a sentence in the language in use."""
    kind, _space, value = code.partition(" ")
    if kind in (HTTP, SMTP):
        return _answer(kind, value)
    words = {
        TIMEOUT: _("The receiver did not answer in time."),
        UNREACHABLE: _("The receiver could not be reached."),
        NAME: _("The host name could not be resolved."),
        CERTIFICATE: _("The receiver's certificate is not valid."),
        BROKEN: _("The connection was interrupted."),
        REFUSED: _(
            "%(target)s is not a public address, or alerts may not use its port. "
            "An administrator can allow it in ALERT_TARGETS."
        )
        % {"target": value or "?"},
        UNKNOWN: _("This address cannot be used."),
        SECRET: _("The channel's address or secret cannot be decrypted. Enter it again."),
        MAIL: _("No mail server is configured (ALERT_MAIL_SERVER)."),
        PLUGIN: _("The service did not accept it."),
        CRASHED: _("The attempt was interrupted. It is sent again under the same id."),
        GONE: _("Its receivers can no longer see any of this."),
        SETTLED: _("No longer needed: the finding was dealt with first."),
        PAUSED: _("The channel was paused for too long."),
        OFF: _("The channel or the subscription was switched off."),
    }
    return words.get(kind, code)


def _answer(kind: str, value: str) -> str:
    if kind == SMTP:
        return _("The mail server answered %(code)s.") % {"code": value}
    if value == "429":
        return _("The receiver asked us to slow down (429).")
    if value.startswith("3"):
        return _("The receiver redirects (%(code)s); redirects are not followed.") % {"code": value}
    return _("The receiver answered %(code)s.") % {"code": value}
