"""Making and revoking tokens. Both are written to the log, without the secret."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken
from accounts.tokens import secret

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.contrib.auth.models import User

    from accounts.models import NexmoAccount

logger = logging.getLogger(__name__)

MOST = 50  # standing tokens of a person


def make(
    person: User,
    name: str,
    expires_at: datetime,
    *,
    accounts: Iterable[NexmoAccount] | None = None,
    may_acknowledge: bool = False,
) -> tuple[ApiToken, secret.Credentials]:
    """A new token, and what its program sends: the only moment in which the site knows the secret.

    Args:
        accounts: what it is for; None for all that its person may see, also later.
    """
    credentials = secret.make()
    with transaction.atomic():
        token = ApiToken.objects.create(
            person=person,
            name=name,
            identifier=credentials.identifier,
            digest=secret.digest(credentials.secret),
            all_accounts=accounts is None,
            may_acknowledge=may_acknowledge,
            created_at=timezone.now(),
            expires_at=expires_at,
        )
        if accounts is not None:
            token.accounts.set(accounts)
    logger.info("API token %s was made by %s.", token.identifier, person.get_username())
    return token, credentials


def revoke(token: ApiToken, by: User) -> bool:
    """Have a token refused from now on. Says whether it was this call that did it: twice is once."""
    done = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now(), revoked_by=by)
    if done:
        owner = token.person.get_username()
        logger.info("API token %s of %s was revoked by %s.", token.identifier, owner, by.get_username())
    return bool(done)
