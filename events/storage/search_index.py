"""Text search: what an event's searchable text is, and the trigram index over it that each database has.

SQLite keeps an FTS5 table beside the events, PostgreSQL a GIN index of pg_trgm. Both only name candidates; whether the
text is really there is then looked up in the event. docs/architecture.md says how a search stays fast for any text.
"""

from __future__ import annotations

import json
import re
import string
import unicodedata
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from events.masking import mask_json

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE, INDEX, POSTGRESQL_INDEX = "events_auditevent", "events_search", "event_account_text"
COLUMN = "text_and_account"  # of the index on SQLite
TRIGGERS = (f"{INDEX}_add", f"{INDEX}_remove")  # there
# Must be written the same everywhere: PostgreSQL uses its index only for the very expression it was made of.
TEXT = "CASE WHEN searchable = '' THEN raw ELSE searchable END"
# Comparing bytes is several times as fast as by any locale's rules, and other letters than ASCII are folded already.
POSTGRESQL_TEXT = f'({TEXT}) COLLATE "C"'
# The account is part of the index, so that a search reads nothing of other accounts: neither what it finds nor how long
# it takes tells of them. Written as a sum, it is what no other index serves.
POSTGRESQL_ACCOUNT = "(account_id + 0)"
_PRIVATE, _PRIVATE_SIZE = 0xE000, 6_400  # characters that mean nothing to anybody: three of them name an account
# Of ASCII only: other letters are folded already, and some of those have a lower case again.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# One word: in quotes, which the end closes too, or up to the next blank. Two minuses are text, one means "not".
_WORD = re.compile(r'(-?)"([^"]*)(?:"(?=\s|$)|$)|(-(?=[^\s"-]))?([^\s"]+)(?=\s|$)')
# Quotes as word processors, telephones and other languages set them, around a word or a condition's value.
_TYPESET = re.compile(r"(?<!\S)(-?(?:[A-Za-z_]+:)?)[“”„‟«»＂]([^“”„‟«»＂]*)[“”„‟«»＂](?=[\s,]|$)")
LONGEST_NUMBER = 60
_HYPHENS = re.compile("[\u2010-\u2015\u2212]")
_BLANK = re.compile(r"\s")
_PHONE = re.compile(r"(?:\(?\+|[0-9(])[0-9\s()./-]+")
# What is written with the same signs: dates, years, IP addresses and networks, decimals, the beginning of a UUID.
_NO_PHONE = re.compile(
    r"(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?![0-9])[0-9()./-]{0,60}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}"
    r"|(?:19|20)[0-9]{2}[-/](?:19|20)[0-9]{2}|[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}\.?(?:/[0-9]{1,2})?"
    r"|[0-9]{1,60}\.[0-9]{0,60}|[0-9]{8}-[0-9]{4}-?"
)
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]:,]|\s+|[^\s"{}\[\]:,]+', re.DOTALL)
_JSON_MARKS = frozenset("{}[]:,")
MOST_WORDS = 20  # whoever pastes more means the passage
_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|["\\/bfnrt])')


@dataclass(frozen=True)
class Words:
    """What an event must contain, in any order, and what it must not."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...] = ()


def words(text: str) -> Words:
    """The words of a searched text: `deleted "by hand" -login` wants two and refuses one.

    Quotes that stand elsewhere than around words are a piece of JSON, and that is one word, as it stands.
    """
    text = straight_quotes(text.strip())
    if phone_number(text):
        return Words((text,))
    wanted: list[str] = []
    unwanted: list[str] = []
    place = 0
    while place < len(text) and '":' not in text:
        match = _WORD.match(text, place)
        if not match:
            return Words((text,))
        if word := match[2] or match[4]:
            (unwanted if match[1] or match[3] else wanted).append(word)
        place = match.end()
        while text[place : place + 1].isspace():
            place += 1
    if not 0 < len(wanted) + len(unwanted) <= MOST_WORDS:
        return Words((text,))
    return Words(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


def straight_quotes(text: str) -> str:
    """The same with straight quotes around what stands in typeset ones: “by hand”, user:„bob@example.com“.

    Nothing that holds the quotes themselves is missed. Where there are straight ones already, the others are text.
    """
    return text if '"' in text else _TYPESET.sub(r'\1"\2"', text)


def searchable_text(raw: str) -> str:
    """The text that searches look in, or "" where that is the event as received.

    JSON spells one text in many ways; here each character is itself. Letters beyond ASCII are folded, because the
    databases know upper and lower case of ASCII only (SQLite), or of whatever their locale says (PostgreSQL).
    What is sensitive is not there: a search must not confirm it to somebody who may not see it.
    """
    text = mask_json(raw)
    if text.isascii() and "\\" not in text:
        return "" if text == raw else text
    text = fold(_read_escapes(text))
    return "" if text == raw else text


def fold(text: str) -> str:
    """Text as it is compared: ASCII stays as it is, the databases know its cases; other letters lose theirs."""
    return text if text.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def spellings(term: str) -> list[str]:
    """What to look for: the text as typed, and whatever else an event may hold for it.

    That is: with its escapes read, when it was copied out of JSON; without blanks and with those that JSON may have, as
    pages lay it out with others; and a telephone number as Nexmo writes it.
    """
    if term.isalnum() and term.isascii() and not term.startswith("00"):
        return [term]
    terms = [term, *_json_spellings(term)]
    if number := phone_number(term):
        terms.append(number)
    return list(dict.fromkeys(fold(spelling) for variant in terms for spelling in (variant, _read_escapes(variant))))


def phone_number(text: str) -> str:
    """The digits of a telephone number in international form: +44 7700 900000, 0044..., (44)..., tel:+44..., or digits
    in one piece with signs between them (447700-900000); "" for other text.

    Contact cards put marks of direction around it, and other programs their own blanks, hyphens and digits into it.
    """
    if len(text) > LONGEST_NUMBER or text.isalpha():
        return ""
    text = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    text = _HYPHENS.sub("-", text).strip().lower()
    number = text.removeprefix("tel:").strip()
    if not _PHONE.fullmatch(number):
        return ""
    is_bare = number == text and not number.startswith(("+", "00", "("))
    if is_bare and (_BLANK.search(number) or _NO_PHONE.fullmatch(number)):
        return ""
    digits = re.sub(r"[^0-9]", "", number.replace("(0)", "")).removeprefix("00")
    return digits if 7 <= len(digits) <= 15 and not digits.startswith("0") else ""


def _json_spellings(text: str) -> list[str]:
    """A piece of JSON without blanks between its parts, and with one after each colon and comma."""
    if '"' not in text:
        return []
    tokens = _JSON_TOKEN.findall(text)
    if not any(token in _JSON_MARKS for token in tokens):
        return []
    parts: list[str] = []
    for place, token in enumerate(tokens):
        beside = (*tokens[max(place - 1, 0) : place], *tokens[place + 1 : place + 2])
        if not (token.isspace() and any(other in _JSON_MARKS for other in beside)):
            parts.append(token)
    spaced = "".join(f"{part} " if part in (":", ",") else part for part in parts)
    return ["".join(parts), spaced.strip()]


def ways(wanted: Sequence[str]) -> list[tuple[str, ...]]:
    """All the ways to spell these words, for an index to look up. Of very many, the words with several are left out."""
    several = [word for word in wanted if len(spellings(word)) > 1]
    return list(product(*(spellings(word) for word in wanted if word not in several[3:])))


def lower_ascii(text: str) -> str:
    """Text as both databases compare it: ASCII in lower case, and other letters, which are folded, as they are."""
    return text.translate(_LOWER)


def like_pattern(text: str) -> str:
    """A LIKE pattern, with backslash as its escape, for "contains this text"."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"


def trigrams(text: str, *, each: bool = False) -> list[str]:
    """Three-letter pieces that stand in every text that contains this one, as the index has them; none for shorter
    texts.

    Args:
        each: the one of every place, not each piece once.
    """
    text = lower_ascii(text)
    pieces = [text[start : start + 3] for start in range(len(text) - 2)]
    return pieces if each else list(dict.fromkeys(pieces))


def _read_escapes(text: str) -> str:
    return _ESCAPE.sub(_read_escape, text) if "\\" in text else text


def _read_escape(match: re.Match[str]) -> str:
    if match[0].lower() == "\\u0000":
        return match[0]  # PostgreSQL's text cannot hold what it stands for
    character = str(json.loads(f'"{match[0]}"'))
    return match[0] if any("\ud800" <= letter <= "\udfff" for letter in character) else character


def indexed_text(row: str = "") -> str:
    """What SQLite's index holds of an event, as SQL: its text, and its account's mark."""
    text = TEXT.replace("searchable", f"{row}searchable").replace("THEN raw", f"THEN {row}raw")
    account, size = f"{row}account_id", _PRIVATE_SIZE
    places = (f"{account} / {size * size} % {size}", f"{account} / {size} % {size}", f"{account} % {size}")
    return f"({text}) || char({', '.join(f'{_PRIVATE} + {place}' for place in places)})"


def account_mark(account_id: int) -> str:
    """The piece of three letters that stands in SQLite's index for an account."""
    size = _PRIVATE_SIZE
    places = (account_id // (size * size) % size, account_id // size % size, account_id % size)
    return "".join(chr(_PRIVATE + place) for place in places)


def install(connection: Any) -> None:
    """Make the index and what keeps it up to date, where they are missing; a new one is filled."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for extension in ("pg_trgm", "btree_gin"):
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {POSTGRESQL_INDEX} ON {TABLE} "
                f"USING gin ({POSTGRESQL_ACCOUNT}, ({POSTGRESQL_TEXT}) gin_trgm_ops)"
            )
            cursor.execute("DROP INDEX IF EXISTS event_text")  # of all accounts together
            return
        gone = missing(connection)
        for name in (*TRIGGERS, INDEX):
            if name in gone:
                cursor.execute(f"DROP {'TABLE' if name == INDEX else 'TRIGGER'} IF EXISTS {name}")
        for name, statement in _sqlite().items():
            if name in gone:
                cursor.execute(statement)
        if INDEX in gone:
            cursor.execute(f"INSERT INTO {INDEX}(rowid, {COLUMN}) SELECT id, {indexed_text()} FROM {TABLE}")


def replace_texts(connection: Any, texts: Sequence[tuple[int, str]]) -> None:
    """Give events, by primary key, other texts to search in, in the index too. Their table's guards must be away."""
    there = connection.vendor == "sqlite" and INDEX in connection.introspection.table_names()
    with connection.cursor() as cursor:
        for pk, text in texts:
            if there:
                # As the triggers do it: an entry goes only by the text that it was made of.
                cursor.execute(
                    f"INSERT INTO {INDEX}({INDEX}, rowid, {COLUMN}) SELECT 'delete', id, {indexed_text()} FROM {TABLE} "
                    "WHERE id = %s",
                    [pk],
                )
            cursor.execute(f"UPDATE {TABLE} SET searchable = %s WHERE id = %s", [text, pk])
            if there:
                cursor.execute(
                    f"INSERT INTO {INDEX}(rowid, {COLUMN}) SELECT id, {indexed_text()} FROM {TABLE} WHERE id = %s", [pk]
                )


def missing(connection: Any) -> list[str]:
    """The names of what is not there of it, or not as made here: events are found by no search then."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT to_regclass(%s)", [POSTGRESQL_INDEX])
            return [] if cursor.fetchone()[0] else [POSTGRESQL_INDEX]
        cursor.execute("SELECT name, sql FROM sqlite_master")
        there = dict(cursor.fetchall())
    return [name for name, statement in _sqlite().items() if there.get(name) != statement]


def remove(connection: Any) -> None:
    """Take the index away; the next `migrate` makes it anew."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP INDEX IF EXISTS {POSTGRESQL_INDEX}")
            return
        for name in TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE IF EXISTS {INDEX}")


def _sqlite() -> dict[str, str]:
    """The statement of each part, by name; spelled as SQLite keeps them."""
    # The index keeps no text of its own, nor positions and lengths (detail, columnsize), which would make it four
    # times as large: it only names candidates, and they are looked up in the events.
    new, old = indexed_text("NEW."), indexed_text("OLD.")
    return {
        INDEX: (
            f"CREATE VIRTUAL TABLE {INDEX} USING fts5({COLUMN}, content='', "
            "tokenize='trigram', detail='none', columnsize=0)"
        ),
        f"{INDEX}_add": (
            f"CREATE TRIGGER {INDEX}_add AFTER INSERT ON {TABLE} "
            f"BEGIN INSERT INTO {INDEX}(rowid, {COLUMN}) VALUES (NEW.id, {new}); END"
        ),
        # The one way to take an entry out of such an index is to name the text it was made of.
        f"{INDEX}_remove": (
            f"CREATE TRIGGER {INDEX}_remove AFTER DELETE ON {TABLE} "
            f"BEGIN INSERT INTO {INDEX}({INDEX}, rowid, {COLUMN}) VALUES ('delete', OLD.id, {old}); END"
        ),
    }
