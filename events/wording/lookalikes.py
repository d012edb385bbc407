"""Names that look alike: one skeleton for all of them.

Not Unicode's whole table of confusable characters, which has thousands of signs that nobody registers, but what
e-mail addresses are forged with: letters of other alphabets that look Latin, digits for letters, accents, and what is
not seen.
"""

from __future__ import annotations

import unicodedata

from events.wording.marking import is_hidden

# What looks like each of these, once in lower case and without accents. The table is by look, not by sound.
_LIKE = {
    "a": "аɑα",
    "b": "ЬьƄ",
    "c": "сϲᴄ",
    "d": "ԁɗ",
    "e": "еҽє℮",
    "f": "ſƒ",
    "g": "ɡɢց",
    "h": "һհ",
    "i": "іıɩιӏǀ1l|!",
    "j": "јϳ",
    "k": "κкⲕ",
    "m": "м",
    "n": "ոпη",
    "o": "оοօσ0ⲟ",
    "p": "рρⲣ",
    "q": "ԛգ",
    "r": "гꮁ",
    "s": "ѕꜱ5$",
    "t": "тτ",
    "u": "υսʋц",
    "v": "ѵν",
    "w": "ԝшѡա",
    "x": "хχ×",
    "y": "уүγ",
    "z": "ᴢ2",
}
_PLAIN = str.maketrans({look: letter for letter, looks in _LIKE.items() for look in looks})
_PAIRS = (("rn", "m"), ("vv", "w"))


def skeleton(text: str) -> str:
    """What is left of a name when everything that can be mistaken for something else is that."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(
        character for character in plain if not is_hidden(character) and not unicodedata.combining(character)
    ).translate(_PLAIN)
    for pair, letter in _PAIRS:
        plain = plain.replace(pair, letter)
    return plain
