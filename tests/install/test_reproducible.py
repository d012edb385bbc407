"""Whoever builds the same source gets the same files, byte for byte: a release can be checked by building it again."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.install.project import PATIENCE, ROOT

PARTS = ("accounts", "auditsite", "events", "locale", "templates")
FILES = ("pyproject.toml", "README.md", "LICENSE", "manage.py", ".gitignore")


def build(source: Path, *, mode: int, time: int, zone: str, seed: str) -> dict[str, str]:
    """The digests of wheel and source archive, built offline with the pinned backend."""
    for name in PARTS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    for path in source.rglob("*"):
        if path.is_file():
            path.chmod(mode)
        os.utime(path, (time, time))
    built = source / "built"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(built), "-t", "sdist", "-t", "wheel"],
        cwd=source,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1767225600", "TZ": zone, "PYTHONHASHSEED": seed, "PIP_NO_INDEX": "1"},
        stdout=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=True,
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built.iterdir()}


def test_two_builds_of_one_source_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "elsewhere").mkdir()

    first = build(tmp_path / "a", mode=0o644, time=1_500_000_000, zone="UTC", seed="1")
    second = build(tmp_path / "elsewhere", mode=0o664, time=1_700_000_000, zone="Asia/Tokyo", seed="2")

    assert {name.partition("-")[0] + Path(name).suffix for name in first} == {"auditsite.whl", "auditsite.gz"}
    assert first == second
