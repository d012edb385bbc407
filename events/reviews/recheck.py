"""Asking the filters of reviews again: what they find now must be what was looked through then.

`events.archive.verify` compares the events of a review with the chain; this compares them with the filter, so that
none was hidden from it when it was signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.archive.review_statements import BadReview, from_ranges, read
from events.models import RemovedEvent, ReviewStatement
from events.reviews.sign import matching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import NexmoAccount


def problems(account: NexmoAccount, public_keys: list[str] | None = None) -> Iterator[str]:
    """Reviews of this account whose filter finds other events now. The first event of a user from a country may be
    another one since older events have arrived, so filters that ask for it are left out."""
    removed: set[int] | None = None
    for row in ReviewStatement.objects.filter(account=account).order_by("pk").iterator(chunk_size=100):
        try:
            statement = read(row.statement, row.signature, public_keys)
            noted = set(from_ranges(row.numbers))
            plain = statement.values["filter"]["conditions"]
            if plain["new_country"]:
                continue
            found = set(matching(account, plain, statement.head_count))
        except (BadReview, KeyError, TypeError, ValueError):
            continue  # the account's own check says so
        if removed is None:
            removed = set(RemovedEvent.objects.filter(account=account).values_list("seq", flat=True))
        if different := (noted - removed) ^ found:
            yield (
                f"{statement.name} is about {statement.count:,} events; now its filter finds others up to there, "
                f"such as number {min(different):,}: they were hidden from one or the other."
            )
