"""Any text as one segment of a path."""

from __future__ import annotations

from urllib.parse import quote, unquote, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.wording.segments import from_segment, to_segment

WHERE = "https://audit.example.com/accounts/demo0001/events/"
TEXTS = st.text(st.sampled_from("a./~2FE7%\\"), min_size=1) | st.text(min_size=1)


@given(TEXTS)
def test_every_text_comes_back_and_no_browser_steps_out_of_its_place(text: str) -> None:
    assert from_segment(to_segment(text)) == text

    try:
        address = f"{WHERE}{quote(to_segment(text), safe='/~')}/"
    except UnicodeEncodeError:  # half a surrogate pair, which no archive holds
        return
    read = urljoin("https://audit.example.com/", address)
    assert unquote(read) == unquote(address)
    assert "//" not in address.removeprefix("https://")


@pytest.mark.parametrize("text", ["e1", "00000000-0000-4000-8000-000000000001", "a/b", "a.b", "~", "bob@example.com"])
def test_usual_texts_stay_as_they_are(text: str) -> None:
    assert to_segment(text) == text
