"""The conditions in force, one by one, with the ways to take one out and to turn it round."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client


def links(client: Client, query: str, kind: str) -> list[str]:
    page = client.get(f"/events/?{query}").content.decode()
    pattern = r'<a class="remove" href="([^"]*)"' if kind == "remove" else r'<a href="([^"]*)" title="Invert"'
    return [html.unescape(found) for found in re.findall(pattern, page)]


@pytest.mark.parametrize(
    ("query", "turned"),
    [
        ("source=CD", ["?source=-CD"]),
        ("source=-CD", ["?source=CD"]),
        ("source=CD&source=-DEVAPI", ["?source=-CD%2C-DEVAPI", "?source=CD%2CDEVAPI"]),
        ("event_type=NUMBER_*&before=x", ["?event_type=-NUMBER_%2A"]),
        ("search_text=-type:NUMBER_*", ["?search_text=&event_type=NUMBER_%2A"]),
        ("period=7d&search_text=hello", []),
    ],
)
def test_each_value_can_be_turned_round_alone(client: Client, query: str, turned: list[str]) -> None:
    assert links(client, query, "turn") == turned


def test_each_condition_can_be_taken_out_alone(client: Client) -> None:
    assert links(client, "source=CD,DEVAPI&period=7d&after=x", "remove") == [
        "?source=CD%2CDEVAPI",
        "?period=7d&source=DEVAPI",
        "?period=7d&source=CD",
    ]
