"""What plain words in the search box may mean: the conditions whose words the pages show.

The text search looks in events as Nexmo sent them, and pages show sentences, titles, names and countries instead. So
"who deleted a secret last week" is read here as a type of event and two days, "calls go to app Night desk" as an
application, in both languages of the site, and only of accounts that the reader may see.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext, override

from events.filters.fields import listed
from events.filters.names import country_names, plain
from events.filters.spoken_days import days, merged
from events.filters.stems import stem
from events.nexmo.applications import words_of
from events.nexmo.catalog import EVENT_TYPES, family
from events.reading.conditions import APPLICATION
from events.reading.filterable import PARAMETERS
from events.wording.codes import family_title, source_codes
from events.wording.sentences import ALLOWED_EVERYBODY, SENTENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from accounts.models import NexmoAccount

# Parameters and their values, by what people say for them.
Phrases = Mapping[str, Mapping[str, tuple[str, ...]]]

# What says that a name is an application's, the longest first.
_LEADS = (
    "las llamadas van a la aplicacion",
    "calls go to application",
    "las llamadas van a app",
    "calls go to app",
    "las llamadas van a",
    "la aplicacion",
    "calls go to",
    "aplicacion",
    "application",
    "app",
)
_SAYING = ("aplicacion", "application", "app")
MOST_WORDS = 20  # a longer text is one that was copied
MOST_TYPES = 12  # that a few words may mean
_WORD = re.compile(r"[^\W_]+")
_TYPED = re.compile(r"(?<![^\s@,;:])[^\s@,;:]++@[^\s@,;:]+(?<![.?!])|[^\W_]+")  # an address is one word
_CONDITION = re.compile(r"\S:\S|\"")
_VARIABLE = re.compile(r"\{[^{}]*\}")  # of a sentence
# Words that only lead from one to the next, without accents. They help to choose and are never asked for.
_SMALL = frozenset(
    _WORD.findall(
        "a an all and any are as at been between by did do does event events for from had has have her his in into is "
        "it its last me my new of off on one or out over show since than that the their there these this those to up "
        "was were what when where which who whom whose why with without "
        "al algo alguien con cual cuales cuando de del desde donde el ella en entre era es esta este evento eventos "
        "fue ha haber han hay hizo la las lo los mas mi no o para por que quien quienes se si sin son su sus un una "
        "uno unos y"
    )
)


@dataclass(frozen=True)
class Meaning:
    """What words may mean.

    Attributes:
        values: of parameters, as addresses have them.
        rest: the words that nothing was made of, as they were typed.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rest: str = ""

    @property
    def query(self) -> str:
        """The meaning in the box's own language."""
        conditions = [
            f"{PARAMETERS[name].words[0]}:{','.join(_quoted(value) for value in values)}"
            for name, values in self.values.items()
        ]
        return " ".join((*conditions, self.rest)).strip()


@dataclass(frozen=True)
class Known:
    """What only the archive knows, of the reader's accounts.

    Attributes:
        applications_in: the names of applications that stand in a text of plain words.
        applications_with: those that hold all the words of a text, or pieces of words.
        is_user: whether a word is a user's address, or begins a part of somebody's name there.
    """

    applications_in: Callable[[str], Sequence[str]] = lambda text: ()
    applications_with: Callable[[str], Sequence[str]] = lambda text: ()
    is_user: Callable[[str], bool] = lambda word: False


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def meaning(
    text: str, accounts: Iterable[NexmoAccount], described: Mapping[str, str], known: Known | None = None
) -> Meaning | None:
    """What a text without conditions and quotes may mean; None where nothing that pages show has its words.

    Args:
        accounts: those of the reader.
        described: the types of event that these have, and what Nexmo calls them.
    """
    text, known = unicodedata.normalize("NFC", text), known or Known()
    if not text or text.startswith("-") or _CONDITION.search(text):
        return None
    typed = _TYPED.findall(text)
    if not 0 < len(typed) <= MOST_WORDS:
        return None
    words = [plain(word) for word in typed]
    if code := source_codes().get(" ".join(words)):
        return Meaning({"source": (code,)})
    free = [True] * len(words)
    values: dict[str, tuple[str, ...]] = {}
    named = _accounts(accounts)
    for phrases in (_applications(words, named, known), days(words), named, _sources(), _countries()):
        _take(words, free, phrases, values)
    merged(values)
    if APPLICATION not in values:
        _take_parts_of_applications(words, free, values, known)
    users = _users(words, free, known)
    types, used = _types_beside_application(words, free, described) if APPLICATION in values else ((), frozenset())
    if not types:
        types, used = _types(tuple(word for place, word in enumerate(words) if free[place]), described)
    if types:
        values["event_type"] = types
    if not values:
        return None
    if users:
        values["user_email"] = users
    rest = [
        typed[place]
        for place, word in enumerate(words)
        if free[place] and word not in _SMALL and not (types and stem(word) in used)
    ]
    return Meaning(values, " ".join(rest))


def _take(
    words: Sequence[str],
    free: list[bool],
    phrases: Phrases,
    values: dict[str, tuple[str, ...]],
) -> None:
    """Read the longest phrases among the words, each word once."""
    for length in range(len(words), 0, -1):
        for place in range(len(words) - length + 1):
            if not all(free[place : place + length]):
                continue
            read = phrases.get(" ".join(words[place : place + length]))
            if read is None:
                continue
            for name, its in read.items():
                values[name] = tuple(dict.fromkeys((*values.get(name, ()), *its)))
            free[place : place + length] = [False] * length


def _accounts(accounts: Iterable[NexmoAccount]) -> Phrases:
    named: dict[str, tuple[str, ...]] = {}
    for account in accounts:
        name = " ".join(map(plain, _WORD.findall(account.name)))
        for spelling in (name, plain(account.api_key)):
            named[spelling] = (*named.get(spelling, ()), account.api_key)
    return {name: {"account": keys} for name, keys in named.items() if name and name not in _SMALL}


@lru_cache(maxsize=1)
def _sources() -> Phrases:
    # API and dashboard are words of sentences too ("created an API secret"): only with a word that says what is meant.
    spelled: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for title, code in source_codes().items():
        for lead in (
            "from the",
            "in the",
            "through the",
            "via the",
            "by",
            "from",
            "via",
            "source",
            "desde el",
            "por la",
        ):
            spelled[f"{lead} {plain(title)}"] = {"source": (code,)}
    return spelled


@lru_cache(maxsize=1)
def _countries() -> Phrases:
    return {
        " ".join(map(plain, _WORD.findall(name))): {"source_country": codes}
        for language, _ in settings.LANGUAGES
        for name, codes in country_names(language).items()
        if len(name) > 3
    }


def _types_beside_application(
    words: Sequence[str], free: Sequence[bool], described: Mapping[str, str]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """The types that the words beside a name stand for together with the word that said whose it is, if any: what
    "deleted application Night desk" tells is not the deleting of a secret."""
    if not any(is_free and word not in _SMALL for word, is_free in zip(words, free, strict=True)):
        return (), frozenset()
    said = tuple(word for word, is_free in zip(words, free, strict=True) if is_free or word in _SAYING)
    return (
        _types(said, described)
        if any(word in _SAYING for word in words) and "calls" not in words
        else ((), frozenset())
    )


def _applications(words: Sequence[str], accounts: Phrases, known: Known) -> Phrases:
    """Whole names. One that is a usual word, or an account's too, is an application's after a word that says so, or
    alone."""
    named: dict[str, Mapping[str, tuple[str, ...]]] = {}
    text = " ".join(words)
    for name in known.applications_in(text):
        spelled, means = words_of(name), {APPLICATION: (listed(name),)}
        if spelled not in accounts and (text == spelled or " " in spelled or not _is_usual(spelled)):
            named[spelled] = means
        named |= {f"{lead} {spelled}": means for lead in _LEADS}
    return named


def _take_parts_of_applications(
    words: Sequence[str], free: list[bool], values: dict[str, tuple[str, ...]], known: Known
) -> None:
    """Read words of names: those after a word that says so, or all that are left."""
    for lead in _LEADS:
        its = lead.split()
        for place in range(len(words) - len(its)):
            begin = place + len(its)
            if words[place:begin] != its or not all(free[place : begin + 1]):
                continue
            end = next((at for at in range(begin, len(words)) if not free[at]), len(words))
            for last in range(end, begin, -1):
                if known.applications_with(part := " ".join(words[begin:last])):
                    values[APPLICATION] = (part,)
                    free[place:last] = [False] * (last - place)
                    return
    left = [place for place, word in enumerate(words) if free[place] and word not in _SMALL]
    if not left or all(_is_usual(words[place]) for place in left):
        return
    part = " ".join(words[place] for place in left)
    if known.applications_with(part):
        values[APPLICATION] = (part,)
        free[:] = [False] * len(free)


def _users(words: Sequence[str], free: list[bool], known: Known) -> tuple[str, ...]:
    """The words that are users, or parts of their names, and no usual words."""
    users = []
    for place, word in enumerate(words):
        may_be = "@" in word or not (word.isdecimal() or len(word) < 3 or _is_usual(word))
        if free[place] and may_be and known.is_user(word):
            users.append(word)
            free[place] = False
    return tuple(dict.fromkeys(users))


def _is_usual(text: str) -> bool:
    """Whether these are words that pages say of any event."""
    stems = _stems()
    return all(word in _SMALL or stem(word) in stems for word in text.split()) or text in _countries()


@lru_cache(maxsize=1)
def _stems() -> frozenset[str]:
    return frozenset().union(*_vocabulary().values())


def _types(words: tuple[str, ...], described: Mapping[str, str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The types that all these words stand for which stand for any, and the stems of the words that were used."""
    if not words:
        return (), frozenset()
    if begun := tuple(code for code, phrases in _phrases().items() if any(p[: len(words)] == words for p in phrases)):
        return begun, frozenset(map(stem, words))  # as it stands on the page
    vocabulary = _vocabulary() | {
        code: frozenset(map(stem, _WORD.findall(plain(title)))) | _vocabulary().get(code, frozenset())
        for code, title in described.items()
        if title != EVENT_TYPES.get(code)
    }
    known = frozenset().union(*vocabulary.values())
    asked = {stem(word) for word in words if word not in _SMALL} & known
    if not asked:
        return (), frozenset()
    fitting = [code for code, stems in vocabulary.items() if asked <= stems]
    # "logged in" and "logged out" differ by small words only.
    hints = {word for word in words if word in _SMALL}
    best = max((len(hints & vocabulary[code]) for code in fitting), default=0)
    chosen = [code for code in fitting if len(hints & vocabulary[code]) == best]
    if not chosen or len(chosen) > MOST_TYPES:
        return (), frozenset()
    return tuple(sorted(chosen)), frozenset(asked)


@lru_cache(maxsize=1)
def _phrases() -> dict[str, tuple[tuple[str, ...], ...]]:
    """What pages call each type, word by word, in every language: its title, its sentence without the pieces that
    differ, and its family."""
    spelled: dict[str, tuple[tuple[str, ...], ...]] = {}
    for language, _ in settings.LANGUAGES:
        with override(language):
            for code, title in EVENT_TYPES.items():
                sentence = _VARIABLE.sub(" ", gettext(SENTENCES[code])) if code in SENTENCES else ""
                texts = [gettext(title), sentence, family_title(family(code)[0])]
                if code == "IP_WHITELIST_CREATE":
                    texts.append(_VARIABLE.sub(" ", gettext(ALLOWED_EVERYBODY)))
                read = tuple(tuple(map(plain, _WORD.findall(text))) for text in texts)
                spelled[code] = (*spelled.get(code, ()), *read)
    return spelled


@lru_cache(maxsize=1)
def phrases_of_types() -> Mapping[str, tuple[str, ...]]:
    """What pages call each type, in every language, without case and accents."""
    return {code: tuple(" ".join(words) for words in phrases) for code, phrases in _phrases().items()}


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, frozenset[str]]:
    """The stems of those words; small words as they are."""
    return {
        code: frozenset(word if word in _SMALL else stem(word) for phrase in phrases for word in phrase)
        for code, phrases in _phrases().items()
    }
