"""What a new password must not be: common, or made of what everybody knows of this site. There are no rules about kinds
of characters: they make passwords predictable, not strong.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

OWN_WORDS = ("auditsite", "nexmo", "vonage")
SHORTEST_WORD = 4  # of a host's name: shorter parts are in many a good password
LEFT_OVER = 8  # characters that a password must have besides such a word
# What people write for letters; a one stands for two of them.
_LETTERS = tuple(str.maketrans("0134578@$!", f"o{one}eastbasi") for one in "il")


class NotCommon(CommonPasswordValidator):
    """Django's list of the 20,000 most common passwords of breaches; and none of these with digits or signs around it,
    with digits for letters, or twice."""

    def validate(self, password: str, user: Any = None) -> None:
        for variant in _variants(password):
            super().validate(variant, user)


def _variants(password: str) -> set[str]:
    lower = password.lower().strip()
    found = set()
    for text in (lower, re.sub(r"[\W\d_]+$", "", lower)):
        for read in _readings(text):
            core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", read)
            half = core[: len(core) // 2]
            found |= {read, core} | ({half} if half * 2 == core else set())
    return {text for text in found if text}


def _readings(text: str) -> set[str]:
    return {text, *(text.translate(table) for table in _LETTERS)}


class NoContext:
    """Not the name of the product, the site or its host with a few characters more."""

    def validate(self, password: str, user: Any = None) -> None:
        lower = password.lower()
        for word in context_words():
            for text in _readings(lower):
                if word in text and len(text.replace(word, "")) < LEFT_OVER:
                    raise ValidationError(
                        _("This password is little more than “%(word)s”, which anybody would try."),
                        code="password_of_context",
                        params={"word": word},
                    )

    def get_help_text(self) -> str:
        return _("Your password can’t be the name of this site with a few characters more.")


def context_words() -> list[str]:
    """What anybody would try here, lower case: the product's names, and the parts of the host's but its last."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    parts = re.split(r"[.-]", host.rpartition(".")[0])
    return list(dict.fromkeys([*OWN_WORDS, *(part for part in parts if len(part) >= SHORTEST_WORD)]))
