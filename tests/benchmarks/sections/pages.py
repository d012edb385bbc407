"""The page of events beside the stock page, a bare view, the floor and a page that asks Nexmo at every view; and how
flat it is: every request of the contract on the large archive beside the small one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from statistics import median
from typing import Any

from tests.benchmarks import internals
from tests.benchmarks.config import Archive, rounds, visits
from tests.benchmarks.figures import interleave, paired_ratio, summary
from tests.benchmarks.partner import SUPERUSER, Partner
from tests.benchmarks.requests_made import COMBINATIONS, FILTERS, OTHER_READERS, listing
from tests.benchmarks.servers import sandbox

ROWS = 50
LATENCY_MS = 150
DOUBTFUL = 1.1
WAYS: dict[str, dict[str, str]] = {"part": internals.FRAGMENT_HEADERS, "whole": {}}


def measure(archive: Archive, small: Archive) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(sandbox(pages=1, latency_ms=LATENCY_MS, accounts=1))
        large = stack.enter_context(Partner(archive, NEXMO_AUDIT_URL=address))
        little = stack.enter_context(Partner(small))
        return {
            "compared": compare(large),
            "deep": compare_deep(large, archive),
            "flat": flatness(large, little),
        }


def ms(partner: Partner, path: str, **how: Any) -> Callable[[], list[float]]:
    """A measurement of a page: three visits after one that does not count."""
    return lambda: partner.visit(path, times=visits(), **how)["ms"]


def compare(large: Partner) -> dict[str, Any]:
    """First pages, side by side. Views are called directly; some go through every middleware as well.

    Asked by a superuser: the bare view asks for no permission either.
    """
    part, who = internals.FRAGMENT_HEADERS, {"user": SUPERUSER}
    quick = interleave(
        {
            "floor": lambda: large.ask("floor", times=3)["ms"],
            "bare view": ms(large, "/bench/bare/", **who),
            "ours, table and form": ms(large, "/events/", **who, headers=part),
            "ours, whole page": ms(large, "/events/", **who),
            "stock page": ms(large, "/bench/stock/", **who),
            "bare view, with middleware": ms(large, "/bench/bare/", **who, through="middleware"),
            "ours, table and form, with middleware": ms(large, "/events/", **who, headers=part, through="middleware"),
            "ours, whole page, with middleware": ms(large, "/events/", **who, through="middleware"),
            "stock page, with middleware": ms(large, "/bench/stock/", **who, through="middleware"),
        },
        rounds(40),
    )
    live = interleave(
        {
            "live page": lambda: large.visit("/bench/live/", times=1, warm=0)["ms"],
            "ours, table and form": ms(large, "/events/", headers=part),
            "ours, whole page": ms(large, "/events/"),
        },
        rounds(12),
    )
    counted: dict[str, dict[str, int]] = {
        what: {
            name: large.ask(what, path=path, user=SUPERUSER, headers=headers)["count"]
            for name, path, headers in (
                ("ours, table and form", "/events/", part),
                ("ours, whole page", "/events/", {}),
                ("stock page", "/bench/stock/", {}),
            )
        }
        for what in ("queries", "calls")
    }
    ours, whole, stock = (quick[name] for name in ("ours, table and form", "ours, whole page", "stock page"))
    return {
        "times": {name: summary(times) for name, times in quick.items()} | {"live page": summary(live["live page"])},
        **counted,
        "bytes": {
            name: large.visit(path)["bytes"] for name, path in (("ours", "/events/"), ("stock", "/bench/stock/"))
        },
        "stock / ours": paired_ratio(stock, ours),
        "ours / bare": paired_ratio(ours, quick["bare view"]),
        "whole / ours": paired_ratio(whole, ours),
        "stock / whole": paired_ratio(stock, whole),
        "live / ours": paired_ratio(live["live page"], live["ours, table and form"]),
        "live / whole": paired_ratio(live["live page"], live["ours, whole page"]),
    }


def compare_deep(large: Partner, archive: Archive) -> dict[str, Any]:
    """The page in the middle of the archive: by key, and by the stock page's Paginator."""
    number = archive.events // 2 // ROWS
    times = interleave(
        {
            "ours, table and form": ms(large, deep_path(large, 0.5), headers=internals.FRAGMENT_HEADERS),
            "stock page": lambda: large.visit(f"/bench/stock/?page={number}", times=1, warm=0)["ms"],
        },
        rounds(10),
    )
    return {"page": number, "times": {name: summary(row) for name, row in times.items()}}


def flatness(large: Partner, little: Partner) -> dict[str, Any]:
    """Every request on both archives, as part and as whole page: times and the ratio, round by round.

    A trial makes do with every fifth. What seems too slow is measured once more, with more rounds: of so many ratios
    some are always unlucky.
    """
    found: dict[str, Any] = {}
    asked = requests(large, little)
    for name, paths, user in asked if visits() > 1 else asked[::5]:
        found[name] = one_flatness(large, little, paths, user, rounds(11))
        if visits() > 1 and max(found[name][f"{way} ratio"] for way in WAYS) > DOUBTFUL:
            found[name] = one_flatness(large, little, paths, user, rounds(25))
    return found


def one_flatness(large: Partner, little: Partner, paths: tuple[str, str], user: str, turns: int) -> dict[str, Any]:
    rows = [partner.visit(path, user=user)["rows"] for partner, path in zip((large, little), paths, strict=True)]
    # Where the small archive has fewer rows to show, its first page stands in.
    other = paths[1] if rows[0] == rows[1] else "/events/"
    variants: dict[str, Callable[[], list[float]]] = {}
    for way, headers in WAYS.items():
        how = {"headers": headers, "user": user}
        variants[f"{way} large"] = ms(large, paths[0], **how)
        variants[f"{way} small"] = ms(little, other, **how)
    times = interleave(variants, turns)
    queries = large.ask("queries", path=paths[0], user=user, times=visits())
    return {
        "rows": rows,
        "stands in": rows[0] != rows[1],
        "rounds": turns,
        "queries": queries["count"],
        "sql ms": queries["ms"],
        "slowest": [queries["slowest ms"], queries["slowest"][:400]],  # for whoever wants to know why
        **{f"{way} ms": median(times[f"{way} large"]) for way in WAYS},
        **{f"{way} small ms": median(times[f"{way} small"]) for way in WAYS},
        **{f"{way} ratio": paired_ratio(times[f"{way} large"], times[f"{way} small"]) for way in WAYS},
    }


def requests(large: Partner, little: Partner) -> list[tuple[str, tuple[str, str], str]]:
    """(name, the path on each archive, who asks)."""
    reader = "bench-auditor"
    found: list[tuple[str, tuple[str, str], str]] = [("first page", ("/events/", "/events/"), reader)]
    for title, share in (("a page in the middle", 0.5), ("one of the last pages", 0.99)):
        found.append((title, (deep_path(large, share), deep_path(little, share)), reader))
    for name, params in (FILTERS | COMBINATIONS).items():
        found.append((name, (listing(**params), listing(**params)), reader))
    return found + [(name, ("/events/", "/events/"), user) for name, user in OTHER_READERS.items()]


def deep_path(partner: Partner, share: float) -> str:
    """The page that begins after so many of the events, newest first."""
    return listing(before=partner.ask("cursor", offset=int(partner.archive.events * share))["cursor"])
