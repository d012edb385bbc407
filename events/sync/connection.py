"""Trying credentials while a person waits: one question to Nexmo, and what a person should know of the answer.

`test_connection` tries what is not stored yet, `try_connection` what an account has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.fields import SecretUnreadable
from events.nexmo.client import AuditClient, Pacer
from events.nexmo.errors import AuditAPIError
from events.sync import asking, state
from events.sync.asking import TIMEOUT
from events.wording.codes import grouped

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from accounts.models import AnyUser, NexmoAccount

WORKS, NOT_ASKED = "works", "not-asked"
# By the error's code: the field to mend ("" where none is to blame), and what to say.
_ADVICE: dict[str, tuple[str, StrPromise]] = {
    "credentials": (
        "api_secret",
        _("Nexmo refused this API key with this secret. Copy both again from the Nexmo dashboard."),
    ),
    "denied": (
        "api_key",
        _(
            "Nexmo denies access to the audit events of this account. Ask Nexmo whether the account is active and its "
            "plan (Premium) includes the Audit API, and whether its IP allow list lets this machine in."
        ),
    ),
    "rate-limited": ("", _("Nexmo asked to slow down. Wait a minute, then try again.")),
    "unavailable": (
        "",
        _("Nexmo could not be reached, or had an error of its own. Try again; once saved, syncs keep trying."),
    ),
}
_NOT_UNDERSTOOD = _("Nexmo's answer could not be understood. Check NEXMO_AUDIT_URL and any proxy in between.")


@dataclass(frozen=True)
class Outcome:
    """What came of trying credentials.

    Attributes:
        code: WORKS, NOT_ASKED, or the code of the error (`events.nexmo.errors`).
        field: the account's field that is to blame; empty where none is.
        sentence: what happened and what to do, in the reader's language, the other side's own words last. It holds no
            secret.
        total: how many events Nexmo lists, where it works and Nexmo says so.
    """

    code: str
    field: str = ""
    sentence: str = ""
    total: int | None = None

    @property
    def works(self) -> bool:
        return self.code == WORKS

    @property
    def was_asked(self) -> bool:
        """Whether Nexmo was asked; otherwise it was not the reader's turn, and the sentence says when to try again."""
        return self.code != NOT_ASKED


def try_connection(account: NexmoAccount, user: AnyUser) -> Outcome:
    """Ask Nexmo for one event with the account's stored credentials, once, without waiting for the pace.

    Credentials that were refused before are tried too; where they work now, the account is synced again.
    """
    try:
        with asking.turn(user):
            return try_in_turn(account, user)
    except asking.NotAsked as error:
        return Outcome(NOT_ASKED, sentence=str(error))


def try_in_turn(account: NexmoAccount, user: AnyUser) -> Outcome:
    """The same for whoever holds `asking.turn` already, and tries several accounts in it."""
    try:
        with asking.client_now(account, user, even_if_refused=True) as client:
            total = client.list_events(size=1).total
    except asking.NotAsked as error:
        return Outcome(NOT_ASKED, sentence=str(error))
    except SecretUnreadable as error:
        return Outcome("secret-unreadable", "api_secret", str(error))
    except AuditAPIError as error:
        return Outcome(error.code, sentence=str(error))
    state.clear_refusal(account)
    return Outcome(WORKS, sentence=_works(total), total=total)


def _works(total: int | None) -> str:
    if total is None:
        return gettext("The connection works. Nexmo does not say how many events it lists.")
    text = ngettext(
        "The connection works. Nexmo lists %(count)s event.",
        "The connection works. Nexmo lists %(count)s events.",
        total,
    )
    return text % {"count": grouped(total)}


def test_connection(api_key: str, secret: str) -> Outcome:
    """Ask Nexmo for a page of one event, once. Takes seconds at most: call it within `asking.turn`."""
    try:
        with AuditClient(
            api_key=api_key,
            secrets=(secret,),
            base_url=settings.NEXMO_AUDIT_URL,
            zone=ZoneInfo(settings.EVENT_TIME_ZONE),
            timeout=min(TIMEOUT, settings.NEXMO_TIMEOUT),
            date_style=settings.NEXMO_DATE_STYLE,
            attempts=1,
            pacer=Pacer(0),  # nothing else asks in this account's name yet
        ) as client:
            return Outcome(WORKS, total=client.list_events(size=1).total)
    except AuditAPIError as error:
        return outcome_of(error)


def outcome_of(error: AuditAPIError) -> Outcome:
    """An error of the Audit API as an outcome."""
    field, advice = _ADVICE.get(error.code, ("", _NOT_UNDERSTOOD))
    parts = [str(advice)]
    if error.code == "credentials":
        pass  # Nexmo's own words, of JWT and headers, only mislead
    elif error.status and error.detail:
        said = gettext("Nexmo said (HTTP %(status)s): %(words)s")
        parts.append(said % {"status": error.status, "words": error.detail})
    elif error.status:
        parts.append(f"(HTTP {error.status})")
    return Outcome(error.code, field, " ".join(parts))
