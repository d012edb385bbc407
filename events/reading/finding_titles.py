"""What the rules of findings were called when they found them, also of rules that are gone or renamed; and which rules
have found something in some accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.cache import caches
from django.db import connection

from events.models import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 60  # seconds that this is believed: it changes when a rule is renamed or removed
_KEY = "titles-of-findings"

# A step of the index for each rule, and one for its newest finding in each state: the same among 100,000 as among ten.
_SQL = """
    WITH RECURSIVE met (rule) AS (
        SELECT MIN(rule) FROM events_finding
        UNION ALL
        SELECT (SELECT MIN(rule) FROM events_finding WHERE rule > met.rule) FROM met WHERE met.rule IS NOT NULL
    )
    SELECT met.rule, (
        SELECT title FROM events_finding AS f
        WHERE f.rule = met.rule AND f.state = s.state ORDER BY f.found_at DESC, f.id DESC LIMIT 1
    ) FROM met CROSS JOIN ({states}) AS s WHERE met.rule IS NOT NULL
"""

# A step of an index for each rule and account.
_MET = """
    SELECT r.rule FROM ({rules}) AS r
    WHERE EXISTS (SELECT 1 FROM events_findingaccount AS p WHERE p.account_id IN ({accounts}) AND p.rule = r.rule)
"""


def found_in(accounts: Sequence[int], rules: Sequence[str]) -> set[str]:
    """Those of these rules that have found something in these accounts; believed for a while."""
    if not accounts or not rules:
        return set()
    key = f"found-in:{hash((tuple(sorted(accounts)), tuple(sorted(rules))))}"
    found: set[str] | None = caches["local"].get(key)
    if found is None:
        listed = " UNION ALL ".join(["SELECT %s AS rule"] * len(rules))
        with connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(accounts))
            cursor.execute(_MET.format(rules=listed, accounts=marks), [*rules, *accounts])
            found = {rule for (rule,) in cursor.fetchall()}
        caches["local"].set(key, found, KEPT)
    return found


def titles_found() -> dict[str, set[str]]:
    """The titles of each rule's newest findings in each state, by the rule's id."""
    found: dict[str, set[str]] | None = caches["local"].get(_KEY)
    if found is None:
        found = {}
        states = Finding.State.values
        with connection.cursor() as cursor:
            cursor.execute(_SQL.format(states=" UNION ALL ".join(["SELECT %s AS state"] * len(states))), states)
            for rule, title in cursor.fetchall():
                if title:
                    found.setdefault(rule, set()).add(title)
        caches["local"].set(_KEY, found, KEPT)
    return found
