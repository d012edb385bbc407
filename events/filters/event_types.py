"""The event types that a reader can choose from, by family."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.utils.translation import get_language

from accounts.prepared import Prepared
from events.models import EventType, MonthCount
from events.nexmo.catalog import EVENT_TYPES, FAMILIES, family
from events.wording.codes import family_title, type_words

if TYPE_CHECKING:
    from collections.abc import Sequence

Choices = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def whole_family(codes: Sequence[str]) -> str:
    """How the filter asks for the family of these types: by how its codes begin, so that a new one is in it too; by the
    types themselves where another family's begin like that."""
    slug = family(codes[0])[0]
    prefix = next((prefix for prefix, its, _ in FAMILIES if its == slug), "")
    is_shared = any(other != prefix and other.startswith(prefix) for other, _, _ in FAMILIES)
    return ",".join(codes) if is_shared else f"{prefix}*"


@lru_cache(maxsize=64)
def descriptions(choices: Choices) -> dict[str, str]:
    """What each of these types means."""
    return {code: description for _, group in choices for code, description in group}


_LEARNT = Prepared(lambda: EventType.objects.order_by().values_list("code", "description", "listed_at"))


def event_type_choices(accounts: Sequence[int]) -> Choices:
    """All known types by family: those Nexmo lists with its own words, the built-in ones, and any that events of
    these accounts carry.

    A type that only a foreign account's events carry is left out.
    """
    learnt = tuple(_LEARNT.rows())
    private = [code for code, _, listed_at in learnt if listed_at is None and code not in EVENT_TYPES]
    carried = _carried(tuple(accounts), private) if private else frozenset()
    return _by_family(learnt, carried, get_language())


def _carried(accounts: tuple[int, ...], codes: list[str]) -> frozenset[str]:
    """Which of these types the accounts' events carry; looked up once a minute."""
    cache, key = caches["local"], f"carried:{hash((accounts, tuple(codes)))}"
    carried: frozenset[str] | None = cache.get(key)
    if carried is None:
        counts = MonthCount.objects.filter(account__in=accounts, event_type__in=codes, count__gt=0)
        carried = frozenset(counts.order_by().values_list("event_type", flat=True).distinct())
        cache.set(key, carried, 60)
    return carried


@lru_cache(maxsize=64)
def _by_family(learnt: tuple[tuple[str, str, Any], ...], carried: frozenset[str], language: str | None) -> Choices:
    """In the language in use, which is part of what the cache knows an answer by."""
    described = dict(EVENT_TYPES)
    for code, description, listed_at in learnt:
        if listed_at is None and code not in EVENT_TYPES and code not in carried:
            continue
        if description and description != code:
            described[code] = description
        described.setdefault(code, code.replace("_", " ").capitalize())
    titles = {code: type_words(code, description) or code for code, description in described.items()}
    groups: dict[str, list[tuple[str, str]]] = {slug: [] for _, slug, _ in FAMILIES}
    for code in sorted(titles, key=lambda code: titles[code].lower()):
        groups.setdefault(family(code)[0], []).append((code, titles[code]))
    return tuple((family_title(slug), tuple(choices)) for slug, choices in groups.items() if choices)
