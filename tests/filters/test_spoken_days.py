"""Days as people say them, in both languages, as of a Thursday in November."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import NexmoAccount
from events.filters.dictionary import Known, meaning
from events.nexmo.catalog import EVENT_TYPES
from tests.tools.filters import Add, Login
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
KNOWN = Known(is_user=lambda word: word in ("zoe", "zoe@example.com"))
ZOES_DAY = "from:2026-11-14 to:2026-11-14 user:zoe"


def read(text: str) -> str:
    with time_machine.travel(NOW, tick=False):
        meant = meaning(text, [], EVENT_TYPES, KNOWN)
    return meant.query if meant else ""


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("what did zoe do on 14 november", ZOES_DAY),
        ("what did zoe do on 14 nov", ZOES_DAY),
        ("what did Zoe do on the 14th of November?", ZOES_DAY),
        ("what did zoe do on november 14, 2026", ZOES_DAY),
        ("what did zoe do on nov 14th", ZOES_DAY),
        ("what did zoe do on 2026-11-14", ZOES_DAY),
        ("what did zoe@example.com do on 14 nov", ZOES_DAY.replace("zoe", "zoe@example.com")),
        ("qué hizo zoe el 14 de noviembre", ZOES_DAY),
        ("qué hizo zoe el 14 de noviembre de 2026", ZOES_DAY),
        ("zoe 14 noviembre 2025", ZOES_DAY.replace("2026", "2025")),
        ("zoe on 14 december", "from:2025-12-14 to:2025-12-14 user:zoe"),
        ("29 february", "from:2024-02-29 to:2024-02-29"),
        ("zoe since 14 november", "from:2026-11-14 user:zoe"),
        ("zoe desde el 14 de noviembre", "from:2026-11-14 user:zoe"),
        ("zoe until 14 november", "to:2026-11-14 user:zoe"),
        ("zoe between 3 and 14 november", "from:2026-11-03 to:2026-11-14 user:zoe"),
        ("zoe del 3 al 14 de noviembre de 2025", "from:2025-11-03 to:2025-11-14 user:zoe"),
        ("14 to 3 november", "from:2026-11-03 to:2026-11-03 14"),
        ("zoe from 3 november to 14 november", "from:2026-11-03 to:2026-11-14 user:zoe"),
        ("logins in october", "from:2026-10-01 to:2026-10-31 type:USER_LOGIN"),
        ("in december", "from:2025-12-01 to:2025-12-31"),
        ("en febrero de 2024", "from:2024-02-01 to:2024-02-29"),
        ("bought number 14 november", "from:2026-11-14 to:2026-11-14 type:NUMBER_ASSIGN"),
        ("zoe yesterday", "from:2026-11-25 to:2026-11-25 user:zoe"),
        ("31 november", ""),
        ("32 november", ""),
        ("29 february 2025", ""),
        ("what may zoe do", ""),
        ("2026-13-40", ""),
        ("14 0099", ""),
        ("zoe", ""),
        ("zoe@example.com", ""),
    ],
)
def test_days_are_read(text: str, query: str) -> None:
    assert read(text) == query


def test_words_lead_to_what_a_user_of_mine_did_on_a_day(login: Login, account: NexmoAccount, add_event: Add) -> None:
    def add(owner: NexmoAccount, number: int, user: str, day: int) -> Any:
        return add_event(owner, number, user_email=user, created_at=f"2026-03-{day}T12:00:00Z")

    add(account, 1, "zoe.marsh@example.com", 14)
    add(account, 2, "zoe.marsh@example.com", 15)
    add(account, 3, "bob@zoe.example", 14)
    add(NexmoAccount.objects.get(api_key="demo0003"), 4, "quentin@example.com", 14)
    client = login("alice")

    page = client.get("/events/", {"search_text": "what did zoe do on 14 march 2026"}, follow=True)
    assert len(shown_ids(page)) == 2  # zoe is a part of both addresses
    page = client.get("/events/", {"search_text": "what did marsh do on 14 march 2026"}, follow=True)
    assert len(shown_ids(page)) == 1
    assert "No event contains “what did marsh do on 14 march 2026”; these are the events it describes." in text_of(page)
    # Nobody learns whom others have.
    for typed in ("quentin 14 march 2026", "nobody 14 march 2026"):
        assert client.get("/events/", {"search_text": typed}).context["reading"].event_filter.active.keys() == {
            "search_text", "date_from", "date_to"
        }  # fmt: skip
    assert "quentin" in Client.get(login("audrey"), "/events/?search_text=quentin+14+march+2026").url
