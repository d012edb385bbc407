"""Under which licences the packages come that Auditsite runs on: `make licences` writes docs/licences.md."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Collection
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "licences.md"
# What may be used beside a program under the MIT licence without its source having to be given away.
ALLOWED = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0"),
        *(
            "CNRI-Python",
            "MPL-2.0",
            "Unlicense",
            "ZPL-2.1",
            "Zlib",
            "LGPL-3.0-only",
            "LGPL-3.0-or-later",
            "LGPL-2.1-or-later",
        ),
    }
)
# Beside these, of tools that developers run and that nothing of ours is given away with.
OF_TOOLS = frozenset({"GPL-3.0-or-later", "LGPL-2.1-only"})
# Packages whose metadata says nothing, or nothing clear, with words of the licence that lies in them.
BY_HAND = {
    "axe-playwright-python": ("MIT", "MIT License"),
    "qrcode": ("BSD-3-Clause AND MIT", "Redistribution and use in source and binary forms"),
    "huey": ("MIT", "Permission is hereby granted, free of charge"),
}
# Installed beside Python before 3.11.3, or where the system has no time zones.
ELSEWHERE = {"async-timeout": "Apache-2.0", "tzdata": "Apache-2.0"}
# As packages spell them that do not use SPDX's names.
_SPELLINGS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.1-only",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_HEAD = """\
# Licences

Auditsite itself is under the MIT licence. These are the packages that a site installs (`requirements-deploy.txt`), with
the licences that their own metadata names. `make licences` writes this page; a test compares it with what is installed,
and every licence, those of development packages too, with the list of what is allowed (`tests/install/licences.py`).

| package | licence |
| --- | --- |
"""


def names_in(pinned: str) -> list[str]:
    """The packages of a pinned file that are installed here, in order."""
    found = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", (ROOT / pinned).read_text(encoding="utf-8"), re.MULTILINE
    )
    installed = {canonicalize_name(each.metadata["Name"]) for each in importlib.metadata.distributions()}
    return sorted({canonicalize_name(name) for name in found} & installed)


def licence(name: str) -> str:
    """The SPDX expression of an installed package; empty if it says nothing. Several that it lists without saying how
    they go together are read in the stricter way."""
    if name in BY_HAND:
        return BY_HAND[name][0]
    metadata = importlib.metadata.metadata(name)
    if given := metadata.get("License-Expression"):
        return str(given)
    classifiers = [
        line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line.startswith("License")
    ]
    of_text = str(metadata.get("License") or "").strip()
    said = [each for each in classifiers if each != "OSI Approved"] or [of_text.partition("\n")[0]]
    if said == ["BSD License"] and _SPELLINGS.get(of_text, of_text) in ALLOWED:
        said = [of_text]  # it says which
    return " AND ".join(sorted({_SPELLINGS.get(each, each) for each in said}))


def is_allowed(expression: str, allowed: Collection[str] = ALLOWED) -> bool:
    """Whether one of the alternatives holds nothing but what is allowed."""
    choices = re.split(r"\s+OR\s+", re.sub(r"[()]", "", expression))
    return any(all(part in allowed for part in re.split(r"\s+AND\s+", choice)) for choice in choices)


def rows() -> list[str]:
    """The lines of the page's table."""
    known = ELSEWHERE | {name: licence(name) for name in names_in("requirements-deploy.txt")}
    return [f"| {name} | {known[name]} |" for name in sorted(known)]


if __name__ == "__main__":
    DOCUMENT.write_text(_HEAD + "".join(f"{row}\n" for row in rows()), encoding="utf-8")
    sys.stdout.write(f"Wrote {DOCUMENT.relative_to(ROOT)}.\n")
