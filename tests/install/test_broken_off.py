"""An install that was broken off is taken up again by the next `make`, wherever it had got to."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.install.project import PATIENCE, Project


def _drop_stamps(project: Project) -> None:
    for stamp in project.venv.glob("*.installed"):
        stamp.unlink()


def _drop_record(project: Project) -> None:
    """Killed while a package was being compiled: pip takes it for installed."""
    (project.site() / "cover-1.0.dist-info" / "RECORD").unlink()
    (project.venv / "bin" / "cover").unlink()


def _drop_module(project: Project) -> None:
    """Killed while an older release was being removed."""
    (project.site() / "cover.py").unlink()


def _leave_backup(project: Project) -> None:
    """Killed while a newer release took the place of an older one."""
    (project.site() / "cover-1.0.dist-info").rename(project.site() / "~over-1.0.dist-info")


def _drop_pip(project: Project) -> None:
    """Killed while venv had yet to install pip."""
    for path in project.site().glob("pip*"):
        shutil.rmtree(path)


def _halve_pip(project: Project) -> None:
    """Killed while venv was installing pip."""
    (project.site() / "pip" / "__main__.py").unlink()
    for info in project.site().glob("pip-*.dist-info"):
        shutil.rmtree(info)


def _drop_configuration(project: Project) -> None:
    """Killed while an environment was being emptied: its python is then the system's own."""
    (project.venv / "pyvenv.cfg").unlink()


def _drop_python(project: Project) -> None:
    """The Python that it was made with is gone, stamps or not."""
    for path in (project.venv / "bin").glob("python*"):
        path.unlink()
        path.symlink_to("/nowhere/python")


STATES = [_drop_record, _drop_module, _leave_backup, _drop_pip, _halve_pip, _drop_configuration]


@pytest.mark.parametrize("break_off", STATES, ids=lambda state: state.__name__.strip("_"))
def test_half_made_environment_is_made_anew(installed: Project, break_off: Callable[[Project], None]) -> None:
    _drop_stamps(installed)
    break_off(installed)

    done = installed.make("install")

    assert done.returncode == 0, done.stdout
    assert "An earlier install was broken off" in done.stdout
    assert (installed.run("cover"), installed.run("plugin")) == ("cover 1.0", "plugin 1.0")
    assert not list(installed.site().glob("~*"))


def test_environment_whose_python_is_gone_is_made_anew(installed: Project) -> None:
    _drop_python(installed)

    assert installed.make("install").returncode == 0
    assert installed.run("cover") == "cover 1.0"


def test_whole_packages_are_kept(installed: Project) -> None:
    mine = installed.site() / "mine.py"
    mine.touch()
    _drop_stamps(installed)

    done = installed.make("install")

    assert (done.returncode, mine.exists()) == (0, True)
    assert "anew" not in done.stdout


def test_killed_install_goes_on(project: Project) -> None:
    project.python = Path(sys.executable)  # venv as it is, with the pip that Python brings
    project.pin(project.offer("cover", "1.0"))
    process = subprocess.Popen(
        project.command("install"),
        cwd=project.path,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    began = time.monotonic()
    while not list(project.path.glob(".venv/lib/python*/site-packages/pip")) and time.monotonic() - began < PATIENCE:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    assert not list(project.venv.glob("*.installed"))

    done = project.make("install")

    assert done.returncode == 0, done.stdout
    assert project.run("cover") == "cover 1.0"
