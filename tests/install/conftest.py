"""A newcomer's project, as empty as a fresh clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.install.project import PATIENCE, Project, unpack_pip


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose venv has the oldest pip in it, copied rather than installed: a second instead of ten."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "ready"], timeout=PATIENCE, check=True)
    unpack_pip(folder / "ready")
    python = folder / "python"
    python.write_text(
        f"""#!/bin/sh
case "$*" in
"-m venv --clear .venv")
  {sys.executable} -m venv --clear --without-pip .venv &&
  cp -Rp {folder}/ready/lib .venv && cp -p {folder}/ready/bin/pip* .venv/bin ;;
*) exec {sys.executable} "$@" ;;
esac
""",
        encoding="utf-8",
    )
    python.chmod(0o755)
    return python


@pytest.fixture
def project(tmp_path: Path, python: Path) -> Project:
    return Project(tmp_path / "project", python)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Path:
    project = Project(tmp_path_factory.mktemp("template") / "project", python)
    project.pin(project.offer("cover", "1.0"), project.offer("plugin", "1.0", needs=["cover"]))
    done = project.make("install")
    assert done.returncode == 0, done.stdout
    return project.path


@pytest.fixture
def installed(template: Path, tmp_path: Path, python: Path) -> Project:
    """A project in which `make install` came to its end."""
    shutil.copytree(template, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project", python)
