"""The table of runs in docs/benchmarks.md: a line for each, so that a regression is seen. It is kept there alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.config import POSTGRESQL, SQLITE
from tests.benchmarks.markdown import line
from tests.benchmarks.targets import Sections, show

HEADING = "## History"
LEAST_RECORDED = 100_000  # events; with fewer the ratios mean little
TITLES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
ABOUT = f"""\
{HEADING}

A line for each run of `make bench` and `make bench-quick` (100,000 events), of what that run measured. “Part” is table
and form; calls are of Python functions, for one whole page.

"""


def _compared(key: str) -> Callable[[Sections], float]:
    return lambda sections: sections["pages"]["compared"][key]


def _flat(sections: Sections) -> float:
    flat = sections["pages"]["flat"]
    return max(max(found["part ratio"], found["whole ratio"]) for found in flat.values())


def _ingest(sections: Sections) -> float:
    return min(found["share of raw"] for found in sections["ingest"]["orders"].values())


def _packages(sections: Sections) -> float:
    return min(ratio for name, ratio in sections["peers"]["pages"]["first page"].items() if name.endswith("/ whole"))


COLUMNS: tuple[tuple[str, str, Callable[[Sections], float]], ...] = (
    ("stock / part", "×", _compared("stock / ours")),
    ("stock / whole", "×", _compared("stock / whole")),
    ("part / bare view", "×", _compared("ours / bare")),
    ("whole / part", "×", _compared("whole / ours")),
    ("calls", "", lambda sections: sections["pages"]["compared"]["calls"]["ours, whole page"]),
    ("flat, worst", "×", _flat),
    ("packages / whole", "×", _packages),
    ("LIKE / search", "×", lambda sections: sections["search"]["needle"]["ratio"]),
    ("ingest / raw", "%", _ingest),
    ("sync / ideal", "×", lambda sections: sections["sync"]["ratio"]),
    ("CSV / driver", "%", lambda sections: sections["export"]["csv"]["over HTTP / raw"]),
    ("NDJSON / json.dumps", "×", lambda sections: sections["export"]["ndjson"]["over HTTP / orm"]),
)
HEAD = ("Date", "Database", "Events", "Commit", "Machine", *(title for title, _, _ in COLUMNS))


def row(engine: str, events: int, entries: dict[str, Any]) -> list[str]:
    """The cells of a run. `entries`: section -> what the results keep of it, of this run alone."""
    newest = max(entries.values(), key=lambda entry: str(entry["at"]))
    machine = newest["machine"]
    sections = {name: entry["found"] for name, entry in entries.items()}
    return [
        newest["at"][:10],
        TITLES[engine],
        f"{events:,}",
        machine["commit"],
        f"{machine['cores']} cores, {machine['memory']}, load {machine['load']}",
        *(_cell(read, unit, sections) for _, unit, read in COLUMNS),
    ]


def _cell(read: Callable[[Sections], float], unit: str, sections: Sections) -> str:
    try:
        return show(read(sections), unit)
    except (KeyError, ValueError):
        return "–"


def section(document: Path) -> str:
    """The table as the document has it, with its heading; without lines yet where there is none."""
    text = document.read_text(encoding="utf-8") if document.exists() else ""
    _, found, rest = text.partition(f"\n{HEADING}\n")
    if not found:
        return ABOUT + line(HEAD) + line(["---"] * len(HEAD))
    return f"{HEADING}\n" + rest.partition("\n## ")[0].rstrip("\n") + "\n"


def append(document: Path, cells: list[str]) -> None:
    """Add a line at the end of the document's table."""
    text = document.read_text(encoding="utf-8")
    before = section(document)
    after = before + line(cells)
    document.write_text(text.replace(before, after) if before in text else f"{text}\n{after}", encoding="utf-8")
