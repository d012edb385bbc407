"""Foreign text for terminals, mails and logs: characters that hide or change what is seen are shown as codes."""

from __future__ import annotations

import unicodedata

# Controls, invisible format characters (directions, zero widths, tags), halves of pairs, private and unassigned ones,
# and line separators; the same that `accounts.validators` refuses in names.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and signs that are drawn as nothing: fillers, joiners and the empty braille pattern.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")


def printable(text: object) -> str:
    """One line of text in which each hidden character is a code such as [U+001B]."""
    line = str(text)
    if line.isprintable() and UNSEEN.isdisjoint(line):
        return line
    return "".join(f"[U+{ord(char):04X}]" if _is_hidden(char) else char for char in line)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in HIDDEN or char in UNSEEN
