"""Why an alert or a report was not sent, or a stream stands: codes, as they are kept, and words for their readers."""

from __future__ import annotations

from django.utils.translation import gettext as _

# By the code's first word; the rest of it is what the words name.
TIMEOUT, UNREACHABLE, NAME, CERTIFICATE, BROKEN = "timeout", "unreachable", "name", "certificate", "broken"
REFUSED, UNKNOWN, SECRET, MAIL, HTTP, SMTP = "refused", "unknown", "secret", "mail", "http", "smtp"
CRASHED, GONE, SETTLED, PAUSED, OFF, PLUGIN = "crashed", "gone", "settled", "paused", "off", "plugin"

# Of reports alone.
INTERRUPTED, NO_ADDRESS, UNCLEAR = "interrupted", "no_address", "unclear"
# Of streams alone.
NO_ACK, NO_GOODBYE, NO_FOLDER, DISK = "no_ack", "no_goodbye", "no_folder", "disk"
HIDDEN, UNREADABLE, NOT_ALLOWED, TOO_MUCH = "hidden", "unreadable", "not_allowed", "too_much"
SPLUNK, BULK = "splunk", "bulk"

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


def of_stream(code: str) -> str:
    """The same for streams, which know some more."""
    kind, _space, value = code.partition(" ")
    words = {
        REFUSED: _(
            "%(target)s is not a public address, or streams may not use its port. "
            "An administrator can allow it in STREAM_TARGETS."
        )
        % {"target": value or "?"},
        SECRET: _("The address or secret cannot be decrypted. Enter it again."),
        CRASHED: _("Delivery was interrupted. It resumes where it left off."),
        NO_ACK: _("Splunk did not confirm in time that the events were indexed."),
        NO_GOODBYE: _(
            "The receiver closed the connection without TLS’s close_notify, so it may not have read "
            "everything. If it always does so, tick that in the stream’s settings."
        ),
        NO_FOLDER: _("No folder is configured for files (STREAM_FILES)."),
        DISK: _("The file could not be written: %(why)s.") % {"why": value},
        HIDDEN: _("Nothing is sent: its view was deleted, or its owner may no longer open it. Choose another one."),
        UNREADABLE: _(
            "Nothing is sent: the view’s filter cannot be read, or names an account that the stream does not include."
        ),
        NOT_ALLOWED: _("Nothing is sent: its owner may no longer set up streams."),
        TOO_MUCH: _(
            "Nothing is sent: events as received contain passwords and tokens, which its owner may not see. "
            "Choose another format."
        ),
        SPLUNK: _("Splunk could not read it (code %(code)s).") % {"code": value},
        BULK: _("The index refused it (%(code)s).") % {"code": value},
    }
    return words.get(kind) or in_words(code)


def of_report(code: str) -> str:
    """The same for mails of reports."""
    words = {
        CRASHED: _("The mail could not be written. It is tried again."),
        HIDDEN: _("Nothing is sent: the view is no longer shared with the team, or its owner may no longer open it."),
        INTERRUPTED: _("Sending was interrupted twice. It may have arrived."),
        NO_ADDRESS: _("There is no e-mail address. An administrator can enter one."),
        OFF: _("The report was paused, or no longer goes to this person."),
        PLUGIN: _("The mail server does not offer what ALERT_MAIL_SERVER asks for: encryption or a login."),
        TIMEOUT: _("The mail server did not answer in time."),
        UNREACHABLE: _("The mail server could not be reached."),
        CERTIFICATE: _("The mail server’s certificate is not valid."),
        UNREADABLE: _("The view’s filter cannot be read, or names an account that this person cannot see."),
        UNCLEAR: _("The mail server did not say whether it took the mail. It is sent once more."),
    }
    return words.get(code) or in_words(code)


def _answer(kind: str, value: str) -> str:
    if kind == SMTP:
        return _("The mail server answered %(code)s.") % {"code": value}
    if value == "429":
        return _("The receiver asked us to slow down (429).")
    if value.startswith("3"):
        return _("The receiver redirects (%(code)s); redirects are not followed.") % {"code": value}
    return _("The receiver answered %(code)s.") % {"code": value}
