"""What the product must reach, line by line, and whether what was measured reaches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.config import SQLITE
from tests.benchmarks.requests_made import COMBINATIONS, FILTERS

Sections = dict[str, Any]  # section -> what it found
PACKAGES = ("django-easy-audit", "django-auditlog")
DEEP = ("a page in the middle", "one of the last pages")


@dataclass(frozen=True)
class Target:
    """One line. `read` gives the figure that counts and a remark; `limit` depends on the database."""

    line: str
    at_least: bool
    limits: dict[str, float]
    unit: str
    read: Callable[[Sections], tuple[float, str]]

    def limit(self, engine: str) -> float:
        return self.limits.get(engine, self.limits.get("", 0.0))


@dataclass(frozen=True)
class Verdict:
    """How one line came out on one database; `met` is None where nothing was measured."""

    target: str
    measured: str
    remark: str
    verdict: str
    met: bool | None


def judge(target: Target, engine: str, sections: Sections) -> Verdict:
    """Hold one line against what was measured."""
    limit = target.limit(engine)
    asked = f"{'≥' if target.at_least else '≤'} {show(limit, target.unit)}"
    try:
        value, remark = target.read(sections)
    except (KeyError, ValueError):
        return Verdict(asked, "–", "", "not measured", None)
    met = value >= limit if target.at_least else value <= limit
    return Verdict(asked, show(value, target.unit), remark, "met" if met else f"missed by {_miss(value, limit)}", met)


def _miss(value: float, limit: float) -> str:
    return f"{abs(value - limit) / limit * 100:,.0f} %" if limit else f"{value:g}"


def show(value: float, unit: str) -> str:
    """A figure with its unit, with no more digits than mean something."""
    if unit == "%":
        return f"{value * 100:.0f} %"
    digits = 0 if abs(value) >= 100 or float(value).is_integer() else 1 if abs(value) >= 10 else 2
    number = f"{value:,.{digits}f}"
    return f"{number} ×" if unit == "×" else f"{number} {unit}".strip()


def _worst_flat(names: tuple[str, ...]) -> Callable[[Sections], tuple[float, str]]:
    def read(sections: Sections) -> tuple[float, str]:
        flat = sections["pages"]["flat"]
        ratios = {name: max(flat[name]["part ratio"], flat[name]["whole ratio"]) for name in names}
        worst = max(ratios, key=ratios.__getitem__)
        return ratios[worst], "" if len(names) == 1 else f"worst of {len(names)}: {worst}"

    return read


def _peers(page: str) -> Callable[[Sections], tuple[float, str]]:
    def read(sections: Sections) -> tuple[float, str]:
        found = sections["peers"]["pages"][page]
        ratios = {package: found[f"{package} / whole"] for package in PACKAGES}
        least = min(ratios, key=ratios.__getitem__)
        return ratios[least], ", ".join(
            f"{package} {ratio:,.0f} ×, table and form alone {found[f'{package} / ours']:,.0f} ×"
            for package, ratio in ratios.items()
        )

    return read


def _of(section: str, *keys: str, factor: float = 1, remark: str = "") -> Callable[[Sections], tuple[float, str]]:
    def read(sections: Sections) -> tuple[float, str]:
        value: Any = sections[section]
        for key in keys:
            value = value[key]
        return float(value) * factor, remark

    return read


def _live(sections: Sections) -> tuple[float, str]:
    compared = sections["pages"]["compared"]
    return compared["live / whole"], f"table and form alone {compared['live / ours']:.0f} ×"


def _worst_order(key: str, *, least: bool) -> Callable[[Sections], tuple[float, str]]:
    def read(sections: Sections) -> tuple[float, str]:
        orders = {order: found[key] for order, found in sections["ingest"]["orders"].items()}
        worst = (min if least else max)(orders, key=orders.__getitem__)
        return orders[worst], "; ".join(f"{order} {share * 100:.0f} %" for order, share in orders.items())

    return read


def _export(key: str, kinds: tuple[str, ...]) -> Callable[[Sections], tuple[float, str]]:
    def read(sections: Sections) -> tuple[float, str]:
        values = {kind: sections["export"][kind][key] for kind in kinds}
        return max(values.values()), ", ".join(f"{kind} {value:,.0f}" for kind, value in values.items())

    return read


def _load(sections: Sections) -> tuple[float, str]:
    phases = {name: sections["web"]["load"][name]["p99 / median"] for name in ("without a pause", "with pauses")}
    return max(phases.values()), ", ".join(f"{name} {ratio:.1f}" for name, ratio in phases.items())


def _load_errors(sections: Sections) -> tuple[float, str]:
    load = sections["web"]["load"]
    errors = sum(load[name]["errors"] for name in ("without a pause", "with pauses"))
    return errors + load["locked"], f"{errors} pages failed, “database is locked” {load['locked']} times"


def _inbox(sections: Sections) -> tuple[float, str]:
    readers = sections["findings"]["readers"]
    ratios = {
        f"{page}, {reader}": each["ratio"]
        for reader, pages in readers.items()
        for page, each in pages.items()
        if page.startswith(("first", "all", "a page"))
    }
    worst = max(ratios, key=ratios.__getitem__)
    return ratios[worst], f"worst of {len(ratios)}: {worst}"


def _any(limit: float) -> dict[str, float]:
    return {"": limit}


def targets() -> list[Target]:
    """Every line, in the issue's order."""
    return [
        Target("Table and form: the stock page takes at least 8 times as long", True, _any(8), "×",
               _of("pages", "compared", "stock / ours")),
        Target("Table and form: at most 8 times a bare Django view", False, _any(8), "×",
               _of("pages", "compared", "ours / bare")),
        Target("Whole page: the stock page takes at least 4 times as long", True, _any(4), "×",
               _of("pages", "compared", "stock / whole")),
        Target("Whole page: at most twice table and form", False, _any(2), "×",
               _of("pages", "compared", "whole / ours")),
        Target("Whole page: calls of Python functions", False, _any(20_000), "",
               _of("pages", "compared", "calls", "ours, whole page")),
        Target("Flat: the first page", False, _any(1.15), "×", _worst_flat(("first page",))),
        Target("Flat: deep pages", False, _any(1.15), "×", _worst_flat(DEEP)),
        Target("Flat: each filter", False, _any(1.15), "×", _worst_flat(tuple(FILTERS))),
        Target("Flat: ten combinations of filters", False, _any(1.15), "×", _worst_flat(tuple(COMBINATIONS))),
        *(
            Target(f"Faster than the packages' admin lists: {page}", True, {SQLITE: 300, "": 60}, "×", _peers(page))
            for page in ("first page", "deep page", "search")
        ),
        Target("Faster than asking Nexmo at every view", True, _any(40), "×", _live),
        Target("Search: 95 % of all terms, in SQL", False, _any(25), "ms", _of("search", "p95")),
        Target("Search: any term, in SQL", False, _any(60), "ms", _of("search", "worst")),
        Target("Search: a needle, against LIKE", True, _any(100), "×", _of("search", "needle", "ratio")),
        Target("Findings: the inbox with 100,000, of the SQL of the table of events", False, _any(2), "×", _inbox),
        Target("Ingest, of the raw insert's rate", True, {SQLITE: 0.65, "": 0.80}, "%",
               _worst_order("share of raw", least=True)),
        Target("Ingest: what the chain adds", False, _any(0.10), "%", _worst_order("chain adds", least=False)),
        Target("Detection: all shipped rules, of the time of ingest", False, _any(0.25), "%",
               _of("detection", "orders", "in order", "of ingest")),
        Target("Detection: a rule's trial along an index", False, _any(5), "s", _of("detection", "light", "seconds")),
        Target("Detection: times that any other trial tells its progress", True, _any(2), "",
               _of("detection", "heavy", "ticks")),
        Target("Sync: of the ideal time", False, _any(1.3), "×", _of("sync", "ratio")),
        Target("Sync: requests for each page", False, _any(1.25), "×", _of("sync", "requests / pages")),
        Target("Export, CSV: of the raw driver's rate", True, _any(0.55), "%", _of("export", "csv", "over HTTP / raw")),
        Target("Export, NDJSON: of the rate of json.dumps", True, _any(8), "×",
               _of("export", "ndjson", "over HTTP / orm")),
        Target("Export: memory above the idle process", False, _any(40), "MB",
               _export("MB above idle", ("csv", "ndjson", "xlsx"))),
        Target("Export: first byte", False, _any(50), "ms", _export("first byte ms", ("csv", "ndjson"))),
        Target("API: a page of 100 by cursor, of SQL plus JSON", False, _any(1.5), "×", _of("api", "page / floor")),
        Target("API: a walk by page number, of one by cursor", False, _any(3), "×",
               _of("api", "by number / by cursor")),
        Target("Stream to a webhook, of the NDJSON export's rate", True, _any(0.60), "%",
               _of("streams", "raw / export", remark="format raw, to a receiver on the same machine")),
        Target("A web process after 200 pages", False, _any(130), "MB", _of("web", "memory", "MB")),
        Target("8 analysts beside sync and export: 99 % of pages, of the median", False, _any(10), "×", _load),
        Target("8 analysts beside two streams: 99 % of pages, of the median", False, _any(10), "×",
               _of("web", "load", "beside two streams", "p99 / median")),
        Target("8 analysts beside sync and export: failures", False, _any(0), "", _load_errors),
    ]  # fmt: skip
