"""What a person signs off, as a signed statement about one account: which events were looked through, and by whom.

The statement is canonical JSON like a seal's, signed with the same key. It names the account's chain and its head at
that moment, so that it proves the chain up to there as a seal does, and it holds

    events   how many there were, and SHA-256 of a line "number digest" for each of them in the order of the chain
    filter   what they are: the query, in words, and as the plain values that it stood for
    covered  the parts of the period for which the archive was known to be complete
    person, note, period, signed_at

The numbers themselves are kept beside the statement, as ranges. Whoever has the chain's digests can so tell which
events were meant, also after retention has removed some of them: their digests follow from what they left behind.
All statements of one review carry its id and nothing else of one another.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.db.models import prefetch_related_objects

from events.archive import seals
from events.models import ReviewStatement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from accounts.models import NexmoAccount
    from events.models import ChainHead

FORMAT = "auditsite review 1"
CHUNK = 100
_RANGES = re.compile(r"(?:[1-9]\d{0,18}(?:-[1-9]\d{0,18})?(?:,|\Z))*", re.ASCII)


class BadReview(ValueError):
    """A review that does not say what was signed, or does not fit the archive; in a sentence."""


@dataclass(frozen=True)
class Statement:
    """As much of a statement as is compared; `values` is all of it."""

    review: str
    account: str
    chain: str
    head_count: int
    head_digest: str
    count: int
    digest: str
    values: dict[str, Any]

    @property
    def name(self) -> str:
        """The review, for messages."""
        return f"The review that {self.values['person']['username']} signed off at {self.values['signed_at']}"


class EventsDigest:
    """The digest over events, added in the order of their chain."""

    def __init__(self) -> None:
        self.count = 0
        self._sha256 = hashlib.sha256()

    def add(self, number: int, digest: str) -> None:
        self.count += 1
        self._sha256.update(f"{number} {digest}\n".encode())

    def hex(self) -> str:
        return self._sha256.hexdigest()


def as_ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as text: 1-40,42."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


def from_ranges(text: str) -> Iterator[int]:
    """The numbers of `as_ranges`. Raises BadReview for any other text."""
    if not _RANGES.fullmatch(text) or text.endswith(","):
        raise BadReview("the numbers of its events cannot be read.")
    last_before = 0
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if not last_before < int(first) <= int(last or first):
            raise BadReview("the numbers of its events are out of order.")
        last_before = int(last or first)
        yield from range(int(first), last_before + 1)


def text_of(values: dict[str, Any]) -> str:
    """A statement as it is signed."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def read(text: str, signature: str, public_keys: list[str] | None = None) -> Statement:
    """Check a statement's signature and read it. Raises BadReview."""
    keys = seals.known_keys() if public_keys is None else public_keys
    if not keys:
        raise BadReview("there is no public key to check it with; set SEAL_KEY or SEAL_PUBLIC_KEYS.")
    try:
        seals.check_signature(text, signature, keys)
        values: dict[str, Any] = json.loads(text)
        if values["format"] != FORMAT:
            raise BadReview(f"its format is {values['format']!r}.")
        return Statement(
            review=values["review"],
            account=values["account"],
            chain=values["chain"],
            head_count=int(values["head"]["count"]),
            head_digest=values["head"]["digest"],
            count=int(values["events"]["count"]),
            digest=values["events"]["digest"],
            values=values,
        )
    except seals.BadSeal as error:
        raise BadReview(str(error)) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadReview(str(error) if isinstance(error, BadReview) else "its statement cannot be read.") from None


def export(row: ReviewStatement) -> dict[str, str]:
    """A statement as it is taken away: everything an outsider needs but the public key."""
    return {"statement": row.statement, "signature": row.signature, "key": row.key_id, "numbers": row.numbers}


def agree(row: ReviewStatement, statement: Statement) -> bool:
    """Whether the rows that pages read say what was signed."""
    values, review = statement.values, row.review
    return (
        (statement.review, statement.count, values["key"]) == (str(review.pk), row.count, row.key_id)
        and values["person"]
        == {"id": review.person_id, "username": review.username, "name": review.name, "email": review.email}
        and (values["note"], values["signed_at"]) == (review.note, moment(review.signed_at))
        and values["period"] == [moment(review.start) if review.start else None, moment(review.end)]
    )


def moment(value: Any) -> str:
    """A time as it stands in a statement."""
    return str(value.astimezone(UTC).isoformat(timespec="microseconds"))


# --- comparing them with a chain ------------------------------------------------------------------------------------


class Reviewed:
    """The reviews of an account, compared with its chain while that is recomputed from its beginning.

    `wanted` holds the places whose digests the statements state; `next` is the next number that a review speaks of.
    """

    def __init__(self, account: NexmoAccount, public_keys: list[str] | None) -> None:
        """Raises BadReview: a statement is not genuine, or its rows say something else."""
        self.account = account
        self.statements: list[Statement] = []
        self.removed = 0  # events that were looked through and have been removed since
        self._digests: list[EventsDigest] = []
        self._numbers: list[Iterator[int]] = []
        self._waiting: list[tuple[int, int]] = []
        rows = ReviewStatement.objects.filter(account=account).order_by("pk")
        for row in rows.iterator(chunk_size=CHUNK):
            self._take(row, public_keys)
        heapq.heapify(self._waiting)

    def _take(self, row: ReviewStatement, public_keys: list[str] | None) -> None:
        name = f"The review {row.review_id}"
        try:
            statement = read(row.statement, row.signature, public_keys)
        except BadReview as error:
            raise BadReview(f"{name} is not genuine: {error}") from None
        try:
            prefetch_related_objects([row], "review")
            same = agree(row, statement)
        except (ReviewStatement.review.RelatedObjectDoesNotExist, AttributeError):
            raise BadReview(f"{name} was removed from the database; its statement is still there.") from None
        except (KeyError, TypeError):
            same = False
        if not same:
            raise BadReview(f"{name} does not say what was signed: it was altered.")
        if statement.account != self.account.api_key:
            raise BadReview(f"{name} is of account {statement.account}: keys or statements were exchanged.")
        place = len(self.statements)
        self.statements.append(statement)
        self._digests.append(EventsDigest())
        self._numbers.append(from_ranges(row.numbers))
        self._advance(place, self._waiting.append)

    def _advance(self, place: int, put: Any) -> None:
        number = next(self._numbers[place], None)
        if number is not None:
            put((number, place))

    @property
    def wanted(self) -> set[int]:
        return {statement.head_count for statement in self.statements}

    @property
    def next(self) -> int:
        return self._waiting[0][0] if self._waiting else 0

    def passed(self, number: int, digest: str, *, removed: bool = False) -> int:
        """Note the digest of the event that was waited for. Returns the next number."""
        while self._waiting and self._waiting[0][0] == number:
            _, place = heapq.heappop(self._waiting)
            self._digests[place].add(number, digest)
            self.removed += removed
            self._advance(place, lambda item: heapq.heappush(self._waiting, item))
        return self.next

    def check(self, head: ChainHead | None, digests: dict[int, str]) -> None:
        """Compare what the statements say with the chain, which was walked. Raises BadReview.

        Args:
            digests: of the chain, at the places of `wanted`.
        """
        beyond = {place for _, place in self._waiting}  # numbers that the chain does not have
        for place, (statement, found) in enumerate(zip(self.statements, self._digests, strict=True)):
            if head is None or statement.chain != head.chain_id:
                raise BadReview(f"{statement.name} belongs to another chain: this one was started anew.")
            if statement.head_count > head.seq or digests.get(statement.head_count) != statement.head_digest:
                raise BadReview(
                    f"{statement.name} does not fit event number {statement.head_count:,}: the chain was rewritten "
                    "before it."
                )
            if place in beyond or (found.count, found.hex()) != (statement.count, statement.digest):
                raise BadReview(
                    f"{statement.name} is about {statement.count:,} events, and those noted beside it are others."
                )
