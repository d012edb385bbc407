"""Trying credentials while a person waits: one question to Nexmo, and what a person should know of the answer.

`try_credentials` tries what is not stored yet, `try_account` what an account has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.encryption import SecretUnreadable
from events.nexmo.client import Pacer
from events.nexmo.errors import AuditAPIError
from events.sync import asking, state
from events.sync.clients import new_client
from events.wording.codes import grouped

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from accounts.models import AnyUser, NexmoAccount
    from events.nexmo.client import AuditClient

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
        _(
            "Nexmo could not be reached, or had an error of its own. Try again in a moment; syncs of saved accounts "
            "keep trying."
        ),
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


def try_credentials(api_key: str, secret: str) -> Outcome:
    """Ask Nexmo for one event with credentials that are not stored yet. Call it within `asking.turn`."""
    # Nothing else asks in this account's name yet, so there is no pace to wait for.
    with new_client(api_key, (secret,), attempts=1, timeout=asking.timeout(), pacer=Pacer(0)) as client:
        return _asked(client)


def try_account(account: NexmoAccount, user: AnyUser) -> Outcome:
    """Ask Nexmo for one event with the account's stored credentials, once, without waiting for the pace.

    Credentials that were refused before are tried too; where they work now, the account is synced again.
    """
    try:
        with asking.turn(user):
            return try_account_in_turn(account, user)
    except asking.NotAsked as error:
        return Outcome(NOT_ASKED, sentence=str(error))


def try_account_in_turn(account: NexmoAccount, user: AnyUser) -> Outcome:
    """The same for whoever holds `asking.turn` already, and tries several accounts in it."""
    try:
        with asking.client_now(account, user, even_if_refused=True) as client:
            outcome = _asked(client)
    except asking.NotAsked as error:
        return Outcome(NOT_ASKED, sentence=str(error))
    except SecretUnreadable as error:
        return Outcome("secret-unreadable", "api_secret", str(error))
    if outcome.works:
        state.clear_refusal(account)
    return outcome


def _asked(client: AuditClient) -> Outcome:
    try:
        total = client.list_events(size=1).total
    except AuditAPIError as error:
        return outcome_of(error)
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
