"""Why a login by single sign-on comes to nothing, and the page that says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from allauth.core.exceptions import ImmediateHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from accounts.sso import signals

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("accounts.sso")

# Each with its status and what the person reads; %(provider)s is the provider's label.
REASONS = {
    "cancelled": (403, _("The login at %(provider)s was cancelled, or refused there.")),
    "lost": (
        403,
        _("This login took too long, was used already, or began in another browser. Begin again on the login page."),
    ),
    "unreachable": (502, _("%(provider)s cannot be reached at the moment. Try again in a few minutes.")),
    "invalid": (
        403,
        _("The answer of %(provider)s could not be verified. Tell your administrator, who finds why in the log."),
    ),
    "no_group": (
        403,
        _("%(provider)s knows you, but none of your groups there gives access here. Ask your administrator for one."),
    ),
    "missing_claim": (
        403,
        _("%(provider)s knows you, but not as somebody who may come in here. Ask your administrator."),
    ),
    "too_many_groups": (
        403,
        _("%(provider)s does not list your groups, because there are too many. Ask your administrator to limit them."),
    ),
    "not_linked": (
        403,
        _(
            "%(provider)s knows you, but nobody here is linked to this login yet. "
            "Send your administrator the identifier below."
        ),
    ),
    "taken": (
        403,
        _(
            "Somebody here already has your name or email address, so no second person was created. "
            "If that is you, send your administrator the identifier below to have it linked."
        ),
    ),
    "inactive": (403, _("Your access here has been switched off. Ask your administrator.")),
}
TELLS_SUBJECT = frozenset({"not_linked", "taken"})


class Refusal(Exception):
    """A login that comes to nothing. `reason` is one of REASONS; `detail` is for the log and never shown."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


def answer(request: HttpRequest, refusal: Refusal, *, provider: str, label: str, subject: str = "") -> HttpResponse:
    """The page for a refusal. It is logged, with what is known of who it was."""
    status, sentence = REASONS[refusal.reason]
    logger.warning("Login by %s refused (%s): %s [%s]", provider, refusal.reason, refusal, subject or "unknown subject")
    signals.login_refused.send(Refusal, request=request, provider=provider, subject=subject, reason=refusal.reason)
    context = {
        "sentence": sentence % {"provider": label},
        "subject": subject if refusal.reason in TELLS_SUBJECT else "",
        "label": label,
    }
    return render(request, "sso/refused.html", context, status=status)


def stop(request: HttpRequest, refusal: Refusal, **known: str) -> ImmediateHttpResponse:
    """The same from within allauth, which ends a login by this exception."""
    return ImmediateHttpResponse(answer(request, refusal, **known))
