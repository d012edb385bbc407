"""What names may hold."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.unseen import is_hidden


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
