"""Sentences with commands in them, as HTML."""

from __future__ import annotations

import pytest

from events.wording.marking import marked_address, with_code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Start one with `manage.py worker`.", "Start one with <code>manage.py worker</code>."),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("one ` alone", "one ` alone"),
        ("`a` and ` alone", "<code>a</code> and ` alone"),
        ("no code <b>", "no code &lt;b&gt;"),
        ("`<script>`", "<code>&lt;script&gt;</code>"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code(text: str, shown: str) -> None:
    assert with_code(text) == shown


def test_foreign_words_are_marked_all_the_same() -> None:
    assert "U+202E" in with_code("refused: \u202e, run `x`")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("zoe@example.com", "zoe@<wbr>example.com"),
        ("a@b@<c>", "a@b@<wbr>&lt;c&gt;"),
        ("203.0.113.7", "203.0.113.7"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_an_address_breaks_behind_its_at(text: str, shown: str) -> None:
    assert marked_address(text) == shown
