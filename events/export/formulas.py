"""Cells of CSV that no spreadsheet takes for a formula.

A spreadsheet runs a cell that begins with `=`; some also run one that begins with other signs, with those of full
width, or with blanks before them. And it may split a file where we do not: opened with `;`, `|` or TAB as the
separator, our quotes mean nothing, so that a cell may begin at any of them and at each line break. JSON is handled
differently: there an escape does what an apostrophe does elsewhere, and the JSON means what it meant.
"""

from __future__ import annotations

import re

from events.wording.marking import is_hidden

SIGNS = frozenset("=+-@＝＋－＠﹢﹣﹦﹫")
BREAKS = ("\t", "\r", "\n")
_IN_STRINGS = frozenset(";|")  # of JSON they stand in strings only
_SEPARATORS = re.compile(r"([;|\t\r\n])")
_NUMBER = re.compile(r"-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?")
_BEFORE = frozenset(" \"'")  # what may stand before a sign, beside what is not seen


def harmless(text: str) -> str:
    """Text with an apostrophe before whatever a spreadsheet could run."""
    pieces = _SEPARATORS.split(text)
    pieces[::2] = [f"'{piece}" if _sign(piece) else piece for piece in pieces[::2]]
    safe = "".join(pieces)
    return f"'{safe}" if safe.startswith(BREAKS) else safe


def harmless_json(text: str) -> str:
    """JSON with the signs escaped that a spreadsheet could run: the same JSON to whoever reads it as such."""
    if _NUMBER.fullmatch(text):
        return text  # a spreadsheet takes a number for a number
    pieces = _SEPARATORS.split(text)
    for place in range(0, len(pieces), 2):
        if sign := _sign(pieces[place]):
            # A sign outside of strings begins a number, or is not JSON.
            in_string = pieces[place].startswith('"') or (place > 0 and pieces[place - 1] in _IN_STRINGS)
            escaped = pieces[place].replace(sign, f"\\u{ord(sign):04x}", 1)
            pieces[place] = escaped if in_string else f"'{pieces[place]}"
    return "".join(pieces)


def _sign(piece: str) -> str:
    """The sign that makes a formula of a piece; "" where there is none."""
    for character in piece:
        if character in SIGNS:
            return character
        if character not in _BEFORE and not is_hidden(character):
            return ""
    return ""
