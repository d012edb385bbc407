"""Writes docs/benchmarks.md from the results kept under var/bench/: whatever was last measured of each database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import history, results
from tests.benchmarks.config import DOCUMENT, KEPT, LEAST_DOCUMENTED, Archive, small_events
from tests.benchmarks.details import details
from tests.benchmarks.markdown import table
from tests.benchmarks.targets import Target, Verdict, judge, targets

TITLES = history.TITLES

HOW = """\
## How to run it

    make bench                                            # SQLite, 1,000,000 events
    DATABASE_URL=postgres://user@host/name make bench     # and PostgreSQL, in databases of its own on that server
    BENCH_EVENTS=5000000 make bench
    BENCH_ONLY=pages,search make bench                    # some sections: {sections}
    BENCH_ROUNDS=30 make bench                            # in percent: fewer rounds, rougher figures
    BENCH_DATABASES=postgresql make bench                 # one of the two
    make bench-quick                                      # 100,000 events, a fifth of the rounds, ratios only

The archives lie under `var/bench/` (on PostgreSQL: databases named `auditsite_bench...`) and are used again by the
next run; they are filled through the product's own parser and insert path, which takes minutes, may be stopped with
Ctrl-C, and goes on where it was. What writes does so on copies that are dropped afterwards: allow for three times the
archive's size on disk. Results are kept as JSON beside them; this page is written from the last of each section.
Runs of fewer than {least:,} events write `var/bench/benchmarks-<events>.md` instead of this page; with at least
{recorded:,} they add their line to the history above, which no run takes anything from.
`make bench-quick` is for use while working: in about three minutes on two cores that are otherwise idle (one more for
the first, which makes its archives) it measures {quick} and prints the ratios.

## How it is measured

- Side by side in one run, in rounds (A, B, A, B, ...). Ratios are medians of the ratios round by round; milliseconds
  are medians. A page is visited once unmeasured and then three times; a round counts its median. A visit during
  which the kernel took the core away (from the process, or from its PostgreSQL backend) is made again, at most twice
  and not if it takes long: the machine may be shared.
- Pages are called within a process, as a view with a logged-in reader, DEBUG off: the same for ours, the stock page
  and the bare view. Two archives of different sizes are two processes asked in turn. What is seen through all
  middleware and over HTTP is told beside it.
- "Table and form" is what the stock page holds too: a view of the benchmark, made of the very parts of our page. It is
  compared with the stock page and the bare view; everything else is measured with whole pages as the site serves them.
- The stock page is django-tables2 with columns generated from the model and TemplateColumns, a django-filter form and
  the Paginator with its COUNT, as their documentation has it: `tests/benchmarks/stock.py`.
- Flatness compares a request on the large archive with the same request on one of {small:,} events. Where that one has
  fewer rows to show, its first page stands in. Ratios above 1.1 are measured again with twice the rounds.
- SQL time is all time between Django's cursor and the driver, fetching included, of every statement of a request.
- The packages' admin lists show 50 rows as ours does; their own 100 would cost them more.
- A raw insert writes the same values into the same table with the same indexes and search index on a copy without the
  append-only triggers. Ours also looks for what is known already, chains, counts, and keeps the rollups. What the
  chain adds is the time of its hashing over the rest: inserts with and without it differ by less than by chance.
- `json.dumps` per row is Django's usual way, a dictionary of each streamed model instance. The raw driver's own rate
  with `json.dumps` stands beside it.
- A stream is served by one process, signed and in batches, to a receiver in another that counts what arrives; beside
  it the first process writes the NDJSON export of the same events to nowhere. Formats other than raw are streamed
  from the small archive.
- Rules look for what is out of the ordinary, so the archive has an ordinary: people live in one country, travel in
  three weeks of a hundred and do nothing on the way, programs stay where they are; in every 20,000 events somebody
  takes over a login, in ten steps. Detection is measured with such events too: new ones as dense in time as the
  archive's end, late ones scattered over all of it. About one event in 200 makes a finding, more than in life.
- The ideal time of a sync is the number of pages times the latency over the concurrency.
"""


def write_document(events: int) -> Path:
    """Write the page for runs with so many events and return its path."""
    path = DOCUMENT if events >= LEAST_DOCUMENTED else KEPT / f"benchmarks-{events}.md"
    found = {engine: results.read(Archive(engine, events)) for engine in TITLES}
    others = [each for each in results.all_kept() if each[1] > events]
    kept = history.section(path) if path == DOCUMENT else ""
    path.write_text(render(events, found, others, kept), encoding="utf-8")
    return path


def render(
    events: int,
    found: dict[str, dict[str, Any]],
    others: list[tuple[str, int, dict[str, Any]]] | None = None,
    kept: str = "",
) -> str:
    """The whole page. `found`: engine -> section -> entry; `others`: of larger archives; `kept`: the history."""
    from tests.benchmarks.__main__ import QUICK, SECTIONS

    parts = [
        "# Benchmarks\n",
        f"Written by `make bench` with archives of {events:,} events. Ratios are the result; milliseconds depend on "
        "the machine.\nEvery line is one of the targets that the project set itself.\n",
        _targets(found),
        *(_larger(engine, size, entries) for engine, size, entries in others or []),
        kept,
        _machines(found),
    ]
    for engine, title in TITLES.items():
        if found.get(engine):
            parts.append(f"## {title} in detail\n")
            parts.append(details({name: entry.get("found", {}) for name, entry in found[engine].items()}))
    parts.append(
        HOW.format(
            sections=", ".join(SECTIONS),
            least=LEAST_DOCUMENTED,
            small=small_events(),
            recorded=history.LEAST_RECORDED,
            quick=QUICK["BENCH_ONLY"].replace(",", ", "),
        )
    )
    return "\n".join(part for part in parts if part).rstrip("\n") + "\n"


def _sections(entries: dict[str, Any]) -> dict[str, Any]:
    """What each section found; what failed since is not shown as if it had been measured."""
    return {name: entry["found"] for name, entry in entries.items() if "found" in entry and "failed" not in entry}


def ratios(found: dict[str, dict[str, Any]]) -> str:
    """The lines of what was measured whose figures do not depend on the machine."""
    measured = [(engine, _sections(entries)) for engine, entries in found.items()]
    return _targets(
        found,
        lambda target: (
            (target.unit in ("×", "%") or "calls" in target.line)
            and any(judge(target, engine, sections).met is not None for engine, sections in measured)
        ),
    )


def _targets(found: dict[str, dict[str, Any]], shown: Callable[[Target], bool] = lambda _: True) -> str:
    engines = [engine for engine in TITLES if found.get(engine)]
    rows = []
    for target in filter(shown, targets()):
        verdicts = [judge(target, engine, _sections(found[engine])) for engine in engines]
        asked = " / ".join(dict.fromkeys(verdict.target for verdict in verdicts))
        rows.append([target.line, asked, *(_cell(verdict) for verdict in verdicts)])
    return table(["Target", "asked", *(TITLES[engine] for engine in engines)], rows)


def _cell(verdict: Verdict) -> str:
    if verdict.met is None:
        return verdict.verdict
    said = f"{verdict.measured}, met" if verdict.met else f"**{verdict.measured}, {verdict.verdict}**"
    return f"{said} ({verdict.remark})" if verdict.remark else said


def _larger(engine: str, events: int, entries: dict[str, Any]) -> str:
    """The lines that were also measured on a larger archive."""
    verdicts = [(target.line, judge(target, engine, _sections(entries))) for target in targets()]
    rows = [[line, verdict.target, _cell(verdict)] for line, verdict in verdicts if verdict.met is not None]
    return f"## {TITLES[engine]} with {events:,} events\n\n" + table(["Target", "asked", "measured"], rows)


def _machines(found: dict[str, dict[str, Any]]) -> str:
    lines = ["## Machine and dates\n"]
    for engine, title in TITLES.items():
        entries = found.get(engine) or {}
        for name, entry in entries.items():
            if "failed" in entry:
                lines.append(f"- {title}, {name}: **the last run failed** ({entry['failed']})")
        described = [entry for entry in entries.values() if "machine" in entry]
        if described:
            newest = max(described, key=lambda entry: str(entry["at"]))
            words = ", ".join(f"{name} {value}" for name, value in newest["machine"].items())
            dates = sorted({entry["at"][:10] for entry in described})
            lines.append(f"- {title}: measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))}; {words}")
    return "\n".join(lines) + "\n"
