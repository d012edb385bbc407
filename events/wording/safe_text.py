"""Foreign text within a message: one line, nothing that a channel would turn into a link, a mention or a form."""

from __future__ import annotations

import re

from events.wording.printable import printable

LONGEST = 120

# Somebody, or everybody at once, as chats spell it. An address such as who@example.com stays.
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)|@(?=(?:everyone|here|channel|all|room|group|team)\b)", re.IGNORECASE)
_LINK = re.compile(r"\b(h)tt(ps?)://|\b(?:javascript|data|file|ftp|mailto|tel):(?=\S)", re.IGNORECASE)
# Signs of Slack's, Markdown's and HTML's own languages, and what is read in their place.
_SIGNS = str.maketrans({"<": "‹", ">": "›", "`": "ˋ", "*": "∗", "[": "⟦", "]": "⟧", "|": "¦", "~": "∼", "\\": "⧵"})


def quoted(value: object, most: int = LONGEST) -> str:
    """Foreign text as it may stand in any message."""
    line = printable(value).strip()
    if len(line) > most:
        line = line[: most - 1] + "…"
    line = _LINK.sub(lambda match: f"{match[1]}xx{match[2]}[:]//" if match[1] else match[0][:-1] + "[:]", line)
    line = line.replace("://", "[:]//").translate(_SIGNS)
    line = re.sub("__+", lambda match: "＿" * len(match[0]), line)
    return _MENTION.sub("＠", line)


def prose(text: str, most: int) -> str:
    """What a rule's author wrote, on one line: links stay, nobody is mentioned."""
    line = printable(" ".join(text.split()))
    if len(line) > most:
        line = line[: most - 1] + "…"
    return _MENTION.sub("＠", line.translate({ord("<"): "‹", ord(">"): "›"}))


def subject(text: str, most: int = 150) -> str:
    """A subject or title: one line, never longer than this."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"
