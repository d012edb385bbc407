"""Characters that cannot be seen or change how text is shown, and foreign text with codes for them.

One list for whoever refuses them (`accounts.validators`) and for whoever shows them (`events.wording`).
"""

from __future__ import annotations

import unicodedata

# Controls, invisible format characters (directions, zero widths, tags), halves of pairs, private and unassigned ones,
# and line separators: whatever can hide, reorder or fake the text around it.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and signs that are drawn as nothing: fillers, joiners and the empty braille pattern.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")


def is_hidden(character: str) -> bool:
    """Whether a character cannot be seen, or changes how others are shown."""
    return unicodedata.category(character) in HIDDEN or character in UNSEEN


def printable(text: object) -> str:
    """One line of text for terminals, mails and logs: each hidden character is a code such as [U+001B]."""
    line = str(text)
    if line.isprintable() and UNSEEN.isdisjoint(line):
        return line
    return "".join(f"[U+{ord(char):04X}]" if is_hidden(char) else char for char in line)
