"""What the access log tells of: one list of deeds and one of things, for entries, the page's filter and documents."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Action(models.TextChoices):
    """What somebody did, or tried to do."""

    LOGIN = "login", _("Logged in")
    LOGIN_FAILED = "login_failed", _("Failed to log in")
    LOGIN_REFUSED = "login_refused", _("Login was refused")
    LOCKED_OUT = "locked_out", _("Was locked out")
    LOGOUT = "logout", _("Logged out")
    CONFIRMED = "confirmed", _("Confirmed their identity")
    CONFIRM_FAILED = "confirm_failed", _("Failed to confirm their identity")
    FACTOR_FAILED = "factor_failed", _("Gave a wrong second factor")
    FACTOR_ADDED = "factor_added", _("Added a second factor")
    FACTOR_REMOVED = "factor_removed", _("Removed a second factor")
    FACTOR_RESET = "factor_reset", _("Made new recovery codes")
    PASSWORD_CHANGED = "password_changed", _("Changed a password")  # noqa: S105
    SESSION_ENDED = "session_ended", _("Ended a session")
    LISTED = "listed", _("Read a list")
    OPENED = "opened", _("Opened")
    EXPORT_BEGUN = "export_begun", _("Began an export")
    EXPORT_ENDED = "export_ended", _("Ended an export")
    DOWNLOADED = "downloaded", _("Downloaded")
    SECRET_SHOWN = "secret_shown", _("Was shown a secret")  # noqa: S105
    REQUESTED = "requested", _("Asked for")
    VERIFIED = "verified", pgettext_lazy("somebody did", "Verified")
    SEALED = "sealed", _("Sealed")
    SYNCED = "synced", _("Synced")
    TESTED = "tested", _("Tested")
    CREATED = "created", pgettext_lazy("somebody did", "Created")
    CHANGED = "changed", pgettext_lazy("somebody did", "Changed")
    CREDENTIALS_CHANGED = "credentials_changed", _("Changed credentials")
    RIGHTS_CHANGED = "rights_changed", _("Changed who may do what")
    DELETED = "deleted", _("Deleted")
    RAN = "ran", _("Ran a command")
    REFUSED = "refused", _("Was refused")


class Kind(models.TextChoices):
    """What it was done with."""

    ACCESS_LOG = "access_log", _("Access log")
    ACCOUNT = "account", _("Account")
    ALERT = "alert", _("Alert")
    ARCHIVE = "archive", _("Archive")
    CHANNEL = "channel", _("Alert channel")
    DISCREPANCY = "discrepancy", _("Discrepancy")
    EVENT = "event", _("Event")
    EVIDENCE = "evidence", _("Evidence pack")
    FACTOR = "factor", _("Second factor")
    FINDING = "finding", _("Finding")
    HOLD = "hold", _("Legal hold")
    OTHER = "other", _("Other")
    PERSON = "person", _("Person")
    REMOVAL = "removal", _("Removal")
    REPORT = "report", _("Report")
    REVIEW = "review", _("Review")
    RULE = "rule", _("Detection rule")
    SCHEDULE = "schedule", _("Review schedule")
    SEAL = "seal", _("Seal")
    SESSION = "session", _("Session")
    STREAM = "stream", _("Stream")
    SUPPRESSION = "suppression", _("Suppression")
    SYNC = "sync", _("Sync")
    TEAM = "team", _("Team")
    TOKEN = "token", pgettext_lazy("as a title", "API token")  # noqa: S105
    VIEW = "view", _("View")


class Via(models.TextChoices):
    """How somebody came in."""

    SESSION = "session", _("Browser session")
    TOKEN = "token", pgettext_lazy("as a title", "API token")  # noqa: S105
    COMMAND = "command", _("Command")
    NOBODY = "nobody", _("Not logged in")


_OF_MODELS = {
    "accessentry": Kind.ACCESS_LOG,
    "apitoken": Kind.TOKEN,
    "auditevent": Kind.EVENT,
    "authenticator": Kind.FACTOR,
    "channel": Kind.CHANNEL,
    "discrepancy": Kind.DISCREPANCY,
    "eventtype": Kind.EVENT,
    "group": Kind.TEAM,
    "legalhold": Kind.HOLD,
    "nexmoaccount": Kind.ACCOUNT,
    "ownrule": Kind.RULE,
    "removal": Kind.REMOVAL,
    "report": Kind.REPORT,
    "reviewstatement": Kind.REVIEW,
    "savedview": Kind.VIEW,
    "seal": Kind.SEAL,
    "socialaccount": Kind.PERSON,
    "stream": Kind.STREAM,
    "subscription": Kind.ALERT,
    "syncrun": Kind.SYNC,
    "user": Kind.PERSON,
    "usersession": Kind.SESSION,
}


def kind_of_model(name: str) -> Kind:
    """What a model's objects are called here, by the model's name in lower case."""
    return _OF_MODELS.get(name, Kind.OTHER)
