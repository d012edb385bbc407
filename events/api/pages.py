"""Pages of events by cursor, in one of three orders, as received: verbatim but for what their reader may not see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from events.api.cursors import ARRIVAL, MOST_ACCOUNTS, NEWEST, OLDEST, ORDERS, Place, WrongCursor
from events.masking import mask_jsons
from events.reading import Cursor
from events.reading.arrivals import read_arrivals
from events.reading.pages import find
from events.reading.plan import Span
from events.reading.rows import as_time, fetch_masked, fetch_raw, fetch_verbatim

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from events.reading.conditions import Conditions
    from events.reading.rows import RawRow

Keys = Callable[[], "Mapping[int, str]"]
_LINKED = '{"_links":{"self":{"href":"'
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
    conditions: Conditions, keys: Keys, place: Place | None, order: str, size: int, whole: bool
) -> EventsPage:
    """The page beyond a place, or the first of an order.

    Args:
        keys: the API keys of all accounts that may be read, by primary key; asked where they are needed.
        whole: whether their reader may see what is sensitive in them.

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
        return _arrivals(conditions, keys, place, size, whole)
    conditions = replace(conditions, oldest_first=order == OLDEST)
    span = Span(
        conditions.start,
        conditions.end,
        place.beyond.key() if place and place.beyond else None,
        newest_first=order == NEWEST,
    )
    texts: list[str] = []
    for _ in range(MOST_WALKS):
        matches = find(conditions, span, size - len(texts) + 1, read=fetch_verbatim if whole else fetch_masked)
        fitting = matches.keys[: size - len(texts)]
        rows = fitting if matches.are_rows else fetch_raw([key.pk for key in fitting], whole=whole)
        texts += _texts(rows, keys)
        if len(matches.keys) > len(fitting):
            last = fitting[-1]
        elif matches.reached:
            last = matches.reached
        else:
            return EventsPage(texts, None, has_more=False)
        beyond = Cursor(as_time(last.created_at), last.pk)
        if len(texts) >= size:
            break
        span = replace(span, beyond=beyond.key())
    return EventsPage(texts, Place(order, beyond), has_more=True)


def _arrivals(conditions: Conditions, keys: Keys, place: Place | None, size: int, whole: bool) -> EventsPage:
    if len(keys() if conditions.accounts is None else conditions.accounts) > MOST_ACCOUNTS:
        raise WrongCursor(
            gettext("order=arrival takes %(most)s accounts at most: name some of them.") % {"most": MOST_ACCOUNTS}
        )
    batch = read_arrivals(conditions, place.places or {} if place else {}, size)
    raw = [each.raw for each in batch.arrivals]
    shown = raw if whole else mask_jsons(raw)
    texts = [with_account(text, each.account_id, keys) for text, each in zip(shown, batch.arrivals, strict=True)]
    return EventsPage(texts, Place(ARRIVAL, places=batch.places), batch.more)


def texts_of(pks: Sequence[int], keys: Keys, whole: bool) -> list[str]:
    """The events with these keys, in their order."""
    return _texts(fetch_raw(pks, whole=whole), keys)


def _texts(rows: Sequence[RawRow], keys: Keys) -> list[str]:
    return [with_account(row.raw, row.account_id, keys) for row in rows]


def with_account(raw: str, account: int, keys: Keys) -> str:
    """An event as received, with the key of its account where it has no `account_id` of its own."""
    place = raw.find('"account_id"')
    # In Nexmo's order of fields the links stand first and the context last: nothing but the event itself is open in
    # between. The exact way would take longer than all the rest of a page.
    if raw.startswith(_LINKED) and raw.find("{", raw.find('"}}', len(_LINKED)), place) < 0 < place:
        return raw
    if place > 0 and raw.count("{", 0, place) - raw.count("}", 0, place) == 1 and raw.find('"context"', 0, place) < 0:
        return raw
    members = json.loads(raw)
    if not isinstance(members, dict) or "account_id" in members:
        return raw
    comma = "," if members else ""
    return f"{raw.rstrip()[:-1]}{comma}{json.dumps('account_id')}:{json.dumps(keys()[account])}}}"
