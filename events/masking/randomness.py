"""Whether a part of an address was made by a machine, as tokens are, or named by somebody."""

from __future__ import annotations

import re

_RUN = re.compile(r"[A-Za-z0-9_-]{16,}+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_WORDS = re.compile(r"[A-Z]?[a-z]{3,12}+(?![a-z])")
_WITHIN_WORD = re.compile(r"[0-9][a-z]")
_NO_WORD = re.compile(r"[^aeiouyAEIOUY]{4}|\A[^aeiouyAEIOUY]*\Z")


def looks_random(piece: str) -> bool:
    """Whether a part of an address is more than a word or an id: letters and digits mixed, long, without an order."""
    if len(piece) < 16:
        return False
    if piece.isascii() and piece.isalnum():  # nearly all of them: the same in fewer steps
        is_mixed = not piece.isalpha() and not piece.isdigit()
        return (is_mixed or len(piece) >= 24 and piece.isalpha()) and not _is_named(piece)
    if _UUID.fullmatch(piece):
        return False
    for run in _RUN.findall(_UUID.sub("", piece)):
        parts = run.replace("_", "-").split("-")
        for part in parts:
            letters = part.isalpha()
            if len(part) >= 16 and not letters and not part.isdigit() or len(part) >= 24 and letters:
                return not _is_named(piece)
        if len(run) >= 20 and run.lower() != run != run.upper() and not run.replace("-", "").replace("_", "").isalpha():
            return not _is_named(piece)
    return False


def _is_named(piece: str) -> bool:
    """Whether it is made of words that somebody has named something with: voiceAnswerHandlerV2."""
    if sum(map(str.isdigit, piece)) > 2 or _WITHIN_WORD.search(piece):
        return False
    words = [word for word in _WORDS.findall(piece) if not _NO_WORD.search(word)]
    return len(words) > 1 and sum(map(len, words)) >= 0.7 * sum(map(str.isalnum, piece))
