"""Users by their e-mail addresses: one address may be spelled in several ways, and the archive keeps each as it came.

Letters beyond ASCII come composed (é) or as a letter and its accent, which look the same. To look a user up is to
look up both; no column and no index holds them twice.
"""

from __future__ import annotations

import unicodedata


def one_user(email: str) -> str:
    """The one spelling of an address that stands for all."""
    if email.isascii():
        return email.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower())


def spellings_of(email: str) -> tuple[str, ...]:
    """All spellings of an address that the archive may have, where letters are in lower case."""
    if email.isascii():
        return (email.lower(),)
    user = one_user(email)
    return tuple(dict.fromkeys((user, unicodedata.normalize("NFD", user), email.lower())))
