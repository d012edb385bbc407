"""A language in which every message stands in brackets, and what of a page stands outside them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from django.utils.translation import trans_real

PSEUDO = "io"  # one that Django has no formats for
SPOKEN_ATTRIBUTES = ("aria-label", "title", "placeholder", "alt", "data-title")
# What is written is not spoken: code, data as received, scripts, choices of zones and languages.
UNSPOKEN = ("script", "style", "code", "pre", "kbd", "dl.tree", "time", "svg.qr", "textarea")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "line"}


class Bracketing(trans_real.DjangoTranslation):
    """Every message translated as itself, in brackets."""

    def __init__(self) -> None:
        super().__init__("en")
        self._DjangoTranslation__language = PSEUDO
        self._DjangoTranslation__to_language = PSEUDO

    def gettext(self, message: str) -> str:
        return f"⟦{_without_context(message)}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{_without_context(msgid1 if n == 1 else msgid2)}⟧"


def _without_context(message: str) -> str:
    return message.rpartition(trans_real.CONTEXT_SEPARATOR)[2]


class Spoken(HTMLParser):
    """Collects what a page says: its text, and the attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(".".join((tag, *values.get("class", "").split())))
        if self._is_spoken():
            codes = any(each.startswith("ul.pills") for each in self.open)  # a condition's title is the bare value
            self.found += [
                values[name] for name in SPOKEN_ATTRIBUTES if name in values and not (codes and name == "title")
            ]
            if tag == "input" and values.get("type") in ("submit", "button"):
                self.found.append(values.get("value", ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and tag not in VOID and self.open.pop().split(".")[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._is_spoken():
            self.found.append(data)

    def _is_spoken(self) -> bool:
        return not any(each == name or each.startswith(f"{name}.") for each in self.open for name in UNSPOKEN)


def spoken(page: str) -> list[str]:
    parser = Spoken()
    parser.feed(page)
    return [" ".join(text.split()) for text in parser.found if text.strip()]


def outside_brackets(page: str, data: Iterable[str]) -> list[str]:
    """Words of a page that are no message, without those of the data."""
    known = sorted(data, key=len, reverse=True)
    # Messages may lie in several pieces of text, with tags between.
    text = "\n".join(spoken(page))
    while (less := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = less
    for each in known:
        text = text.replace(each, " ")
    return [line.strip() for line in text.splitlines() if re.search(r"[^\W\d_]{2}", line)]
