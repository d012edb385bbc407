"""What a new password must not be: common, simple, or made of what everybody knows of this site. There are no rules
about kinds of characters: they make passwords predictable, not strong.

Passwords are looked at without what makes no difference to whoever guesses: capitals, spaces, full-width letters.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator, UserAttributeSimilarityValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

OWN_WORDS = ("auditsite", "nexmo", "vonage")
SHORTEST_WORD = 4  # of a host's name: shorter parts are in many a good password
LEFT_OVER = 8  # characters that a password must have besides such a word, or a row of keys
SHORTEST_RUN = 4
LOOKED_AT = 256  # characters of a password: one that is longer need not be looked at further
# What people write for letters; a one stands for two of them.
_LETTERS = tuple(str.maketrans("0134578@$!", f"o{one}eastbasi") for one in "il")
# Keys in the order in which fingers find them: counted, in rows of the common keyboards, and zigzag.
_KEYS = (
    *("0123456789012345678901234567890", "abcdefghijklmnopqrstuvwxyz"),
    *("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "qwertzuiopü", "yxcvbnm,.-"),
    *("azertyuiop", "qsdfghjklm", "wxcvbn,;:!"),
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", "qazwsxedcrfvtgbyhnujmikolp", "1q2w3e4r5t6y7u8i9o0p"),
)
RUNS = (*_KEYS, *(keys[::-1] for keys in _KEYS))


def plain(password: str) -> str:
    """What is looked at of a password."""
    text = unicodedata.normalize("NFKC", password).lower()
    return "".join(letter for letter in text if unicodedata.category(letter)[0] not in "ZC")[:LOOKED_AT]


def unit(text: str) -> str:
    """What a text repeats from its beginning to its end; the text itself where it does not."""
    length = next((size for size in range(1, len(text) // 2 + 1) if text[size:] == text[:-size]), len(text))
    return text[:length]


def without_runs(text: str) -> str:
    """The text with one character for each row of keys."""
    left, place = [], 0
    while place < len(text):
        left.append(text[place])
        place += _run_at(text, place)
    return "".join(left)


def _run_at(text: str, place: int) -> int:
    """How many characters from a place are a row of keys; 1 where none begins there."""
    size = SHORTEST_RUN
    if len(text) - place < size or not any(text[place : place + size] in keys for keys in RUNS):
        return 1
    while place + size < len(text) and any(text[place : place + size + 1] in keys for keys in RUNS):
        size += 1
    return size


def is_simple(text: str) -> bool:
    """Whether a plain text is little more than a row of keys, or a few characters again and again."""
    return len(without_runs(unit(text))) < LEFT_OVER


class NotSimple:
    """No row of keys, nothing that is short and repeated, and not blank."""

    def validate(self, password: str, user: Any = None) -> None:
        if is_simple(plain(password)):
            raise ValidationError(
                _("This password is little more than a row of keys, or a few characters again and again."),
                code="password_too_simple",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be a row of keys, or a few characters again and again.")


class NotPersonal(UserAttributeSimilarityValidator):
    """Django's: not like the person's own names and address."""

    def validate(self, password: str, user: Any = None) -> None:
        for text in {password, plain(password)}:
            super().validate(text, user)


class NotCommon(CommonPasswordValidator):
    """Django's list of the 20,000 most common passwords of breaches; and none of these with digits, signs or rows of
    keys around it, with digits for letters, with signs or spaces in between, or repeated."""

    def validate(self, password: str, user: Any = None) -> None:
        for variant in _variants(plain(password)):
            try:
                super().validate(variant, user)
            except ValidationError as error:
                raise ValidationError(
                    _("This password is too common; added digits or letters, or digits for letters, do not help."),
                    code=error.code,
                ) from None


def _variants(text: str) -> set[str]:
    found = set()
    for base in {text, without_runs(text), re.sub(r"[\W_]", "", text)}:
        for cut in (base, re.sub(r"[\W\d_]+$", "", base)):
            for read in _readings(cut):
                core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", read)
                letters = re.sub(r"[\W\d_]", "", read)
                found |= {read, core, unit(read), unit(core), unit(letters)}
    return {text for text in found if text}


def _readings(text: str) -> set[str]:
    return {text, *(text.translate(table) for table in _LETTERS)}


class NoContext:
    """Not the names of the product, the site or its host with a few characters more, or with what is common."""

    def validate(self, password: str, user: Any = None) -> None:
        words = context_words()
        for text in _readings(plain(password)):
            rest = text
            for word in sorted(words, key=len, reverse=True):
                rest = rest.replace(word, "")
            if rest != text and _is_little(re.sub(r"[\W_]", "", rest)):
                raise ValidationError(
                    _("This password is little more than “%(word)s”, which anybody would try."),
                    code="password_of_context",
                    params={"word": next(word for word in words if word in text)},
                )

    def get_help_text(self) -> str:
        return _("Your password can’t be the name of this site with a few characters more.")


def _is_little(rest: str) -> bool:
    try:
        _COMMON.validate(rest)
    except ValidationError:
        return True
    return is_simple(rest)


_COMMON = NotCommon()


def context_words() -> list[str]:
    """What anybody would try here, lower case: the product's names, and the parts of the host's but its last."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    parts = re.split(r"[.-]", host.rpartition(".")[0])
    return list(dict.fromkeys([*OWN_WORDS, *(part for part in parts if len(part) >= SHORTEST_WORD)]))
