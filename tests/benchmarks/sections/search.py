"""How long the database takes for a search, whatever is searched for."""

from __future__ import annotations

from typing import Any

from tests.benchmarks import internals
from tests.benchmarks import vocabulary as words
from tests.benchmarks.config import POSTGRESQL, Archive
from tests.benchmarks.figures import interleave, paired_ratio, percentile, summary
from tests.benchmarks.partner import Partner
from tests.benchmarks.requests_made import listing
from tests.benchmarks.terms import search_terms

READERS = ("bench-auditor", "bench-analyst")  # all accounts; twelve of twenty
WORST_SHOWN = 12


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    terms = search_terms(archive.events)
    tried = []
    with Partner(archive) as site:
        for kind, of_kind in terms.items():
            for term in of_kind:
                for user in READERS:
                    # The whole page: what it counts and tells beside the rows is part of the answer.
                    answer = site.ask("queries", path=listing(search_text=term), user=user, times=3)
                    tried.append({"kind": kind, "term": term, "user": user, **answer})
        needle = compare_needle(site)
    times = [each["ms"] for each in tried]
    kinds = {
        kind: summary([each["ms"] for each in tried if each["kind"] == kind])
        | {"worst": max(each["ms"] for each in tried if each["kind"] == kind)}
        for kind in terms
    }
    return {
        "terms": len(times) // len(READERS),
        "median": percentile(times, 0.5),
        "p95": percentile(times, 0.95),
        "worst": max(times),
        "ended early": sum(1 for each in tried if each["ended early"] and each["user"] == READERS[0]),
        "kinds": kinds,
        "slowest": sorted(tried, key=lambda each: -each["ms"])[:WORST_SHOWN],
        "needle": needle,
    }


def compare_needle(site: Partner) -> dict[str, Any]:
    """One event of all: our search beside LIKE over the whole table, newest first."""
    # The empty text added keeps PostgreSQL from using an index of ours for what is meant to do without.
    where = "(raw || '') ILIKE %s" if site.archive.engine == POSTGRESQL else "raw LIKE ?"
    sql = f"SELECT id FROM {internals.EVENTS} WHERE {where} ORDER BY created_at DESC, id DESC LIMIT 51"
    path = listing(search_text=words.NEEDLE)
    rows = site.visit(path)["rows"]

    def ours() -> list[float]:
        return [site.ask("queries", path=path, user=READERS[0], times=3)["ms"]]

    times = interleave(
        {"LIKE": lambda: site.ask("sql", sql=sql, params=[f"%{words.NEEDLE}%"])["ms"], "ours": ours}, rounds=5
    )
    return {
        "found": rows,
        "times": {name: summary(row) for name, row in times.items()},
        "ratio": paired_ratio(times["LIKE"], times["ours"]),
    }
