"""A newcomer without chromium or gettext reads one line about it, and no list of skipped tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.install.project import ROOT
from tests.tools import skips


def test_all_missing_packages_are_one_line() -> None:
    reasons = [skips.NO_CHROMIUM] * 3 + [skips.NO_GETTEXT]

    assert skips.lines(reasons) == [
        "Not run: 3 tests in the browser, 1 test of the translations. To run them too: apt-get install chromium gettext"
    ]


def test_every_other_kind_is_a_line_of_its_own() -> None:
    reasons = [skips.ON_SQLITE, skips.NO_REDIS, skips.ON_SQLITE, "a reason of its own"]

    assert skips.lines(reasons) == [
        "Not run: 1 test with Redis. To run them too: start it on 127.0.0.1:6379",
        "Not run: 2 tests of PostgreSQL alone. To run them too: DATABASE_URL=postgres://... make test",
        "Not run: 1 test: a reason of its own",
    ]
    assert skips.lines([]) == []


def test_suite_ends_with_that_line_and_no_list(tmp_path: Path) -> None:
    (tmp_path / "env").symlink_to("/usr/bin/env")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    for name in ("BROWSER_TESTS", "GETTEXT_TESTS", "DATABASE_URL"):
        environment.pop(name, None)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n1", "tests/browser/test_export.py"]
        + ["tests/wording/test_translations.py", "-k", "browser or catalogues_hold"],
        cwd=ROOT,
        env={**environment, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("Not run: ")]
    assert len(told) == 1, done.stdout
    assert told[0].endswith("1 test of the translations. To run them too: apt-get install chromium gettext")
    assert "SKIPPED" not in done.stdout
