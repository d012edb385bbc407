"""What was measured, kept as JSON: one file for each database and size, one entry for each section."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.benchmarks.config import KEPT, Archive


def file_for(archive: Archive) -> Path:
    return KEPT / f"results-{archive.engine}-{archive.events}.json"


def read(archive: Archive) -> dict[str, Any]:
    """All sections measured so far; empty when there are none."""
    try:
        found: dict[str, Any] = json.loads(file_for(archive).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def keep(archive: Archive, section: str, entry: dict[str, Any]) -> None:
    """Put one section's entry in place of the one before. Written beside and moved: never half a file."""
    found = read(archive) | {section: entry}
    target = file_for(archive)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(".new")
    beside.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(beside, target)


def all_kept(directory: Path = KEPT) -> list[tuple[str, int, dict[str, Any]]]:
    """Every (engine, events, sections) there is, smallest first."""
    found = []
    for file in directory.glob("results-*-*.json"):
        _, engine, events = file.stem.split("-")
        found.append((engine, int(events), json.loads(file.read_text(encoding="utf-8"))))
    return sorted(found, key=lambda each: (each[1], each[0]))
