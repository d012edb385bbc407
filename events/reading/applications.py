"""What applications are called, for events that tell an application's id alone."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.masking import shown
from events.nexmo.applications import ABOUT_TYPES, application, nameless_application, words_of
from events.reading.conditions import is_one_of
from events.reading.rows import TABLE
from events.storage import application_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.models import AuditEvent
    from events.reading.rows import Row

# By account and application, in lower case.
Names = dict[tuple[int, str], str]
Accounts = tuple[int, ...] | None
# By account and id; no account stands for any.
Applications = tuple[tuple[int | None, str], ...]
MOST_NAMED = 3
MOST_MEANT = 200  # applications by one name
MOST_COMPARED = 5_000  # names, with one that is not known
LONGEST_KEPT = 4_000  # characters of a context that is kept with what was read from it: there may be thousands
_ID = re.compile(r"(?=[a-z_-]{0,63}[0-9])[0-9a-z][0-9a-z_-]{5,63}")


def nameless(event_type: str, context: str | None) -> str:
    """The id of the application that an event is about without naming it; "" where there is none."""
    if event_type not in ABOUT_TYPES or not context:
        return ""
    return _read(context) if len(context) <= LONGEST_KEPT else _read.__wrapped__(context)


@lru_cache(maxsize=4096)
def _read(context: str) -> str:
    return nameless_application(shown(context))


def names_for(rows: Iterable[Row | AuditEvent]) -> Names:
    """What the applications of these events are called, as the newest event that named each says. At most one query."""
    wanted = {(row.account_id, app) for row in rows if (app := nameless(row.event_type, row.context))}
    return names_of(wanted)


def names_of(wanted: Iterable[tuple[int, str]]) -> Names:
    """The same of these applications, by account and id."""
    wanted = set(wanted)
    if not wanted:
        return {}
    accounts, apps = (sorted(set(column)) for column in zip(*wanted, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n.account_id, n.application_id, e.context FROM {application_names.TABLE} n "
            f"JOIN {TABLE} e ON e.id = n.event_id AND e.account_id = n.account_id "
            f"WHERE n.application_id IN ({', '.join(['%s'] * len(apps))}) "
            f"AND n.account_id IN ({', '.join(['%s'] * len(accounts))})",
            [*apps, *accounts],
        )
        rows = cursor.fetchall()
    names: Names = {}
    for account, app, context in rows:
        told, name = application(shown(context)) if (account, app) in wanted else ("", "")
        if name and told == app:
            names[account, app] = name
    return names


def called(name: str, accounts: Accounts) -> Applications:
    """The applications that a name, words of one or an id stands for, MOST_MEANT + 1 at most; none where nothing is
    called so. A whole name means itself alone, although it may be a part of others.

    Args:
        accounts: those in question; None for all.
    """
    words, app = words_of(name), name.strip().lower()
    if not words:
        return ()
    exact = _noted("words = %s OR application_id = %s", [words, app], accounts)
    if any(noted == words for _, _, noted in exact):
        return _as_told([found for found in exact if found[2] == words])
    if exact:
        return ((None, app),)
    if found := _as_told(_holding(words.split(), accounts)):
        return found
    return ((None, app),) if _ID.fullmatch(app) else ()


class Lookup:
    """Applications of some accounts by the words of their names. One page keeps it: the same words are looked up once.

    Args:
        accounts: those in question; None for all.
    """

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self._known: dict[str, tuple[Names, bool]] = {}

    def named(self, words: str) -> Names:
        """Those whose names hold all these words or pieces of words, MOST_MEANT + 1 at most."""
        return self._look_up(words)[0]

    def holding(self, words: str) -> list[str]:
        """The names of these, each once."""
        return sorted(set(self.named(words).values()))

    def within(self, words: str) -> list[str]:
        """The names that stand, word by word, within a text, as events tell them."""
        named, are_all = self._look_up(words) if " " not in words else ({}, False)
        if are_all:
            return sorted({name for name in named.values() if words_of(name) == words})
        return _names(_noted(f"{_place('%s', _joined())} > 0", [f" {words} "], self.accounts))

    def _look_up(self, words: str) -> tuple[Names, bool]:
        """The same, and whether there are no more."""
        if words not in self._known:
            noted = _holding(words.split(), self.accounts)
            self._known[words] = _named(noted), len(noted) <= MOST_MEANT
        return self._known[words]


def any_name(accounts: Accounts) -> str:
    """The name of an application of these accounts, for an example; "" where there is none."""
    return next(iter(_names(_noted("words <> ''", [], accounts, most=1))), "")


def name_by_id(app: str, accounts: Accounts) -> str:
    """What the application with this id is called; "" where that is not known."""
    if not _ID.fullmatch(app.lower()):
        return ""
    return next(iter(_names(_noted("application_id = %s", [app.lower()], accounts))), "")


def near(name: str, accounts: Accounts) -> list[str]:
    """The names that one which is not known may be a slip of."""
    noted = _noted("words <> ''", [], accounts, most=MOST_COMPARED)
    words = set(difflib.get_close_matches(words_of(name), {words for _, _, words in noted}, n=MOST_NAMED, cutoff=0.7))
    return _names([found for found in noted if found[2] in words])


def _holding(parts: list[str], accounts: Accounts) -> list[tuple[int, str, str]]:
    """What is noted of applications whose names hold all of these."""
    where = " AND ".join([f"{_place('words', '%s')} > 0"] * len(parts))
    return _noted(where, parts, accounts) if parts else []


def _noted(where: str, values: list[Any], accounts: Accounts, most: int = MOST_MEANT + 1) -> list[tuple[int, str, str]]:
    """Account, id and words of what is noted of applications."""
    if accounts == ():
        return []
    scope, scoped = is_one_of("account_id", accounts) if accounts is not None else ("1 = 1", [])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT account_id, application_id, words FROM {application_names.TABLE} WHERE {scope} AND ({where}) "
            f"ORDER BY words, account_id, application_id LIMIT {most}",
            [*scoped, *values],
        )
        found: list[tuple[int, str, str]] = cursor.fetchall()
        return found


def _place(text: str, part: str) -> str:
    """Where a part stands in a text, from 1 on, as SQL."""
    if connection.vendor == "postgresql":
        return f"strpos({text.replace('%s', '%s::text')}, {part.replace('%s', '%s::text')})"
    return f"instr({text}, {part})"


def _joined() -> str:
    return "' ' || words || ' '"


def _as_told(noted: Iterable[tuple[int, str, str]]) -> Applications:
    """Those of which events tell the words that are noted: the index alone proves nothing."""
    return tuple(_named(noted))


def _named(noted: Iterable[tuple[int, str, str]]) -> Names:
    pairs = {(account, app): words for account, app, words in noted}
    names = names_of(pairs)
    return {pair: names[pair] for pair, words in pairs.items() if words_of(names.get(pair, "")) == words}


def _names(noted: Iterable[tuple[int, str, str]]) -> list[str]:
    return sorted(set(_named(noted).values()))
