"""The details of one database for docs/benchmarks.md, section by section."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.benchmarks.markdown import ms, table

Found = dict[str, Any]
PARTS = {"ours": "ours, table and form"}


def details(sections: dict[str, Found]) -> str:
    """Every section that was measured, in the order of what follows."""
    writers: dict[str, Callable[[Found], str]] = {
        "pages": _pages,
        "peers": _peers,
        "search": _search,
        "findings": _findings,
        "ingest": _ingest,
        "detection": _detection,
        "sync": _sync,
        "export": _export,
        "api": _api,
        "streams": _streams,
        "web": _web,
        "sizes": _sizes,
    }
    return "\n".join(write(sections[name]) for name, write in writers.items() if sections.get(name))


def _pages(found: Found) -> str:
    compared = found["compared"]
    ours = compared["times"]["ours, table and form"]["median"]
    calls = compared.get("calls", {})
    times = table(
        ["Page", "ms", "10 % to 90 %", "of ours", "queries", "calls"],
        [
            [
                name,
                ms(each["median"]),
                f"{ms(each['low'])} to {ms(each['high'])}",
                f"{each['median'] / ours:,.2f}",
                str(compared["queries"].get(name, "")),
                f"{calls[name]:,}" if name in calls else "",
            ]
            for name, each in sorted(compared["times"].items(), key=lambda pair: pair[1]["median"])
        ],
    )
    deep = found["deep"]
    flat = table(
        ["Request", "rows", "queries", "SQL ms", "table and form, ms", "ratio", "whole page, ms", "ratio"],
        [
            [
                name + (" (against the first page)" if each["stands in"] else ""),
                str(each["rows"][0]),
                str(each["queries"]),
                ms(each["sql ms"]),
                ms(each["part ms"]),
                _ratio(each["part ratio"]),
                ms(each["whole ms"]),
                _ratio(each["whole ratio"]),
            ]
            for name, each in found["flat"].items()
        ],
    )
    return (
        f"### Pages\n\nThe newest 50 events, side by side.\n\n{times}\n"
        f"Page {deep['page']:,}: ours {ms(deep['times']['ours, table and form']['median'])} ms by key, the stock page "
        f"{ms(deep['times']['stock page']['median'])} ms.\n\n"
        f"### Flatness\n\nTimes on the large archive, and their ratio to the same request on the small one.\n\n{flat}"
    )


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value <= 1.15 else f"**{value:.2f}**"


def _peers(found: Found) -> str:
    rows = []
    for page, each in found["pages"].items():
        for name, time in each["ms"].items():
            ratios = [each.get(f"{name} / {ours}") for ours in ("whole", "ours")]
            shown = [f"{ratio:,.0f}" if ratio else "" for ratio in ratios]
            rows.append([page, PARTS.get(name, name), ms(time), *shown, str(each["queries"].get(name, ""))])
    return "### Packages\n\nAdmin lists of 50 rows over the same events; deep is page " + (
        f"{found['page']:,}.\n\n" + table(["Page", "", "ms", "times our page", "times table and form", "queries"], rows)
    )


def _search(found: Found) -> str:
    kinds = table(
        ["Kind of term", "median, ms", "worst, ms", "measured"],
        [
            [kind, ms(each["median"]), ms(each["worst"]), str(each["count"])]
            for kind, each in sorted(found["kinds"].items(), key=lambda pair: -pair[1]["worst"])
        ],
    )
    slowest = table(
        ["Slowest", "kind", "who", "ms", "rows"],
        [
            [f"`{each['term']}`", each["kind"], each["user"].removeprefix("bench-"), ms(each["ms"]), str(each["rows"])]
            for each in found["slowest"]
        ],
    )
    needle = found["needle"]["times"]
    return (
        f"### Search\n\nSQL time of the whole request for {found['terms']} terms, each asked by a reader of all "
        f"accounts and by one of twelve: median {ms(found['median'])} ms, 95 % under {ms(found['p95'])} ms, worst "
        f"{ms(found['worst'])} ms. {found['ended early']} of the terms ended with “searched back to” and a way on. "
        f"One event of all: {ms(needle['ours']['median'])} ms, by LIKE "
        f"{ms(needle['LIKE']['median'])} ms.\n\n{kinds}\n{slowest}"
    )


def _findings(found: Found) -> str:
    rows = [
        [page, reader, ms(each["sql ms"]), f"{each['ratio']:.2f}", str(each["queries"])]
        for reader, pages in found["readers"].items()
        for page, each in pages.items()
    ]
    heads = ["Page", "Reader of", "SQL, ms", "of the table of events", "queries"]
    return f"### Findings\n\nThe inbox with {found['findings']:,} findings.\n\n{table(heads, rows)}"


def _ingest(found: Found) -> str:
    rows = []
    for order, each in found["orders"].items():
        for name, rate in each["rows/s"].items():
            rows.append([order, name, f"{rate:,.0f}", f"{each['rows/s over all'][name]:,.0f}"])
    hashing = max(each["hashing ms"] for each in found["orders"].values())
    return (
        f"### Ingest\n\nBatches of {found['batch']:,} into a full archive; hashing takes {ms(hashing)} ms of each.\n\n"
        + table(["Events", "", "rows/s, median batch", "rows/s, over all"], rows)
    )


def _detection(found: Found) -> str:
    rows = [
        [
            order,
            ms(each["adding"]["median"]),
            ms(each["evaluating"]["median"]),
            *(f"{each[name] * 100:.0f} %" if name in each else "" for name in ("of ingest", "of ingest, processor")),
            f"{each['findings']:,} of {each['events']:,} events" if "findings" in each else "",
        ]
        for order, each in found["orders"].items()
    ]
    first, light, heavy = found["first"], found["light"], found["heavy"]
    return (
        f"### Detection\n\nAll rules that ship, over batches of {found['batch']:,} events that were added before:\n\n"
        + table(
            [
                "Events",
                "adding, ms",
                "evaluating, ms",
                "of ingest",
                "of this process's time on the processor",
                "findings",
            ],
            rows,
        )
        + f"\nThe whole archive at first: {first['events/s']:,.0f} events a second, {first['findings']:,} findings"
        + (f" in {first['events']:,} events with {first['attacks']:,} attacks. " if "attacks" in first else ". ")
        + f"A rule's trial: {light['seconds']:.2f} s along an index ({light['events']:,} events looked at); "
        f"{heavy['seconds']:.1f} s through all {heavy['events']:,} events, its progress told {heavy['ticks']:,} "
        "times.\n"
    )


def _sync(found: Found) -> str:
    return (
        f"### Sync\n\n{found['accounts']} accounts, {found['pages']:,} pages, {found['events']:,} events, "
        f"{found['latency ms']} ms a request, {found['concurrency']} accounts side by side: {found['seconds']:.1f} s, "
        f"ideally {found['ideal seconds']:.1f} s ({found['ratio']:.2f} times); {found['requests']:,} requests "
        f"({found['requests / pages']:.2f} a page). The simulated Nexmo runs on the same cores.\n"
    )


def _export(found: Found) -> str:
    rows = []
    for kind, each in found.items():
        for name, rate in each["rows/s"].items():
            over = name == "over HTTP"
            rows.append(
                [
                    kind.upper(),
                    {"orm": "json.dumps, model instances", "raw": "raw driver"}.get(name, name),
                    f"{rate:,.0f}",
                    f"{each['MB above idle']:.0f}" if over else "",
                    ms(each["first byte ms"]) if over else "",
                ]
            )
    head = ["File", "", "rows/s", "MB above idle", "first byte, ms"]
    return (
        f"### Export\n\n{found['csv']['rows']:,} events; XLSX the newest {found['xlsx']['rows']:,}, written before "
        f"it is sent.\n\n{table(head, rows)}"
    )


def _streams(found: Found) -> str:
    return table(
        ["Streamed to a webhook", "events/s", "events/s of one core's time"],
        [
            [
                "NDJSON export of the same, in process" if kind == "export" else kind,
                f"{rate:,.0f}",
                f"{found['events/s of CPU'][kind]:,.0f}",
            ]
            for kind, rate in found["events/s"].items()
        ],
    )


def _web(found: Found) -> str:
    memory, load = found["memory"], found["load"]
    rows = [
        [
            name,
            f"{each['pages']:,}",
            f"{each['pages/s']:.1f}",
            ms(each["median ms"]),
            ms(each["p99 ms"]),
            ms(each["worst ms"]),
            str(each["errors"]),
        ]
        for name, each in load.items()
        if isinstance(each, dict)
    ]
    head = ["8 analysts", "pages", "pages/s", "median ms", "99 %, ms", "worst ms", "failed"]
    return (
        f"### Web processes\n\nOne gunicorn worker (4 threads) after {memory['pages']} assorted pages: "
        f"{memory['MB']:.0f} MB.\nTwo workers on a copy of the archive; meanwhile a sync added "
        f"{load['events added meanwhile']:,} events and exports of everything streamed "
        f"{load['rows exported meanwhile']:,} rows; then two streams sent "
        f"{load['events streamed meanwhile']:,} events. “database is locked” was logged {load['locked']} times. "
        "Analysts, sync, export, streams and what they call share the machine's cores."
        f"\n\n{table(head, rows)}"
    )


def _sizes(found: Found) -> str:
    groups = table(["What", "bytes an event"], [[name, f"{size:,.0f}"] for name, size in found["groups"].items()])
    relations = sorted(found["relations"].items(), key=lambda pair: -pair[1])
    each = table(
        ["Relation", "bytes an event"], [[f"`{name}`", f"{size:,.0f}"] for name, size in relations if size >= 1]
    )
    return (
        f"### Sizes\n\n{found['per event']:,.0f} bytes an event in all; an event is {found['characters']['raw']:,.0f} "
        f"characters of JSON as received, {found['characters']['context']:,.0f} of them its context, kept beside it "
        f"too.{_upkeep(found)}\n\n{groups}\n{each}"
    )


def _upkeep(found: Found) -> str:
    backup = found["backup"]
    said = f" `verify_archive` takes {found['verify seconds']:,.0f} s"
    if backup:
        said += f", a backup {backup['seconds']:,.0f} s and {backup['bytes'] / 1e6:,.0f} MB"
    return f"{said}."


def _api(found: Found) -> str:
    rows = [[name, ms(each["median"]), ms(each["high"])] for name, each in found["page"].items()]
    walks = [[f"by {name}", f"{each['median']:.1f}"] for name, each in found["walks"].items()]
    return (
        "### API\n\nA page of 100 events by cursor, through the whole stack, and its floor: one statement, read from "
        f"JSON and written as JSON. CPU time.\n\n{table(['', 'ms', '90 % under'], rows)}\n"
        f"Walks of {found['events']:,} events in pages of 100.\n\n{table(['Walk', 'seconds'], walks)}"
    )
