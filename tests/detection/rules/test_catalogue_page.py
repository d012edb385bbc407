"""docs/detection-catalogue.md is what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from events.detection.rules import catalogue_page
from events.detection.sigma.rule import LEVELS
from tests.tools.catalogue import CATALOGUE
from tests.tools.processes import ROOT

PAGE = ROOT / "docs" / "detection-catalogue.md"


def test_page_is_what_the_rules_say() -> None:
    how = "run `manage.py catalogue --output docs/detection-catalogue.md`"

    assert PAGE.read_text(encoding="utf-8") == catalogue_page.page(), how


def test_every_rule_is_told_of_once_and_linked_the_worst_first() -> None:
    page = catalogue_page.page()
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    table = re.findall(r"^\| (\w+) \| \[(.+)\]\(#([\w-]+)\) \|", page, re.MULTILINE)
    levels = [LEVELS.index(level) for level, _, _ in table]

    assert len(headings) == len(list(CATALOGUE.glob("*.yml")))
    assert [title for _, title, _ in table] == headings
    assert levels == sorted(levels, reverse=True)
    assert {anchor for _, _, anchor in table} == {catalogue_page._anchor(heading) for heading in headings}


def test_noise_is_of_rules_that_there_are_and_little() -> None:
    assert catalogue_page.NOISE.keys() <= {file.stem for file in CATALOGUE.glob("*.yml")}
    for world in catalogue_page.WORLDS:
        assert sum(counts.get(world, 0) for counts in catalogue_page.NOISE.values()) < 5


def test_steps_and_counts_are_told_in_words() -> None:
    page = catalogue_page.page()

    assert "Steps: all of these within 1 hour by `account`, in this order:\n\n- API secret created\n- Number" in page
    assert "Counts: at least 10 events within 10 minutes by `account` (Number bought)." in page
    assert "Counts: at least 20 different `context.query` within 1 hour by `account` and `user_email`" in page


def test_command_prints_or_writes_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    call_command("catalogue")
    assert capsys.readouterr().out == catalogue_page.page()

    call_command("catalogue", output=tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == catalogue_page.page()
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("catalogue", output=tmp_path / "missing" / "page.md")


def test_a_rule_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.yml").write_text("title: x\n", encoding="utf-8")

    with pytest.raises(ValueError, match="broken.yml, line 1"):
        catalogue_page.page(tmp_path)
