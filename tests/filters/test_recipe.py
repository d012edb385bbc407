"""CONTRIBUTING.md's recipe for a new filter, followed step by step in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("accounts", "auditsite", "events", "locale", "templates", "tests")


def steps() -> list[str]:
    """The pieces of code of the recipe, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition("## The commonest change: a new filter")[2].partition("\n## ")[0]
    return [
        textwrap.dedent(block) for block in re.findall(r"^ *```\w+\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)
    ]


def insert(path: Path, before: str, text: str, after: str = "") -> None:
    """Put text before the first place of `before` that follows `after`."""
    content = path.read_text()
    place = content.index(before, content.index(after))
    path.write_text(content[:place] + text + content[place:])


def run(copy: Path, *args: str) -> str:
    env = os.environ | {
        "DATABASE_URL": f"sqlite:///{copy}/recipe.sqlite3",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run([sys.executable, *args], cwd=copy, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_new_filter_is_one_entry_one_migration_and_one_test(tmp_path: Path) -> None:
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "docs").mkdir()
    for name in ("manage.py", "pyproject.toml", "docs/reference.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    entry, index, test = steps()

    insert(tmp_path / "events/reading/filterable.py", "    )\n}\n", textwrap.indent(entry, " " * 8), "DIMENSIONS:")
    insert(
        tmp_path / "events/models/archive.py",
        "        )\n\n    def __str__",
        textwrap.indent(index, " " * 12),
        "indexes = (",
    )
    with (tmp_path / "tests/filters/test_fields.py").open("a") as file:
        file.write(f"\n\n{test}")
    assert "manage.py reference --output docs/reference.md" in (ROOT / "CONTRIBUTING.md").read_text()
    run(tmp_path, "manage.py", "reference", "--output", "docs/reference.md")
    run(tmp_path, "manage.py", "makemigrations", "events", "--name", "user_id_index")

    (migration,) = (tmp_path / "events/migrations").glob("*_user_id_index.py")
    assert migration.read_text().count("migrations.AddIndex") == 1
    run(tmp_path, "manage.py", "makemigrations", "--check")
    tests = ("tests/filters/test_fields.py", "tests/filters/test_every_filter.py")
    output = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "user_id", *tests)
    (passed,) = re.findall(r"(\d+) passed", output)
    assert int(passed) == 11
