"""The requests that pages are measured with: the first page, deep ones, every filter of the contract, combinations.

Values are such that a page is full in the archive of 10,000 events too, so that both pages show as many rows; those
that are rarer than that are compared with the small archive's first page, and say so.
"""

from __future__ import annotations

from urllib.parse import urlencode

from tests.benchmarks import vocabulary as words
from tests.benchmarks.generator import staff

_USER = staff(0)[0]
_FOUR = [words.api_key(number) for number in (2, 5, 8, 11)]
_TYPES = "NUMBER_ASSIGN,NUMBER_RELEASE,NUMBER_LINKED"


def listing(**params: str) -> str:
    return "/events/" + (f"?{urlencode(params)}" if params else "")


# name -> parameters
FILTERS: dict[str, dict[str, str]] = {
    "event_type, common": {"event_type": "NUMBER_UPDATED"},
    "event_type, three": {"event_type": _TYPES},
    "event_type, rare": {"event_type": "ESIM_ACTIVATE"},
    "search_text, common": {"search_text": words.COMMON},
    "search_text, medium": {"search_text": words.MEDIUM},
    "search_text, one event": {"search_text": words.NEEDLE},
    "date_from": {"date_from": "2026-05-01"},
    "date_to": {"date_to": "2025-06-30"},
    "size": {"size": "50"},
    "account, one": {"account": words.LARGEST_KEY},
    "account, four": {"account": ",".join(_FOUR)},
    "account, five silent": {"account": ",".join(words.SILENT_KEYS)},
    "user_email": {"user_email": _USER},
    "user_email, rare": {"user_email": staff(0)[-1]},
    "source, common": {"source": "CD"},
    "source, rare": {"source": "SUPPORT"},
    "source_ip, address": {"source_ip": "198.18.100.1"},
    "source_ip, network": {"source_ip": "198.18.0.0/16"},
    "source_ip, rare network": {"source_ip": "2001:db8:e::/48"},
    "source_country, common": {"source_country": "GB"},
    "source_country, rare": {"source_country": "IS"},
}
COMBINATIONS: dict[str, dict[str, str]] = {
    "account + type": {"account": words.LARGEST_KEY, "event_type": "NUMBER_UPDATED"},
    "four accounts + three types": {"account": ",".join(_FOUR), "event_type": _TYPES},
    "account + user": {"account": words.LARGEST_KEY, "user_email": _USER},
    "type + country": {"event_type": "NUMBER_UPDATED", "source_country": "US"},
    "user + source": {"user_email": _USER, "source": "CD"},
    "account + dates": {"account": words.LARGEST_KEY, "date_from": "2025-01-01", "date_to": "2026-01-01"},
    "type + network": {"event_type": "NUMBER_UPDATED", "source_ip": "198.18.0.0/16"},
    "account + search": {"account": words.LARGEST_KEY, "search_text": words.COMMON},
    "type + country + dates": {"event_type": "APP_UPDATE", "source_country": "GB", "date_to": "2026-06-30"},
    "account + type + source + search": {
        "account": words.LARGEST_KEY, "event_type": "NUMBER_UPDATED", "source": "CD", "search_text": words.COMMON,
    },
}  # fmt: skip
# The same first page as others see it: twelve accounts of twenty, and the five nearly silent ones.
OTHER_READERS = {"first page of twelve accounts": "bench-analyst", "first page of five silent accounts": "bench-quiet"}
