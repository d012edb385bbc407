"""Characters that cannot be seen or change how text is shown, and foreign text with codes for them.

One list for whoever refuses them (`accounts.validators`) and for whoever shows them (`events.wording`).
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Controls, invisible format characters (directions, zero widths, tags), halves of pairs, private and unassigned ones,
# and line separators: whatever can hide, reorder or fake the text around it.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Drawn as nothing, although letters, signs and marks by their category: fillers, joiners, variation selectors
# (Unicode's Default_Ignorable_Code_Point), and the empty braille pattern.
UNSEEN = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)
# Behind a symbol these choose between a picture and a sign: ❤️. Keyboards put them there.
_PICTURE = frozenset("\ufe0e\ufe0f")
_SYMBOLS = frozenset({"So", "Sm"})


def hidden_places(text: str) -> Iterator[int]:
    """Where in a text characters stand that cannot be seen, or change how others are shown."""
    before = ""
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if category in HIDDEN or (character in UNSEEN and not (character in _PICTURE and before in _SYMBOLS)):
            yield place
        before = category


def printable(text: object) -> str:
    """One line of text for terminals, mails and logs: each hidden character is a code such as [U+001B]."""
    line = str(text)
    if line.isprintable() and UNSEEN.isdisjoint(line):
        return line
    pieces = list(line)
    for place in hidden_places(line):
        pieces[place] = f"[U+{ord(line[place]):04X}]"
    return "".join(pieces)
