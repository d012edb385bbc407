"""For whom a message is: what they may see at this moment, and how they like to read it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation

from accounts.models import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from accounts.models import NexmoAccount
    from events.models import Channel, Subscription


def accounts_of(subscription: Subscription) -> list[NexmoAccount]:
    """Of these, the accounts that the subscription is about."""
    seen = subscription.accounts_in_sight()
    if subscription.all_accounts:
        return seen
    chosen = set(subscription.accounts.values_list("pk", flat=True))
    return [account for account in seen if account.pk in chosen]


@dataclass(frozen=True)
class Reader:
    """How a message is to be written."""

    language: str
    zone: tzinfo

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Words and times as this reader has them."""
        with translation.override(self.language), timezone.override(self.zone):
            yield


def reader_of(channel: Channel) -> Reader:
    """The person's language and zone, or those that the team's channel was given."""
    if channel.owner_id:
        profile = profile_of(channel.owner)  # type: ignore[arg-type]  # there is an owner
        return Reader(_language(profile.language), profile.zone)
    try:
        zone: tzinfo = ZoneInfo(channel.time_zone) if channel.time_zone else timezone.get_default_timezone()
    except (OSError, LookupError, ValueError):  # renamed since it was chosen
        zone = timezone.get_default_timezone()
    return Reader(_language(channel.language), zone)


def _language(chosen: str) -> str:
    return chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
