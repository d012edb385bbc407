"""Whether Nexmo takes an account's credentials, tried while a person waits, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext, ngettext

from accounts.fields import SecretUnreadable
from events.nexmo.errors import AuditAPIError
from events.sync import asking, state
from events.wording.codes import grouped

if TYPE_CHECKING:
    from accounts.models import AnyUser, NexmoAccount


@dataclass(frozen=True)
class Outcome:
    """How a try went.

    Attributes:
        works: Nexmo took the credentials, and answered.
        asked: Nexmo was asked; otherwise it was not the reader's turn, and the sentence says when to try again.
        sentence: what happened and what to do, without the account's name and without a secret.
    """

    works: bool
    asked: bool
    sentence: str


def try_connection(account: NexmoAccount, user: AnyUser) -> Outcome:
    """Ask Nexmo for one event with the account's stored credentials, once, without waiting for the pace.

    Credentials that were refused before are tried too; where they work now, the account is synced again.
    """
    try:
        with asking.turn(user):
            return try_in_turn(account, user)
    except asking.NotAsked as error:
        return Outcome(works=False, asked=False, sentence=str(error))


def try_in_turn(account: NexmoAccount, user: AnyUser) -> Outcome:
    """The same for whoever holds `asking.turn` already, and tries several accounts in it."""
    try:
        with asking.client_now(account, user, even_if_refused=True) as client:
            total = client.list_events(size=1).total
    except asking.NotAsked as error:
        return Outcome(works=False, asked=False, sentence=str(error))
    except (AuditAPIError, SecretUnreadable) as error:
        return Outcome(works=False, asked=True, sentence=str(error))
    state.clear_refusal(account)
    return Outcome(works=True, asked=True, sentence=_works(total))


def _works(total: int | None) -> str:
    if total is None:
        return gettext("The connection works. Nexmo does not say how many events it lists.")
    text = ngettext(
        "The connection works. Nexmo lists %(count)s event.",
        "The connection works. Nexmo lists %(count)s events.",
        total,
    )
    return text % {"count": grouped(total)}
