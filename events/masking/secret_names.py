"""Which names say that a value is secret: the one declaration, for names in JSON, fields of changes, headers and
parameters of addresses.

A name is compared as its words in lower case, however it is spelled: apiSecret, API_SECRET, api-secret2 and apisecret
are one. The first look at a text (`may_name_secret`) is made of the same words, so that it misses no name.
"""

from __future__ import annotations

import re
from functools import lru_cache

# These mean it even at the end of a longer word.
LONG = (
    *("secret", "token", "password", "passwd", "passphrase", "passcode", "pincode", "pwd", "credential", "signature"),
    *("authorization", "jwt"),
)
# These only as words of their own: bypass, shipping and author hold them too.
SHORT = ("pass", "pw", "pin", "otp", "cvv", "cvc", "auth")
# With one of these before it a key is secret. Nexmo's API keys are names of accounts, and shown as such.
KEYS = (
    *("private", "secret", "access", "signing", "encryption", "auth", "shared", "hmac", "webhook", "license"),
    *("licence", "master", "session"),
)
# Words for the two sides of a change; a few services mix them.
PAIRS = (
    ("before", "after"),
    ("old", "new"),
    ("previous", "current"),
    ("previous", "new"),
    ("previous", "updated"),
    ("from", "to"),
)
# What a value may be called beside the name of its field.
VALUES = ("value", "values", "text", "string", "hash")
SIDES = frozenset((*(side for pair in PAIRS for side in pair), *VALUES))
# What may follow the word: newPasswordConfirmation, tokenV2.
AFTER = (*sorted(SIDES), "confirmation", "confirm", "repeated", "repeat", "again", "plain", "encrypted", "v")
# Before the word these make it a setting: maxTokens, twoFactorAuth.
COUNTS = frozenset(("max", "min", "maximum", "minimum", "count", "number", "num", "total", "limit", "remaining"))
STATES = frozenset(("factor", "fa", "mfa", "require", "requires", "required", "enable", "enabled", "has", "use", "is"))
# Beside a secret these tell about it what is none.
ORDINARY = frozenset(
    (
        *("id", "ids", "name", "type", "kind", "status", "state", "at", "date", "time", "created", "expires", "expiry"),
        *("enabled", "user", "username", "email", "count", "length", "algorithm", "method", "scope", "scopes", "label"),
        *("description", "country"),
    )
)
# Things with such a name hold fields that are told beside their sides.
LISTS = frozenset(
    (
        *(
            "context",
            "changes",
            "change",
            "changed",
            "diff",
            "fields",
            "updates",
            "modifications",
            "settings",
            "headers",
        ),
        *("properties", "attributes", "parameters", "params", "options"),
    )
)
# What names the field that the values beside it are of: {"fieldName": "password", "newValue": ...}.
NAMING = frozenset(
    ("field", "property", "attribute", "name", "key", "path", "header", "setting", "parameter", "param", "option")
)
# Of parameters these are secrets too, unless they have two letters, as countries and languages have, or are an
# account's API key.
IN_ADDRESSES = frozenset(("key", "sig", "code", "hmac"))
_API_KEY = re.compile(r"(?:api|app)_?key\Z")
_ACCOUNT_KEY = re.compile(r"[0-9A-Za-z]{8}\Z")
_TWO_LETTERS = re.compile(r"[A-Za-z]{2}\Z")
NO_SECRETS = frozenset(("", "true", "false", "null", "none", "enabled", "disabled", "on", "off", "yes", "no"))

LONGEST_HARMLESS = 8  # characters of any of them, and of an account's API key

LONGEST = 200  # characters of a name that are looked at, the last ones
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]++")
_long, _short, _keys, _after = map("|".join, (LONG, SHORT, KEYS, AFTER))
_NAME = re.compile(
    rf"(?:(?:{_long})s?|(?<![a-z])(?:{_short})s?(?![a-z])|(?:{_keys})_?keys?)(?:_?(?:{_after}))*\Z", re.ASCII
)
# The same in any text, by plain pieces first, one of which each name holds. Between the words of a name may stand
# whatever is no letter, in JSON written as an escape too.
PIECES = (*(word for word in LONG if not any(short in word for short in SHORT)), "key", *SHORT)
_FEW = frozenset(PIECES) - {"key", *SHORT}  # these are names by themselves
_LONGER = {short: tuple(word for word in LONG if short in word) for short in SHORT}
_MAY_BE_KEY = re.compile(rf"(?:{_keys})(?:[^a-z\\]|\\u[0-9a-f]{{4}}|\\.)*+key")


def may_name_secret(text: str, lower: str) -> bool:
    """Whether a text may hold a name for which `is_secret` is true, by a quick look. JSON's escapes for ASCII letters
    are not read.

    Args:
        lower: the same in lower case.
    """
    for piece in PIECES:  # noqa: SIM110 - of every event: a generator would cost half as much again
        if piece in lower and (piece in _FEW or _may_be_name(piece, text, lower)):
            return True
    return False


def _may_be_name(piece: str, text: str, lower: str) -> bool:
    if piece == "key":
        return any(word in lower for word in KEYS) and _MAY_BE_KEY.search(lower) is not None
    if any(word in lower for word in _LONGER[piece]) or len(text) != len(lower):
        return True
    place = lower.find(piece)
    while place >= 0:
        place += len(piece)
        if not _is_small(text[place : place + 1]) or text[place] in "sS" and not _is_small(text[place + 1 : place + 2]):
            return True
        place = lower.find(piece, place)
    return False


def _is_small(letter: str) -> bool:
    return "a" <= letter <= "z"


def is_secret(name: str) -> bool:
    """Whether what stands under this name is secret, however the name is spelled: apiSecret, old_password."""
    return _is_secret(name[-LONGEST:])


def is_side(name: str) -> bool:
    """Whether a name is but a side of a change, or says no more than "value": what it is of is said elsewhere."""
    return _is_side(name[-LONGEST:])


def is_end_of_period(name: str) -> bool:
    """Whether it is from or to, which a period has as well as a change."""
    return name.lower() in ("from", "to")


def is_side_of_change(name: str) -> bool:
    """The same without words that are often a thing of their own: text, from, to."""
    return is_side(name) and not {"from", "to", "text", "string", "hash"}.issuperset(_spelled(name).split("_"))


def is_ordinary(name: str) -> bool:
    """Whether what stands under this name within something secret is none: its id, its time."""
    return _is_ordinary(name[-LONGEST:])


def names_field(name: str) -> bool:
    """Whether what stands under this name says of what field the values beside it are."""
    return _names_field(name[-LONGEST:])


def is_secret_parameter(name: str) -> bool:
    """Whether what a parameter of an address holds is secret, unless it `says_nothing`."""
    return _is_secret_parameter(name[-LONGEST:])


def says_nothing(name: str, value: str) -> bool:
    """Whether such a parameter has a value that is no secret. They are all short."""
    if len(value) > LONGEST_HARMLESS:
        return False
    if value.lower() in NO_SECRETS:
        return True
    harmless = _ACCOUNT_KEY if _is_key(name[-LONGEST:]) else _TWO_LETTERS
    return not is_secret(name) and harmless.match(value) is not None


def _spelled(name: str) -> str:
    return "_".join([word.lower() for word in _WORD.findall(name)])


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    spelled = _spelled(name)
    found = _NAME.search(spelled)
    if not found:
        return False
    before = spelled[: found.start()].rstrip("_").rpartition("_")[2]
    return before not in COUNTS and not (before in STATES and found[0].startswith("auth"))


@lru_cache(maxsize=4096)
def _is_secret_parameter(name: str) -> bool:
    return _is_secret(name) or _spelled(name) in IN_ADDRESSES or _is_key(name)


def _is_key(name: str) -> bool:
    return _API_KEY.search(_spelled(name)) is not None


@lru_cache(maxsize=4096)
def _is_side(name: str) -> bool:
    words = _spelled(name).split("_")
    return all(word in SIDES for word in words)


@lru_cache(maxsize=4096)
def _is_ordinary(name: str) -> bool:
    return _spelled(name).rpartition("_")[2] in ORDINARY


@lru_cache(maxsize=4096)
def _names_field(name: str) -> bool:
    words = [word for word in _spelled(name).split("_") if word != "changed"]
    return bool(words) and all(word in NAMING for word in words)
