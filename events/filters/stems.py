"""What a word's forms have in common, for words that are compared with what pages show."""

from __future__ import annotations

from functools import lru_cache

# What people say for what sentences and titles say, stemmed as below.
_SAME = {
    "add": "creat",
    "made": "creat",
    "mak": "creat",
    "new": "creat",
    "remov": "delet",
    "eras": "delet",
    "borr": "elimin",
    "quit": "elimin",
    "buy": "bought",
    "purchas": "bought",
    "chang": "updat",
    "edit": "updat",
    "modifi": "updat",
    "sign": "log",
    "logon": "login",
    "key": "secret",
    "credential": "secret",
    "cancell": "cancel",
    "whitelist": "allow",
    "allowlist": "allow",
    "app": "application",
    "autoreload": "reload",
    "topup": "reload",
    "phon": "number",
    "telephon": "number",
    "payment": "billing",
    "invoic": "billing",
    "point": "link",
}
_ENDINGS = (
    "ations",
    "ation",
    "ings",
    "ing",
    "ados",
    "adas",
    "ado",
    "ada",
    "idos",
    "idas",
    "ido",
    "ida",
    "ed",
    "es",
    "e",
    "s",
    "o",
    "a",
)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """What a word's forms have in common: deleted, deletes and delete are "delet". Rough: both sides are stemmed."""
    word = word.replace("cancelled", "canceled")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] in "bdgmnprt":
        word = word[:-1]  # logged, log
    return _SAME.get(word, word)
