"""Any text as one segment of a path.

Browsers and proxies take `/../` for a step back and `//` for one slash, also where these are quoted with percent signs.
So text that holds such a thing is written without slashes: `~2F` is one, `~2E` a dot, `~7E` the tilde of such a mark.
"""

from __future__ import annotations

import re

_MARK = re.compile("~(?=2F|2E|7E)")
_MARKED = re.compile("~(2F|2E|7E)")


def to_segment(text: str) -> str:
    """How a text stands in an address, yet to be quoted. Most texts stay as they are."""
    if "~" in text:
        text = _MARK.sub("~7E", text)
    if "/" in text and {"", ".", ".."} & set(text.split("/")):
        return text.replace("/", "~2F")
    return text.replace(".", "~2E") if text in (".", "..") else text


def from_segment(segment: str) -> str:
    """The text that an address means; also where somebody wrote it as it is."""
    return _MARKED.sub(lambda mark: chr(int(mark[1], 16)), segment) if "~" in segment else segment
