"""What to ask a trigram index for the words of a text, so that it answers fast or is not asked at all.

The indexes intersect lists of the events that hold each piece of three letters, and SQLite's reads every list to its
end: a common piece costs, and narrows little. How common a piece is, a sample of the archive tells.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass

from django.db import connection

from events.storage.search_index import TABLE, TEXT, trigrams

SAMPLE = 400
SAMPLE_AGE = 3600.0  # seconds
SMALL = 50_000  # events; among fewer, no list is long
FEW = 500  # candidates to aim for
MOST_READ = 1_000_000  # entries of lists, some 15 milliseconds


@dataclass(frozen=True)
class Sample:
    """How many of the sampled events hold each piece."""

    taken_at: float
    size: int
    holding: Counter[str]

    def share(self, piece: str) -> float:
        """The share of events that hold a piece; for one that the sample has not seen, a small one."""
        return (self.holding[piece] + 0.5) / (self.size + 1)


_sample: dict[str, Sample] = {}
_lock = threading.Lock()


def fts_query(ways: list[tuple[str, ...]]) -> str:
    """The FTS5 expression for "may contain all words in one of these ways"; "" when the index can't tell, not soon."""
    chosen = [choose(words) for words in ways]
    if not all(chosen):
        return ""
    quoted = (" AND ".join('"' + piece.replace('"', '""') + '"' for piece in pieces) for pieces in chosen)
    return " OR ".join(f"({terms})" for terms in quoted)


def choose(words: tuple[str, ...]) -> list[str]:
    """The pieces of all words to intersect, rarest first; none where that would not narrow enough, or take too long."""
    pieces = _pieces(words)
    events = _newest()
    if events < SMALL:
        return pieces
    sample = _sampled(events)
    pieces.sort(key=sample.share)
    chosen: list[str] = []
    for piece in pieces:
        chosen.append(piece)
        shares = [sample.share(each) for each in chosen]
        if events * sum(shares) > MOST_READ:
            return []
        if _left(events, shares) < FEW:
            return chosen
    return chosen if _left(events, [sample.share(piece) for piece in chosen]) < 20 * FEW else []


def narrows(ways: list[tuple[str, ...]]) -> bool:
    """Whether few events hold all the pieces of one of the ways: else an index need not be asked."""
    events = _newest()
    if events < SMALL:
        return True
    sample = _sampled(events)
    return all(_left(events, [sample.share(piece) for piece in _pieces(words)]) < 20 * FEW for words in ways)


def _pieces(words: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(piece for word in words for piece in trigrams(word)))


def _left(events: float, shares: list[float]) -> float:
    # Pieces of one word come together: each narrows less than its share says.
    return events * float(math.prod(max(share, 0.02) ** 0.8 for share in shares))


def _newest() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(id) FROM {TABLE}")
        return int(cursor.fetchone()[0] or 0)


def _sampled(events: int) -> Sample:
    name = str(connection.settings_dict["NAME"])
    with _lock:
        known = _sample.get(name)
        if known and time.monotonic() - known.taken_at < SAMPLE_AGE:
            return known
        # Drawn with a fixed seed: the same archive answers the same way.
        pks = random.Random(events).sample(range(1, events + 1), SAMPLE)  # noqa: S311
        holding: Counter[str] = Counter()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {TEXT} FROM {TABLE} WHERE id IN ({', '.join(map(str, pks))})")
            texts = [text for (text,) in cursor.fetchall()]
        for text in texts:
            holding.update(trigrams(text))
        found = Sample(time.monotonic(), max(len(texts), 1), holding)
        _sample[name] = found
        return found
