"""The pinned file alone decides what is installed, whatever was published since, with the oldest supported pip."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.install.project import MAKEFILE, Project, oldest_pip


@pytest.fixture
def published_since(project: Project) -> Project:
    """A pinned package asks for an extra of another, as pytest-cov does of coverage, and both have newer releases."""
    project.pin(project.offer("plugin", "1.0", needs=["cover[toml]>=1"]), project.offer("cover", "1.0"))
    project.offer("plugin", "2.0")
    project.offer("cover", "2.0")
    return project


def test_newer_releases_do_not_matter(published_since: Project) -> None:
    done = published_since.make("install")

    assert done.returncode == 0, done.stdout
    assert published_since.run("plugin") == "plugin 1.0"
    assert published_since.run("cover") == "cover 1.0"
    assert [path.name for path in published_since.site().glob("pip-*")] == [f"pip-{oldest_pip()}.dist-info"]


def test_that_pip_looks_dependencies_up_afresh_unless_told_not_to(published_since: Project) -> None:
    assert MAKEFILE.count("--no-deps ") == 1
    (published_since.path / "Makefile").write_text(MAKEFILE.replace("--no-deps ", ""), encoding="utf-8")

    done = published_since.make("install")

    assert done.returncode != 0
    assert "must have their versions pinned" in done.stdout


def test_file_that_lacks_a_package_is_refused_by_name(project: Project) -> None:
    project.pin(project.offer("plugin", "1.0", needs=["cover"]))
    project.offer("cover", "1.0")

    for _ in range(2):
        done = project.make("install")
        assert done.returncode != 0
        assert "plugin 1.0 requires cover, which is not installed" in done.stdout
    assert not list(project.venv.glob("*.installed"))


def test_file_that_does_not_fit_its_hash_is_refused(project: Project) -> None:
    wheel = project.offer("cover", "1.0")
    project.pin(wheel)
    project.offer("cover", "1.0", needs=["another"])

    done = project.make("install")

    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout
    assert not list(project.venv.glob("*.installed"))


def test_nothing_is_built(project: Project, tmp_path: Path) -> None:
    """A build would run whatever its makers say, with tools that nobody pinned."""
    source = f"open({str(tmp_path / 'built')!r}, 'w')\nfrom setuptools import setup\nsetup(name='cover')\n"
    archive = project.index / "cover-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in (("setup.py", source), ("PKG-INFO", "Metadata-Version: 1.0\nName: cover\nVersion: 1.0\n")):
            member = tarfile.TarInfo(f"cover-1.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    project.pin(archive)

    done = project.make("install")

    assert done.returncode != 0
    assert "No matching distribution found for cover==1.0" in done.stdout
    assert not (tmp_path / "built").exists()


def test_new_pins_are_installed_over_the_old_and_others_are_not_asked_for_again(project: Project) -> None:
    cover = project.offer("cover", "1.0")
    project.pin(cover)
    project.pin(cover, project.offer("tool", "1.0"), pinned="requirements-dev.txt")
    assert project.make("install-development").returncode == 0
    assert project.make("install", "install-deploy", "install-development").stdout.count("Installing") == 0

    project.pin(project.offer("cover", "2.0"))

    assert "Installing the packages of requirements.txt" in project.make("install").stdout
    assert project.run("cover") == "cover 2.0"
    assert "Installing the packages of requirements-dev.txt" in project.make("install-development").stdout
    assert project.run("cover") == "cover 1.0"


def test_what_an_earlier_file_left_behind_is_not_in_the_way(project: Project) -> None:
    project.pin(project.offer("cover", "1.0"), project.offer("plugin", "1.0", needs=["cover<2"]))
    assert project.make("install").returncode == 0

    project.pin(project.offer("cover", "2.0"))
    done = project.make("install")

    assert done.returncode == 0, done.stdout
    assert "Making .venv anew" in done.stdout
    assert (project.run("cover"), (project.venv / "bin" / "plugin").exists()) == ("cover 2.0", False)


def test_pins_that_cannot_be_had_leave_what_is_installed(project: Project) -> None:
    project.pin(project.offer("cover", "1.0"))
    assert project.make("install").returncode == 0
    newer = project.offer("cover", "2.0")
    project.pin(newer)
    newer.unlink()

    done = project.make("install")

    assert done.returncode != 0
    assert "anew" not in done.stdout
    assert project.run("cover") == "cover 1.0"
