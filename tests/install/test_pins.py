"""The pinned files: complete for every supported Python, in step with pyproject.toml, and without hosts or paths."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.install.project import MAKEFILE, PINNED_FILES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
SERVERS = [*RUNTIME]
for extra in ("postgres", "redis", "saml", "sso"):
    SERVERS += PROJECT["project"]["optional-dependencies"][extra]
ASKED_FOR = {
    "requirements.txt": RUNTIME,
    "requirements-deploy.txt": SERVERS,
    "requirements-dev.txt": [*SERVERS, *PROJECT["dependency-groups"]["dev"]],
}
ALL_FILES = [*PINNED_FILES, "requirements-pins.txt", "requirements-supply.txt", "tests/install/oldest-pip.txt"]


def pins(name: str) -> list[Requirement]:
    lines = re.findall(r"^[a-z0-9][^#]*?(?= *\\$)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    return [Requirement(line) for line in lines]


def pinned(name: str, environment: dict[str, str]) -> dict[str, str]:
    """Version by package, of those that the environment gets."""
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins(name)
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def closure(wanted: Iterable[Requirement], environment: dict[str, str]) -> dict[str, list[Requirement]]:
    """Every package that the wanted ones need, extras too, and what is asked of its version."""
    needed: dict[str, list[Requirement]] = {}
    followed: set[tuple[str, str]] = set()
    waiting = list(wanted)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        needed.setdefault(name, []).append(requirement)
        for extra in ("", *requirement.extras):
            if (name, extra) in followed:
                continue
            followed.add((name, extra))
            for line in importlib.metadata.requires(name) or []:
                need = Requirement(line)
                if need.marker is None or need.marker.evaluate({**environment, "extra": extra}):
                    waiting.append(need)
    return needed


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("name", ASKED_FOR)
def test_pinned_files_hold_all_that_is_needed_on_every_supported_python(name: str, python: str) -> None:
    """`pip check` does not follow extras; this does."""
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.9"}
    versions = pinned(name, environment)

    needed = closure(map(Requirement, ASKED_FOR[name]), environment)

    assert len(needed) >= len(ASKED_FOR[name])
    assert {package for package in needed if package not in versions} == set()
    for package, requirements in needed.items():
        for requirement in requirements:
            assert requirement.specifier.contains(versions[package], prereleases=True), str(requirement)


def test_what_is_installed_is_what_is_pinned() -> None:
    for name, version in pinned("requirements-dev.txt", dict(default_environment())).items():
        assert importlib.metadata.version(name) == version, name


@pytest.mark.parametrize("name", ALL_FILES)
def test_pinned_files_name_no_host_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert pins(name)
    assert "://" not in text
    assert not re.search(r"(?m)^-|file:|\s/|\s--(?!hash=)", text)


def test_every_set_holds_the_same_versions_as_the_one_that_it_adds_to() -> None:
    sets = [{canonicalize_name(pin.name): str(pin.specifier) for pin in pins(name)} for name in PINNED_FILES]
    for smaller, larger in zip(sets, sets[1:], strict=False):
        assert smaller.items() <= larger.items()
    for group, name in (
        ("bench", "requirements-bench.txt"),
        ("pins", "requirements-pins.txt"),
        ("supply", "requirements-supply.txt"),
    ):
        names = {canonicalize_name(pin.name) for pin in pins(name)}
        assert {canonicalize_name(Requirement(line).name) for line in PROJECT["dependency-groups"][group]} <= names


def test_documents_install_as_the_makefile_does() -> None:
    (flags,) = re.findall(r"(?m)^PINNED = --quiet (.*)$", MAKEFILE)
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "docs" / "deploy" / "Containerfile"]
    texts = [path.read_text(encoding="utf-8") for path in documents]
    installs = [line for text in texts for line in text.splitlines() if "-r requirements" in line]
    assert installs
    assert [line for line in installs if f"{flags} -r requirements" not in line] == []
