"""Users by their e-mail addresses: one address may be spelled in several ways, and the archive keeps each as it came.

Letters beyond ASCII come composed (é) or as a letter and its accent, which look the same. To look a user up is to
look up both; no column and no index holds them twice.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from django.db import connection

from events.masking import mask
from events.models import AuditEvent, FirstSeen

if TYPE_CHECKING:
    from collections.abc import Callable


def one_user(email: str) -> str:
    """The one spelling of an address that stands for all."""
    if email.isascii():
        return email.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower())


def spellings_of(email: str) -> tuple[str, ...]:
    """All spellings of an address that the archive may have, where letters are in lower case."""
    if email.isascii():
        return (email.lower(),)
    user = one_user(email)
    usual = (user, unicodedata.normalize("NFD", user), email.lower())
    return tuple(dict.fromkeys((*usual, *_seen(lambda other: other == user))))  # an address may mix its spellings


def matching(pattern: str) -> tuple[str, ...]:
    """The users whose address a pattern with stars names, in all spellings of the archive: `*@example.com`, `zoe*`."""
    pieces = one_user(pattern).split("*")
    return _seen(lambda user: _fits(user, pieces))


def is_seen(word: str, accounts: tuple[int, ...] | None) -> bool:
    """Whether a word is the address of a user of these accounts, or begins a part of the name in one: zoe of
    zoe.marsh@example.com. Those of whom no event has a country are not known here.

    Args:
        accounts: None for all.
    """
    seen = FirstSeen.objects.filter(user_email__contains=one_user(word)).order_by()
    if accounts is not None:
        seen = seen.filter(account_id__in=accounts)
    word = one_user(word)
    return any(
        email == word or any(part.startswith(word) for part in re.split(r"[\W_]+", email.partition("@")[0]))
        for email in map(one_user, map(mask, seen.values_list("user_email", flat=True).distinct()))
    )


def _seen(is_wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """The addresses in the archive whose one spelling is wanted.

    Each different address is looked up once, along the index of users: their number counts, not that of their events.
    Which accounts they were seen in does not matter here; whoever reads their events is limited to his own.
    """
    table, index = AuditEvent._meta.db_table, "INDEXED BY event_user_time" if connection.vendor == "sqlite" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE users(email) AS (SELECT MIN(user_email) FROM {table} {index} UNION ALL "
            f"SELECT (SELECT MIN(user_email) FROM {table} {index} WHERE user_email > users.email) FROM users "
            "WHERE users.email IS NOT NULL) SELECT email FROM users WHERE email IS NOT NULL"
        )
        return tuple(
            email for (email,) in cursor.fetchall() if email and mask(email) == email and is_wanted(one_user(email))
        )


def _fits(text: str, pieces: list[str]) -> bool:
    """Whether a text consists of these pieces, with anything between them."""
    if len(pieces) == 1:
        return text == pieces[0]
    first, *between, last = pieces
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in between:
        place = text.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True
