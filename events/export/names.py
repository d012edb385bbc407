"""How files of events and evidence packs are called: `auditsite-events_acme_account-secret_2026-10-01_2026-10-31.csv`.

Letters without accents, digits and hyphens, with an underscore between the parts, so that every system takes it; and
no longer than what people still read.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from django.utils import timezone

from events.filters.fields import split_list, unsigned
from events.reading.filterable import DIMENSIONS

if TYPE_CHECKING:
    from accounts.models import NexmoAccount
    from events.filters.form import EventFilter

LONGEST, LONGEST_PART = 40, 24  # characters of all conditions, and of each: 120 of the whole, as EvidencePack takes
MORE = "and-more"


def file_name(event_filter: EventFilter, account: NexmoAccount | None, ending: str, holds: str = "events") -> str:
    """The name of a file with the events of a filter: whose they are, what they are, and when they happened.

    Args:
        holds: what the file is of these events.
    """
    conditions = _conditions(event_filter)
    whose = _whose(event_filter, account)
    what = [whose or ("all" if not event_filter.active else ""), *_fitting(conditions)]
    return "_".join([f"auditsite-{holds}", *filter(None, what), *_days(event_filter)]) + f".{ending}"


def _whose(event_filter: EventFilter, account: NexmoAccount | None) -> str:
    items = split_list(event_filter.data.getlist("account"))
    wanted = [item for item in items if unsigned(item)[0]]
    if account is None and len(wanted) == len(items) == 1:
        account = event_filter.accounts.get(wanted[0])
    if account:
        return _plain(account.name) or _plain(account.api_key) or "account"
    if len(wanted) > 1:
        return f"{len(wanted)}-accounts"
    return "some-accounts" if items else ""


def _conditions(event_filter: EventFilter) -> list[str]:
    """All but accounts and times, each in a few letters."""
    data, found = event_filter.data, []
    if event_filter.conditions.text:
        found.append(_plain(event_filter.conditions.text) or "search")
    if event_filter.conditions.new_country:
        found.append("new-country")
    for name in DIMENSIONS:
        items = split_list(data.getlist(name)) if name != "account" else []
        for wanted, value in map(unsigned, items):
            text = _plain(value) or name.replace("_", "-")
            found.append(text if wanted else f"not-{text}")
    return found


def _fitting(parts: list[str]) -> list[str]:
    """As many as there is room for; that there are more is said."""
    taken: list[str] = []
    for part in parts:
        if len("_".join((*taken, part))) > LONGEST:
            return [*taken, MORE]
        taken.append(part)
    return taken


def _days(event_filter: EventFilter) -> list[str]:
    """The first and the last day, as the reader's calendar has them; what has no end ends today."""
    start, end = event_filter.conditions.start, event_filter.conditions.end
    last = timezone.localdate(end) if end else timezone.localdate()
    if start:
        return [f"{timezone.localdate(start)}", f"{last}"]
    return [f"until-{last}" if end else f"{last}"]


def _plain(text: str) -> str:
    """What is left of a text in a file's name; "" where that is nothing."""
    letters = unicodedata.normalize("NFKD", text[: 4 * LONGEST_PART]).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", letters.lower()).strip("-")[:LONGEST_PART].rstrip("-")
