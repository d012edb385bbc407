"""What the archive tells of one user, address, number or application: its events, its ends, its company.

Every look-up is bounded, whatever the number of events: what was not read is reported, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from events.entities.entity import entity
from events.masking import shown
from events.models import FirstSeen
from events.nexmo.values import ip_key
from events.reading import Cursor, Page, read_page
from events.reading.facets import Sample, sample, with_one_user
from events.reading.filterable import DIMENSIONS, ENTITIES, FACETS
from events.reading.users import spellings_of
from events.wording.lookalikes import skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.entities.entity import Entity
    from events.reading import Row
    from events.reading.conditions import Conditions

MOST_FOLDED = 500  # events of a number or an application that are looked at
LEAST_LOOK = 100
MOST_LOOKS = 3  # at candidates that may name something else
MOST_CHARACTERS = 2_000_000  # of their contexts
MOST_CHECKED = 10
MOST_ELSEWHERE = 5
MOST_COMPARED, MOST_ALIKE = 5_000, 10  # users
NEW = timedelta(days=30)
BEGINNING = Cursor(datetime(1970, 1, 1, tzinfo=UTC), 0)  # no event is archived as older


@dataclass(frozen=True)
class Seen:
    """When and in which account; `exact`: not merely as far as was looked."""

    at: datetime
    account: int
    exact: bool = True


@dataclass(frozen=True)
class Companion:
    """A value that comes with an entity: an address of a user, a user of an address.

    Attributes:
        exact: `first` is the first time; else it was seen then, and may have been before.
        is_new: it was certainly not seen before the last NEW.
    """

    value: str
    count: int
    first: datetime
    exact: bool
    is_new: bool


@dataclass(frozen=True)
class Elsewhere:
    """The newest few events about an entity in other accounts; `more`: there may be others."""

    entity: Entity
    rows: list[Row]
    more: bool


def elsewhere(subjects: Iterable[Entity], accounts: tuple[int, ...]) -> list[Elsewhere]:
    """Which of them stand in events of these accounts too."""
    result = []
    for subject in subjects:
        page = read_about(subject, replace(subject.conditions, accounts=accounts), MOST_ELSEWHERE)
        if page.rows:
            result.append(Elsewhere(subject, page.rows, page.older is not None))
    return result


def read_about(
    entity: Entity, conditions: Conditions, size: int, *, before: Cursor | None = None, after: Cursor | None = None
) -> Page:
    """As `read_page`, but of numbers and applications only the events that name them."""
    if entity.is_looked_up:
        return read_page(conditions, size, before=before, after=after)
    rows: list[Row] = []
    start, upwards = before or after, after is not None
    goes_on: Cursor | None = None
    characters = 0
    for _ in range(MOST_LOOKS):
        page = read_page(conditions, max(size + 1, LEAST_LOOK), before=before, after=after)
        goes_on = page.newer if upwards else page.older
        looked_at = page.rows[::-1] if upwards else page.rows
        for number, row in enumerate(looked_at, start=1):
            if entity.is_named_in(shown(row.context)):
                rows.append(row)
            characters += len(row.context or "")
            if characters > MOST_CHARACTERS:
                goes_on = Cursor.of(row) if number < len(looked_at) else goes_on
                break
        if len(rows) > size or goes_on is None or characters > MOST_CHARACTERS:
            break
        before, after = (None, goes_on) if upwards else (goes_on, None)
    rows = rows[::-1] if upwards else rows
    reached = goes_on.created_at if goes_on and len(rows) <= size else None
    if len(rows) > size:
        rows = rows[-size:] if upwards else rows[:size]
        goes_on = Cursor.of(rows[0] if upwards else rows[-1])
    if upwards and start:
        back = Cursor.of(rows[-1]) if rows else Cursor(start.created_at, start.pk + 1)
        return Page(rows, newer=goes_on, older=back, searched_up_to=reached)
    newer = (Cursor.of(rows[0]) if rows else start) if start else None
    return Page(rows, newer=newer, older=goes_on, searched_back_to=reached)


def sample_of(entity: Entity, conditions: Conditions) -> tuple[Sample, Page]:
    """Its newest events as the facets count them; and those of a number or an application as rows."""
    if entity.is_looked_up:
        return sample(conditions), Page([])
    page = read_about(entity, conditions, MOST_FOLDED)
    values: list[tuple[Any, ...]] = [
        (*(getattr(row, column) for column in FACETS.values()), row.created_at) for row in page.rows
    ]
    return Sample(with_one_user(values), page.older is None, page.searched_back_to), page


def ends(entity: Entity, conditions: Conditions, sampled: Sample) -> tuple[Seen, Seen] | None:
    """When it was first and last seen; None where neither end shows anything.

    An entity buried so deep in other accounts' events that neither end reaches it looks like one that does not exist:
    the difference would tell a stranger that it does.
    """
    place = list(FACETS).index("account")
    last = Seen(sampled.rows[0][-1], sampled.rows[0][place]) if sampled.rows else None
    if sampled.complete:
        return (Seen(sampled.rows[-1][-1], sampled.rows[-1][place]), last) if last else None
    if oldest := read_about(entity, conditions, 1, after=BEGINNING).rows:
        first = Seen(oldest[0].created_at, oldest[0].account_id)
        return first, last or replace(first, exact=False)
    return (Seen(sampled.rows[-1][-1], sampled.rows[-1][place], exact=False), last) if last else None


def companions(conditions: Conditions, sampled: Sample, name: str, now: datetime) -> list[Companion]:
    """The values of a facet by when they were first seen, the newest first."""
    place = list(FACETS).index(name)
    counts: dict[str, int] = {}
    firsts: dict[str, datetime] = {}
    for row in sampled.rows:
        if value := row[place]:
            counts[value] = counts.get(value, 0) + 1
            firsts[value] = row[-1]  # they come newest first
    result = []
    checked = 0
    for value, first in sorted(firsts.items(), key=lambda pair: pair[1], reverse=True):
        recent, exact = first > now - NEW, sampled.complete
        if recent and not exact and checked < MOST_CHECKED:
            checked += 1
            exact = _is_first(conditions, name, value, first)
        result.append(Companion(value, counts[value], first, exact, recent and exact))
    return result


def _is_first(conditions: Conditions, name: str, value: str, first: datetime) -> bool:
    """Whether an event of this time is certainly the first with this value."""
    compared: tuple[Any, ...] = spellings_of(value) if name == ENTITIES["user"].name else (value,)
    if DIMENSIONS[name].ranges:
        key = ip_key(value)
        if not key:
            return False
        compared = ((key, key),)
    wanted = {**conditions.wanted, name: compared}
    page = read_page(replace(conditions, wanted=wanted, end=first - timedelta(microseconds=1)), 1)
    return not page.rows and page.searched_back_to is None


def look_alikes(subject: Entity, accounts: tuple[int, ...] | None) -> list[Entity]:
    """Other users of these accounts whose address can be mistaken for this one's, of the first MOST_COMPARED.

    Args:
        accounts: those that the reader may see; None for all.
    """
    if subject.slug != "user":
        return []
    users = FirstSeen.objects.order_by("user_email")
    if accounts is not None:
        users = users.filter(account__in=accounts)
    wanted = skeleton(subject.value)
    names = users.exclude(user_email=subject.value).values_list("user_email", flat=True).distinct()
    alike = [name for name in names[:MOST_COMPARED] if skeleton(name) == wanted]
    return [other for name in alike[:MOST_ALIKE] if (other := entity("user", name))]
