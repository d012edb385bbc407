"""What an export is, in words: what was asked for, of which accounts, how complete that is, when and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.filters.fields import split_list
from events.filters.pills import MOST_OF_A_LIST, pills
from events.health.completeness import completeness, coverage_sentence
from events.wording.codes import grouped
from events.wording.times import show

if TYPE_CHECKING:
    from accounts.models import NexmoAccount
    from events.export.columns import Shape
    from events.filters.form import EventFilter
    from events.filters.pills import Pill
    from events.reading import Conditions

MOST_ACCOUNTS = 500  # that are named


@dataclass(frozen=True)
class About:
    """Names and values, in the language of whoever exports."""

    title: str
    lines: tuple[tuple[str, str], ...]


def describe(event_filter: EventFilter, shape: Shape, who: str) -> About:
    """Made before the first event is read: what arrives meanwhile may be in the file, and is not promised.

    Args:
        who: exports; a name as logins have it, or a command.
    """
    accounts = accounts_of(event_filter)
    conditions = _conditions(event_filter)  # days in them are the reader's
    with timezone.override(shape.zone):
        lines = (
            (_("Filter"), conditions),
            (_("Period"), _period(event_filter.conditions)),
            (_("Accounts"), _accounts(accounts)),
            (_("Times"), _times(shape)),
            (_("Completeness"), coverage_sentence(completeness(accounts)) or _("No accounts.")),
            (_("Exported at"), show(timezone.now())),
            (_("Exported by"), who),
        )
    return About(_("About this export"), lines)


def accounts_of(event_filter: EventFilter) -> list[NexmoAccount]:
    """The accounts whose events are asked for."""
    conditions = event_filter.conditions
    wanted = event_filter.accounts_by_pk if conditions.accounts is None else conditions.accounts
    unwanted = conditions.unwanted.get("account", ())
    return [account for pk, account in event_filter.accounts_by_pk.items() if pk in wanted and pk not in unwanted]


def _conditions(event_filter: EventFilter) -> str:
    lines = [_line(pill, event_filter) for pill in pills(event_filter)]
    return "\n".join(lines) or _("None: all events of these accounts.")


def _line(pill: Pill, event_filter: EventFilter) -> str:
    if pill.title:
        return " ".join(filter(None, (pill.label, pill.verb, pill.value)))
    # Of a long list pages say how many more there are; here each stands, as in addresses.
    rest = split_list(event_filter.data.getlist(pill.name))[MOST_OF_A_LIST:]
    return f"{pill.label} {', '.join(rest)}"


def _period(conditions: Conditions) -> str:
    values = {"start": show(conditions.start), "end": show(conditions.end)}
    if conditions.start and conditions.end:
        return _("%(start)s to %(end)s") % values
    if conditions.start or conditions.end:
        return (_("Since %(start)s") if conditions.start else _("Until %(end)s")) % values
    return _("All times.")


def _accounts(accounts: list[NexmoAccount]) -> str:
    named = [f"{account.name} ({account.api_key})" for account in accounts[:MOST_ACCOUNTS]]
    if more := len(accounts) - len(named):
        named.append(ngettext("and %(count)s more", "and %(count)s more", more) % {"count": grouped(more)})
    return "\n".join(named)


def _times(shape: Shape) -> str:
    return _("In %(zone)s. Each cell shows its offset from UTC; Excel sorts and calculates by the time as shown.") % {
        "zone": shape.zone
    }
