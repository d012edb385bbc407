"""What Nexmo's codes mean, in the reader's language; and numbers as that language groups them.

The catalogue is plain English and knows no Django. Its words stand here once more, so that translators find them.
"""

from __future__ import annotations

import re
from functools import cache

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop, override

from events.nexmo.catalog import EVENT_TYPES, FAMILIES, SOURCES

TO_TRANSLATE = (
    gettext_noop("User status updated"),
    gettext_noop("User updated"),
    gettext_noop("User billing updated"),
    gettext_noop("User created"),
    gettext_noop("User login into Customer dashboard"),
    gettext_noop("User logout from Customer dashboard"),
    gettext_noop("User product search"),
    gettext_noop("Sub-accounts for user updated"),
    gettext_noop("Account secret deleted"),
    gettext_noop("Account secret created"),
    gettext_noop("Messaging Account Banned"),
    gettext_noop("Account Settings updated"),
    gettext_noop("Account Settings updated via API"),
    gettext_noop("Number assigned"),
    gettext_noop("Number updated"),
    gettext_noop("Number released"),
    gettext_noop("Number canceled by user"),
    gettext_noop("Number linked to application"),
    gettext_noop("Number unlinked from application"),
    gettext_noop("Application created"),
    gettext_noop("Application updated"),
    gettext_noop("Application deleted"),
    gettext_noop("Application disabled"),
    gettext_noop("Application enabled"),
    gettext_noop("Whitelist IP added"),
    gettext_noop("Whitelist IP deleted"),
    gettext_noop("Autoreload enabled"),
    gettext_noop("Autoreload settings updated"),
    gettext_noop("Autoreload disabled"),
    gettext_noop("Dashboard"),
    gettext_noop("API"),
    gettext_noop("Sign-ins and people"),
    gettext_noop("Secrets"),
    gettext_noop("Numbers"),
    gettext_noop("Applications"),
    gettext_noop("Network"),
    gettext_noop("Money"),
    gettext_noop("Account"),
    gettext_noop("Other"),
)
_COUNTRY_CODE = re.compile("[A-Z0-9]{2}")
_FAMILY_TITLES = {slug: title for _, slug, title in FAMILIES} | {"other": "Other"}


def type_words(code: str, described: str = "") -> str:
    """What an event type means: what Nexmo says, translated where those are the words that the catalogue knows.

    Args:
        described: Nexmo's own description, if there is one.
    """
    known = EVENT_TYPES.get(code, "")
    return gettext(known) if known and described in ("", known) else described


def family_title(slug: str) -> str:
    """The title of a family of event types."""
    return gettext(_FAMILY_TITLES[slug])


def source_title(code: str) -> str:
    """What a source is called; "" for one that Nexmo does not document."""
    return gettext(SOURCES[code]) if code in SOURCES else ""


def is_country_code(text: str) -> bool:
    """Whether this can be the code of a country, also of one that no list has: UK, XK, A1."""
    return _COUNTRY_CODE.fullmatch(text) is not None


@cache
def source_codes() -> dict[str, str]:
    """Sources by code and by title, all in lower case, in every language: addresses are shared between readers."""
    codes = {code.lower(): code for code in SOURCES}
    for language, _ in settings.LANGUAGES:
        with override(language):
            codes |= {source_title(code).lower(): code for code in SOURCES}
    return codes


def grouped(number: int) -> str:
    """A number with its thousands apart: 1,234."""
    return number_format(number, force_grouping=True) if abs(number) >= 1_000 else str(number)
