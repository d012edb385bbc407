"""What a list of events says of its own completeness: an empty table means something only then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.models import MonthCount
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.health.status import AccountStatus
    from events.sync.coverage import Completeness

NAMED = 3  # accounts that a sentence names
LOGINS = {"USER_LOGIN", "USER_LOGOUT"}


def coverage_sentence(relevant: Sequence[Completeness | AccountStatus]) -> str:
    """Up to when the events of these accounts are complete."""
    known = [status.complete_until for status in relevant if status.complete_until]
    if not relevant:
        return ""
    if not known:
        return _("Not known to be complete yet.")
    told: dict[str, Any] = {"until": show(min(known)), "known": len(known), "all": len(relevant)}
    if len(relevant) == 1:
        sentence = _("Complete until %(until)s.") % told
    elif len(known) < len(relevant):
        unknown = [each.account.name for each in relevant if not each.complete_until]
        told["unknown"] = ", ".join(unknown[:NAMED]) + ("…" if len(unknown) > NAMED else "")
        sentence = _("Complete until %(until)s for %(known)s of %(all)s accounts; not known for %(unknown)s.") % told
    elif len(relevant) == 2:
        sentence = _("Complete until %(until)s for both accounts.") % told
    else:
        sentence = _("Complete until %(until)s for all %(all)s accounts.") % told
    patchy = sum(1 for status in relevant if status.gap_count or status.complete_since)
    missing = ngettext(
        "Older days are still missing for %(count)s.", "Older days are still missing for %(count)s.", patchy
    )
    return f"{sentence} {missing % {'count': patchy}}" if patchy else sentence


def missing_logins(event_types: Sequence[str], accounts: Sequence[Completeness]) -> str:
    """Where logins are asked for: which accounts never reported one, because Nexmo reports them only to some."""
    if not set(event_types) & LOGINS:
        return ""
    with_events = [status.account for status in accounts if status.event_count]
    logins = MonthCount.objects.filter(account__in=with_events, event_type="USER_LOGIN")
    reporting = set(logins.values_list("account", flat=True))
    names = [account.name for account in with_events if account.pk not in reporting]
    if not names:
        return ""
    sentence = _(
        "No login was ever reported for %(accounts)s: Nexmo reports logins only to accounts with Premium Support."
    )
    return sentence % {"accounts": ", ".join(names)}


def nothing_archived(statuses: Sequence[AccountStatus]) -> str:
    """Why accounts without a single event have none: "failing", "never-synced" or "no-events"."""
    levels = {status.health.level for status in statuses}
    if "problem" in levels:
        return "failing"
    return "never-synced" if levels & {"working", "waiting"} else "no-events"
