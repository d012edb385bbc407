"""What names may hold."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.unseen import hidden_places


def no_hidden_characters(text: str, *, lines: bool = False) -> None:
    """Refuse text with characters that cannot be seen, and say which and where; and blanks of any kind around it.

    Args:
        lines: whether the text may have several lines.
    """
    for place in hidden_places(text):
        if not (lines and text[place] in "\r\n\t"):
            raise ValidationError(
                _("Character %(position)s (U+%(code)s) cannot be seen or changes how text is shown. Remove it."),
                code="hidden_character",
                params={"position": place + 1, "code": f"{ord(text[place]):04X}"},
            )
    if text != text.strip():
        raise ValidationError(_("Remove the blanks at the beginning and the end."), code="blanks_around")


def name_validator(text: str) -> None:
    """For names: one line of visible characters."""
    no_hidden_characters(text)


def text_validator(text: str) -> None:
    """For descriptions and reasons: any number of lines of visible characters."""
    no_hidden_characters(text, lines=True)
