"""Foreign text for terminals, mails and logs: characters that hide or change what is seen are shown as codes."""

from __future__ import annotations

import unicodedata

# Controls, invisible format characters (directions, zero widths, tags), halves of pairs, private and unassigned ones,
# and line separators; the same that `accounts.validators` refuses in names.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: object) -> str:
    """One line of text in which each hidden character is a code such as [U+001B]."""
    line = str(text)
    if line.isprintable():
        return line
    return "".join(f"[U+{ord(char):04X}]" if unicodedata.category(char) in HIDDEN else char for char in line)
