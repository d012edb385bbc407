"""JSON as received, laid out for reading."""

from __future__ import annotations

import re

MOST_BRACKETS = 2_000
_PIECE = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


def pretty(raw: str) -> str:
    """JSON laid out for reading, token by token: every number, escape and doubled key stays as it was sent."""
    if raw.count("[") + raw.count("{") > MOST_BRACKETS:
        return raw  # laid out, a deep one would be mostly blanks
    pieces = _PIECE.findall(raw)
    lines, line, depth = [], "", 0
    for number, piece in enumerate(pieces):
        following = pieces[number + 1] if number + 1 < len(pieces) else ""
        if piece in ("]", "}"):
            depth -= 1
            if line.strip():
                lines.append(line)
                line = "  " * max(depth, 0)
        line += piece
        if piece in ("[", "{"):
            depth += 1
            if following in ("]", "}"):
                continue
        elif piece == ":":
            line += " "
            continue
        elif piece != ",":
            continue
        lines.append(line)
        line = "  " * max(depth, 0)
    return "\n".join([*lines, line])
