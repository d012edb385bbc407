"""What names may hold."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Controls, invisible format characters (directions, zero widths, tags), halves of pairs, private and unassigned ones,
# and line separators: whatever can hide, reorder or fake the text around it.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and signs that are drawn as nothing: fillers, joiners and the empty braille pattern.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")


def is_hidden(character: str) -> bool:
    """Whether a character cannot be seen, or changes how others are shown."""
    return unicodedata.category(character) in HIDDEN or character in UNSEEN


def no_hidden_characters(text: str, *, lines: bool = False) -> None:
    """Refuse text with characters that cannot be seen, and say which and where.

    Args:
        lines: whether the text may have several lines.
    """
    for position, character in enumerate(text, start=1):
        if is_hidden(character) and not (lines and character in "\r\n\t"):
            raise ValidationError(
                _("Character %(position)s (U+%(code)s) cannot be seen or changes how text is shown. Remove it."),
                code="hidden_character",
                params={"position": position, "code": f"{ord(character):04X}"},
            )


def name_validator(text: str) -> None:
    """For names: one line of visible characters."""
    no_hidden_characters(text)


def text_validator(text: str) -> None:
    """For descriptions and reasons: any number of lines of visible characters."""
    no_hidden_characters(text, lines=True)
