"""Where a form leads once it is done."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from events.display.next_page import next_page
from tests.tools.pages import Login


@pytest.mark.parametrize("address", ["/events/", "/events/?search_text=a%2Fb#x", "/nosuch"])
def test_page_of_this_site_is_returned_to(rf: RequestFactory, address: str) -> None:
    assert next_page(rf.get("/"), address, "/x/") == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "default",
        "a@b@c",
        "events:list",
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:x",
    ],
)
def test_anything_else_is_not(rf: RequestFactory, address: str) -> None:
    assert next_page(rf.get("/"), address, "/x/") == "/x/"


@pytest.mark.parametrize(
    "path", ["/findings/triage", "/profile/display", "/events/worth-a-look/dismiss", "/views/star", "/views/new"]
)
@pytest.mark.parametrize("address", ["a@b@c", "default", "events:list"])
def test_name_of_no_view_is_no_error(login: Login, path: str, address: str) -> None:
    answer: Any = login("admin").post(path, {"next": address, "key": "0" * 16})

    assert answer.status_code < 500
    assert address not in answer.get("Location", "")
