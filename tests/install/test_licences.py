"""Nothing is installed under a licence that nobody has agreed to, and docs/licences.md is true."""

from __future__ import annotations

import importlib.metadata

import pytest

from tests.install import licences


def test_page_says_what_is_installed() -> None:
    """Packages of other systems and Python releases have no row here, or one that cannot be looked up."""
    written = {line for line in licences.DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")}
    missing = [row for row in licences.rows() if row not in written]
    assert missing == [], "make licences"
    pinned = (licences.ROOT / "requirements-deploy.txt").read_text(encoding="utf-8")
    named = {line.split(" | ")[0].removeprefix("| ") for line in written} - {"package", "---"}
    assert {name for name in named if f"{name}==" not in pinned and f"{name}[" not in pinned} == set(), "make licences"


@pytest.mark.parametrize(
    ("pinned", "allowed"),
    [
        ("requirements-deploy.txt", licences.ALLOWED),
        ("requirements-dev.txt", licences.ALLOWED | licences.OF_TOOLS),
    ],
)
def test_every_licence_is_on_the_list(pinned: str, allowed: frozenset[str]) -> None:
    names = licences.names_in(pinned)
    assert len(names) > 30
    assert {
        name: licences.licence(name) for name in names if not licences.is_allowed(licences.licence(name), allowed)
    } == {}


@pytest.mark.parametrize("name", licences.BY_HAND)
def test_licence_that_no_metadata_names_lies_in_the_package(name: str) -> None:
    files = [file for file in importlib.metadata.files(name) or [] if "licen" in file.name.lower()]
    assert any(licences.BY_HAND[name][1] in file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT AND BSD-3-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("(MIT AND GPL-3.0-only)", False),
        ("AGPL-3.0-only", False),
        ("", False),
    ],
)
def test_choice_is_as_good_as_its_best_and_a_sum_as_its_worst(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed
