"""Pages of events by cursor, in one of three orders, verbatim."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from events.api.cursors import ARRIVAL, MOST_ACCOUNTS, NEWEST, OLDEST, ORDERS, Place, WrongCursor
from events.reading import Cursor
from events.reading.arrivals import read_arrivals
from events.reading.pages import find
from events.reading.plan import Span
from events.reading.rows import as_time, fetch_raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.models import NexmoAccount
    from events.reading.conditions import Conditions

MOST_WALKS = 3  # for one page: then it comes short, and the next one goes on


@dataclass(frozen=True)
class EventsPage:
    """Events as JSON texts, and where to go on.

    Attributes:
        place: None where nothing can follow.
        has_more: there is more at once, though this page may be short.
    """

    texts: list[str]
    place: Place | None
    has_more: bool


def read_events(
    conditions: Conditions, accounts: Mapping[int, NexmoAccount], place: Place | None, order: str, size: int
) -> EventsPage:
    """The page beyond a place, or the first of an order.

    Raises:
        WrongCursor: the place is one of another order, or it would be too long to be told.
    """
    if place is not None and place.order not in ORDERS:
        raise WrongCursor(gettext("This is not a cursor of events."))
    if place is not None and place.order != order:
        raise WrongCursor(
            gettext("This cursor belongs to order=%(order)s; go on with that, or leave the cursor out.")
            % {"order": place.order}
        )
    if order == ARRIVAL:
        if len(accounts if conditions.accounts is None else conditions.accounts) > MOST_ACCOUNTS:
            raise WrongCursor(
                gettext("order=arrival takes %(most)s accounts at most: name some of them.") % {"most": MOST_ACCOUNTS}
            )
        batch = read_arrivals(conditions, place.places or {} if place else {}, size)
        texts = [with_account(each.raw, accounts[each.account_id].api_key) for each in batch.arrivals]
        return EventsPage(texts, Place(ARRIVAL, places=batch.places), batch.more)
    conditions = replace(conditions, oldest_first=order == OLDEST)
    span = Span(
        conditions.start,
        conditions.end,
        place.beyond.key() if place and place.beyond else None,
        newest_first=order == NEWEST,
    )
    pks: list[int] = []
    for _ in range(MOST_WALKS):
        matches = find(conditions, span, size - len(pks) + 1, rows=False)
        fitting = matches.keys[: size - len(pks)]
        pks += [key.pk for key in fitting]
        if len(matches.keys) > len(fitting):
            last = fitting[-1]
        elif matches.reached:
            last = matches.reached
        else:
            return EventsPage(texts_of(pks, accounts), None, has_more=False)
        beyond = Cursor(as_time(last.created_at), last.pk)
        if len(pks) >= size:
            break
        span = replace(span, beyond=beyond.key())
    return EventsPage(texts_of(pks, accounts), Place(order, beyond), has_more=True)


def texts_of(pks: Sequence[int], accounts: Mapping[int, NexmoAccount]) -> list[str]:
    """The events with these keys, in their order."""
    return [with_account(raw, accounts[account].api_key) for account, raw in fetch_raw(pks)]


def with_account(raw: str, api_key: str) -> str:
    """An event as received, with the key of its account where it has no `account_id` of its own."""
    before, found, _ = raw.partition('"account_id"')
    # In Nexmo's order of fields it stands before the context, and nothing is open there but the event itself.
    if found and before.count("{") - before.count("}") == 1:
        return raw
    members = json.loads(raw)
    if not isinstance(members, dict) or "account_id" in members:
        return raw
    comma = "," if members else ""
    return f"{raw.rstrip()[:-1]}{comma}{json.dumps('account_id')}:{json.dumps(api_key)}}}"
