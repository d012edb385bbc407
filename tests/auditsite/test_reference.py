"""docs/reference.md is what the declarations say, and they say something of everything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from auditsite import reference
from auditsite.configuration import env
from events.reading.filterable import PARAMETERS
from tests.tools.processes import ROOT
from tests.tools.scope import names

REFERENCE = ROOT / "docs" / "reference.md"


def test_page_is_what_the_declarations_say() -> None:
    how = "run `manage.py reference --output docs/reference.md`"

    assert REFERENCE.read_text(encoding="utf-8") == reference.page(), how


def test_every_address_is_said_or_left_out_on_purpose() -> None:
    known = {name for name in names() if not name.startswith("admin:")}
    said = {name for name, _, _ in reference.views()}

    assert said == known
    assert known >= reference.UNSAID | reference.OTHERS.keys()
    assert not reference.UNSAID & reference.OTHERS.keys()
    for addresses, words in reference._addresses():
        assert addresses.startswith("`/")
        assert len(words) > 8, f"{addresses}: a view's docstring says what is there"


def test_every_parameter_setting_and_command_has_its_line() -> None:
    first = re.findall(r"^\| `([^`]+)` \|", reference.page(), re.MULTILINE)

    assert set(first) >= PARAMETERS.keys() | env.SETTINGS.keys() | {"run", "worker", "sync_events", "reference"}
    assert len(first) == len(set(first))
    assert {name for name in env.SETTINGS if name in env.SECRETS} <= set(first)


def test_two_addresses_of_one_view_are_one_line() -> None:
    assert "| `/events/`, `/accounts/<api_key>/events/` |" in reference.page()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a | b", r"a \| b"),
        ("NUMBER_* and `NUMBER_*`", r"NUMBER_\* and `NUMBER_*`"),
        ("two\n  lines", "two lines"),
    ],
)
def test_words_are_not_taken_for_markup(text: str, cell: str) -> None:
    assert reference._text(text) == cell


def test_command_prints_it_or_writes_it(tmp_path: Path, capsys: Any) -> None:
    call_command("reference")
    assert capsys.readouterr().out == reference.page()

    call_command("reference", "--output", str(tmp_path / "page.md"))
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == reference.page()

    with pytest.raises(CommandError, match="cannot be written"):
        call_command("reference", "--output", str(tmp_path / "nowhere" / "page.md"))
