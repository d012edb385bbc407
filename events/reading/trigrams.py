"""What to ask a trigram index for the words of a text, so that it answers fast or is not asked at all.

The indexes intersect lists of the events that hold each piece of three letters, and SQLite's reads every list to its
end: a common piece costs, and narrows little. How common a piece is, a sample of the archive tells:
of the accounts in question only, so that other accounts' events decide nothing.
"""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from events.models import SyncState
from events.storage.search_index import TABLE, TEXT, account_mark, trigrams

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = 400
SAMPLE_AGE = 3600.0  # seconds
MOST_SAMPLES = 32  # of half a megabyte each
SMALL = 50_000  # events; among fewer, no list is long
FEW = 500  # candidates to aim for
# Of many ways, each is looked up by a few of its pieces: to name candidates, those do.
MOST_WHOLE, ENOUGH = 20, 8
MOST_READ = 1_000_000  # entries of lists, some 15 milliseconds
APART = 4  # so many pieces without a letter in common say most of what all say, and cost a tenth


Accounts = tuple[int, ...] | None  # those in question; None for all


@dataclass(frozen=True)
class Sample:
    """Which of the sampled events hold each piece: a bit for each event."""

    taken_at: float
    size: int
    holding: dict[str, int]

    def share(self, piece: str) -> float:
        """The share of events that hold a piece; for one that the sample has not seen, a small one."""
        return (self.holding.get(piece, 0).bit_count() + 0.5) / (self.size + 1)

    def share_of_all(self, pieces: Sequence[str]) -> float:
        """What share of events holds all of the pieces at the least, as far as a sample can tell."""
        holding = -1
        for piece in pieces:
            holding &= self.holding.get(piece, 0)
        count = holding.bit_count() if pieces else self.size
        return (count - math.sqrt(count)) / self.size


_samples: dict[tuple[str, Accounts], Sample] = {}
_lock = threading.Lock()


def fts_query(ways: list[tuple[str, ...]], accounts: Accounts = None) -> str:
    """The FTS5 expression for "may contain all words in one of these ways, and is of one of the accounts"; "" when the
    index can't tell, or not soon."""
    events = _number(accounts)
    chosen = [choose(words, accounts, events) for words in ways]
    if len(ways) > MOST_WHOLE:
        chosen = [pieces[:ENOUGH] for pieces in chosen]
    if not all(chosen):
        return ""
    terms = " OR ".join(f"({' AND '.join(map(_quoted, pieces))})" for pieces in chosen)
    if accounts is None:
        return terms
    marks = " OR ".join(_quoted(account_mark(account)) for account in accounts)
    return f"({marks}) AND ({terms})"


def _quoted(piece: str) -> str:
    return '"' + piece.replace('"', '""') + '"'


def choose(words: tuple[str, ...], accounts: Accounts = None, events: int | None = None) -> list[str]:
    """The pieces of all words to intersect, rarest first; none where that would not narrow enough, or take too long."""
    pieces = _pieces(words)
    events = _number(accounts) if events is None else events
    if events < SMALL:
        return pieces
    sample = _sampled(events, accounts)
    if events * sample.share_of_all(pieces) > 20 * FEW:
        return []
    pieces.sort(key=sample.share)
    chosen: list[str] = []
    for piece in pieces:
        chosen.append(piece)
        shares = [sample.share(chosen_piece) for chosen_piece in chosen]
        if events * sum(shares) > MOST_READ:
            return []
        if _left(events, shares) < FEW:
            return chosen
    return chosen if _left(events, [sample.share(piece) for piece in chosen]) < 20 * FEW else []


def narrows(ways: list[tuple[str, ...]], accounts: Accounts, most: int) -> bool:
    """Whether for each of the ways few events hold all its pieces: else there is no need to ask the index.

    Args:
        most: how many candidates would be looked through.
    """
    events = _number(accounts)
    if events < SMALL:
        return True
    sample = _sampled(events, accounts)
    return all(
        _left(events, [sample.share(piece) for piece in pieces]) < 20 * FEW
        and events * sample.share_of_all(pieces) <= most
        for pieces in map(_pieces, ways)
    )


def choose_apart(words: tuple[str, ...], accounts: Accounts) -> list[list[str]]:
    """A few pieces of each word, in their order in it, that name nearly the same candidates as all together would. A
    word may have none of them; where all words are too short, there is nothing.

    They are of ASCII letters and digits, which make pieces for pg_trgm too, and the rarest without a letter in common.
    """
    events = _number(accounts)
    # Of few events, the first pieces do.
    share = _sampled(events, accounts).share if events >= SMALL else (lambda piece: 0.0)
    pieces = [
        (number, start, piece)
        for number, word in enumerate(words)
        for start, piece in enumerate(trigrams(word, each=True))
        if piece.isascii() and piece.isalnum()
    ]
    apart: list[tuple[int, int, str]] = []
    for number, start, piece in sorted(pieces, key=lambda place: share(place[2])):
        if not any(number == other and abs(start - there) < len(piece) for other, there, _ in apart):
            apart.append((number, start, piece))
        if len(apart) == APART:
            break
    else:
        return []
    return [[piece for other, _, piece in sorted(apart) if other == number] for number in range(len(words))]


def _pieces(words: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(piece for word in words for piece in trigrams(word)))


def _left(events: float, shares: list[float]) -> float:
    # Pieces of one word come together: each narrows less than its share says.
    return events * float(math.prod(max(share, 0.02) ** 0.8 for share in shares))


def _number(accounts: Accounts) -> int:
    """How many events there are, roughly."""
    if accounts is not None:
        return sum(_counts(accounts).values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(id) FROM {TABLE}")
        return int(cursor.fetchone()[0] or 0)


def _counts(accounts: tuple[int, ...]) -> dict[int, int]:
    counts = SyncState.objects.filter(account__in=accounts, event_count__gt=0).order_by("account")
    return dict(counts.values_list("account", "event_count"))


def _sampled(events: int, accounts: Accounts) -> Sample:
    key = (str(connection.settings_dict["NAME"]), accounts)
    with _lock:
        known = _samples.get(key)
        if known and time.monotonic() - known.taken_at < SAMPLE_AGE:
            return known
        holding: dict[str, int] = {}
        texts = _texts(events) if accounts is None else _texts_of(_counts(accounts))
        for number, text in enumerate(texts):
            for piece in trigrams(text):
                holding[piece] = holding.get(piece, 0) | 1 << number
        if len(_samples) >= MOST_SAMPLES:
            _samples.clear()
        _samples[key] = Sample(time.monotonic(), max(len(texts), 1), holding)
        return _samples[key]


def _texts(events: int) -> list[str]:
    """The texts of some events, drawn with a fixed seed: the same archive answers the same way."""
    pks = random.Random(events).sample(range(1, events + 1), SAMPLE)  # noqa: S311
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TEXT} FROM {TABLE} WHERE id IN ({', '.join(map(str, pks))})")
        return [text for (text,) in cursor.fetchall()]


def _texts_of(counts: dict[int, int]) -> list[str]:
    """The same of some accounts, by their events' places in their chains."""
    dice = random.Random(sum(counts.values()))  # noqa: S311
    drawn = dice.choices(list(counts), weights=list(counts.values()), k=SAMPLE)
    places = sorted({(account, dice.randint(1, counts[account])) for account in drawn})
    listed = ", ".join(f"({int(account)}, {place})" for account, place in places)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH places (its_account, place) AS (VALUES {listed}) SELECT {TEXT} FROM places "
            f"CROSS JOIN {TABLE} WHERE account_id = its_account AND seq = place"
        )
        return [text for (text,) in cursor.fetchall()]
