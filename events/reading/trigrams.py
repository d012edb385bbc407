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
from functools import cached_property
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
# Along a walk, each piece is looked up by itself, which takes as long as looking at some hundred events.
RARE, MOST_WAYS_WITHIN = 0.25, 4
LONGEST = 25_000  # entries of the shortest list; PostgreSQL looks up each of them in the others
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

    def number_of_all(self, pieces: Sequence[str]) -> int:
        """How many of the sampled events hold all of the pieces."""
        holding = -1
        for piece in pieces:
            holding &= self.holding.get(piece, 0)
        return holding.bit_count() if pieces else self.size

    def share_of_all(self, pieces: Sequence[str], *, at_least: bool = True) -> float:
        """What share of events holds all of the pieces, as far as a sample can tell: at the least, or most likely."""
        number = self.number_of_all(pieces)
        return (number - math.sqrt(number) if at_least else number) / self.size


_samples: dict[tuple[str, Accounts], Sample] = {}
_lock = threading.Lock()


@dataclass
class Scope:
    """The accounts in question; what is known of their events is asked for once."""

    accounts: Accounts

    @cached_property
    def events(self) -> int:
        """How many there are, roughly."""
        if self.accounts is not None:
            return sum(_counts(self.accounts).values())
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT MAX(id) FROM {TABLE}")
            return int(cursor.fetchone()[0] or 0)

    @property
    def is_small(self) -> bool:
        """Whether no list of the index is long."""
        return self.events < SMALL

    @cached_property
    def sample(self) -> Sample:
        return _sampled(self.events, self.accounts)


def fts_query(ways: list[tuple[str, ...]], scope: Scope) -> str:
    """The FTS5 expression for "may contain all words in one of these ways, and is of one of the accounts"; "" when the
    index can't tell, or not soon."""
    chosen = [choose(words, scope) for words in ways]
    if len(ways) > MOST_WHOLE:
        chosen = [pieces[:ENOUGH] for pieces in chosen]
    return _expression(chosen, scope.accounts)


def pieces_within(ways: list[tuple[str, ...]], scope: Scope, size: int) -> list[list[str]]:
    """For each of these ways a few pieces, the rarest first, that narrow `size` events in a row down to few; nothing
    where no piece of one is rare, or where looking at all of them takes no longer."""
    if not 0 < len(ways) <= MOST_WAYS_WITHIN or not all(map(_pieces, ways)) or scope.is_small:
        return []
    share = scope.sample.share
    chosen = []
    for words in ways:
        of_words = [sorted(_pieces((word,)), key=share) for word in words]
        # One of each word first: pieces of one word come together, and narrow little.
        rarest = sorted((pieces[0] for pieces in of_words if pieces), key=share)
        others = sorted((piece for pieces in of_words for piece in pieces[1:]), key=share)
        pieces = [piece for piece in dict.fromkeys(rarest + others) if share(piece) < RARE][:APART]
        enough = (number for number in range(1, APART) if _left(size, list(map(share, pieces[:number]))) < FEW / 2)
        chosen.append(pieces[: next(enough, APART)])
    return chosen if all(chosen) else []


def _expression(ways: list[list[str]], accounts: Accounts) -> str:
    if not ways or not all(ways):
        return ""
    terms = " OR ".join(f"({' AND '.join(map(quoted, pieces))})" for pieces in ways)
    if accounts is None:
        return terms
    marks = " OR ".join(quoted(account_mark(account)) for account in accounts)
    # FTS5 steps through what stands first, and looks that up in the rest: the marks are on most events.
    return f"({terms}) AND ({marks})"


def quoted(piece: str) -> str:
    """A piece as FTS5's expressions have it."""
    return '"' + piece.replace('"', '""') + '"'


def choose(words: tuple[str, ...], scope: Scope) -> list[str]:
    """The pieces of all words to intersect, rarest first; none where that would not narrow enough, or take too long."""
    pieces = _pieces(words)
    if not pieces or scope.is_small:
        return pieces
    events, sample = scope.events, scope.sample
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


def turn_up(ways: list[tuple[str, ...]], scope: Scope, share: float) -> bool:
    """Whether more than a share of the sampled events hold all pieces of one of these ways."""
    sought = [pieces for pieces in map(_pieces, ways) if pieces]
    return any(scope.sample.number_of_all(pieces) > share * scope.sample.size for pieces in sought)


def narrows(ways: list[tuple[str, ...]], scope: Scope, most: int, *, are_there: bool = False) -> bool:
    """Whether for each of the ways few events hold all its pieces: else there is no need to ask the index.

    Args:
        most: how many candidates would be looked through.
        are_there: several events that match were met on the way, so that one in the sample is no accident.
    """
    if scope.is_small:
        return True
    events, sample = scope.events, scope.sample
    return all(
        _left(events, shares := [sample.share(piece) for piece in pieces]) < 20 * FEW
        and events * min(shares) < LONGEST
        and events * sample.share_of_all(pieces, at_least=not are_there) <= most
        for pieces in map(_pieces, ways)
    )


def choose_apart(words: tuple[str, ...], scope: Scope) -> list[list[str]]:
    """A few pieces of each word, in their order in it, that name nearly the same candidates as all together would. A
    word may have none of them; where all words are too short, there is nothing.

    They are of ASCII letters and digits, which make pieces for pg_trgm too, and the rarest without a letter in common.
    """
    # Of few events, the first pieces do.
    share = (lambda piece: 0.0) if scope.is_small else scope.sample.share
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
    pks = random.Random(events).sample(range(1, events + 1), min(SAMPLE, events))  # noqa: S311
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
