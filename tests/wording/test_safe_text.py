"""Foreign text in messages: no mention, no link, no markup, one line."""

from __future__ import annotations

import pytest

from events.wording.safe_text import LONGEST, quoted, subject


@pytest.mark.parametrize(
    "text",
    [
        "@everyone", "@here", "@channel", "hi @Everyone!", "x@everyone", "<!channel>", "<!here|x>", "<@U012ABC>",
        "<#C012>", "@all", "@room",
    ],
)  # fmt: skip
def test_nobody_is_mentioned(text: str) -> None:
    assert "@" not in quoted(text)
    assert "<" not in quoted(text)


def test_address_of_a_person_stays_readable() -> None:
    assert quoted("some.body+x@example.com") == "some.body+x@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "[here](https://evil.example)",
        "<https://evil.example|Nexmo>",
        "https://evil.example",
        "HTTP://evil",
        "ftp://x.y",
    ],
)
def test_no_link_is_made(text: str) -> None:
    line = quoted(text)
    assert "://" not in line
    assert "](" not in line
    assert "<" not in line


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "mailto:a@b.example"])
def test_no_scheme_is_followed(text: str) -> None:
    assert ":a" not in quoted(text)
    assert ":t" not in quoted(text)


@pytest.mark.parametrize("sign", ["`", "*", "~", "|", "\\", "[", "]", "<", ">", "__"])
def test_signs_of_markup_are_other_signs(sign: str) -> None:
    assert sign not in quoted(f"a{sign}b{sign}c")


def test_codes_of_events_stay_as_they_are() -> None:
    assert quoted("ACCOUNT_SECRET_CREATE") == "ACCOUNT_SECRET_CREATE"


def test_it_is_one_visible_line_of_bounded_length() -> None:
    line = quoted("a\r\nBcc: x@example.com\u202e\u200b" + "y" * 500)
    assert line.isprintable()
    assert len(line) <= LONGEST + 60  # codes of hidden characters are cut before quoting
    assert "\n" not in subject("a\r\nBcc: b" + "z" * 900)
    assert len(subject("z" * 900)) == 150
