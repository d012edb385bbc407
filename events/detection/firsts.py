"""Whether an event is its user's first from a country, and where that user came from before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.filters.names import country_title
from events.models import FirstSeen
from events.reading import count
from events.reading.conditions import Conditions
from events.reading.users import spellings_of
from events.wording.codes import grouped

if TYPE_CHECKING:
    from events.models import AuditEvent


def first_in_words(event: AuditEvent) -> str:
    """A sentence where it is the first, compared with the country of most of the time before; "" where it is not."""
    if not event.user_email or not event.source_country:
        return ""
    seen = FirstSeen.objects.filter(account_id=event.account_id, user_email=event.user_email)
    firsts = {country: (pk, at) for pk, country, at in seen.values_list("event_id", "source_country", "created_at")}
    if firsts.get(event.source_country, (None, None))[0] != event.pk:
        return ""
    first = _("This user's first event from %(country)s in this account.") % {
        "country": country_title(event.source_country)
    }
    before = sorted((at, country) for country, (_pk, at) in firsts.items() if at < event.created_at)
    if not before:
        none = _("None came before.")
        return f"{first} {none}"
    since, home = before[0]
    conditions = Conditions(
        accounts=(event.account_id,),
        wanted={"user_email": spellings_of(event.user_email), "source_country": (home,)},
        end=event.created_at,
    )
    earlier = count(conditions)
    text = ngettext(
        "%(count)s earlier event from %(country)s, since %(since)s.",
        "%(count)s earlier events from %(country)s, since %(since)s.",
        earlier.number,
    ) % {
        "count": grouped(earlier.number) + ("+" if earlier.at_least else ""),
        "country": country_title(home),
        "since": f"{timezone.localtime(since):%Y-%m-%d}",
    }
    return f"{first} {text}"
