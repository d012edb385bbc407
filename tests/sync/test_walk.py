"""What a walk holds in hand, and how it tells rows apart by that."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from events.models import CoveredSpan, SyncRun, SyncWindow
from events.nexmo.parse import EventPage, parse_page
from events.sandbox import Sandbox
from events.sync.coverage import Window
from events.sync.engine import sync_account
from events.sync.walk import Reading, Walk


class Pages:
    """A client whose list is these pages; with several lists each first page begins the next."""

    def __init__(self, *lists: Sequence[Sequence[str]], total: int) -> None:
        self.lists, self.total, self.asked = list(lists), total, 0
        self.current: Sequence[Sequence[str]] = ()

    def list_events(self, *, page: int, **_: Any) -> EventPage:
        self.asked += 1
        if page == 1:
            self.current = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        rows = self.current[page - 1] if page <= len(self.current) else ()
        text = f'{{"_embedded":{{"events":[{",".join(rows)}]}},"page":{{"totalElements":{self.total}}}}}'
        return parse_page(text, timezone.get_current_timezone(), first=page == 1)


def walk_of(pages: Pages) -> tuple[Walk, Reading]:
    walk = Walk(pages, Window(None, None), lambda page: None, send_dates=False)  # type: ignore[arg-type]
    return walk, walk.read()


class PagesAhead(Pages):
    """One that notes in which order pages are asked for, and handed on to the archive."""

    def __init__(self, *lists: Sequence[Sequence[str]], total: int) -> None:
        super().__init__(*lists, total=total)
        self.noted: list[tuple[str, int]] = []

    def list_events(self, *, page: int, **_: Any) -> EventPage:
        self.noted.append(("taken", page))
        return super().list_events(page=page)

    def read_ahead(self, *, page: int, **_: Any) -> None:
        self.noted.append(("begun", page))

    def walk(self, **options: Any) -> Walk:
        return Walk(
            self,  # type: ignore[arg-type]
            Window(None, None),
            lambda page: self.noted.append(("archived", len(page.events))),
            send_dates=False,
            reads_ahead=True,
            **options,
        )


def row(number: int, **fields: Any) -> str:
    return json.dumps({"id": f"e{number}", "created_at": "2026-03-01"} | fields)


def full(first: int) -> list[str]:
    return [row(number) for number in range(first, first + 100)]


def held(value: Any, known: set[int]) -> int:
    """How many bytes of text and digests hang on a value."""
    if id(value) in known:
        return 0
    known.add(id(value))
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(held(key, known) + held(item, known) for key, item in value.items())
    if isinstance(value, list | tuple | set):
        return sum(held(item, known) for item in value)
    fields = getattr(value, "__dict__", None) or {
        name: getattr(value, name) for name in getattr(value, "__slots__", ())
    }
    return sum(held(item, known) for item in fields.values()) if isinstance(fields, dict) else 0


def test_walk_keeps_digests_whatever_the_length_of_the_events() -> None:
    long = [[row(page * 100 + number, text="x" * 10_000) for number in range(100)] for page in range(5)]
    walk, reading = walk_of(Pages(long, total=500))
    assert (reading.verified, reading.received) == (True, 500)
    walk.client = None  # type: ignore[assignment]  # it holds the test's pages
    assert held(walk, set()) <= 500 * 40 + 1_000
    assert walk.has("e499") and not walk.has("e500")


@pytest.mark.parametrize("total", [100, 101])
def test_twin_with_other_content_on_one_page_is_another_row(total: int) -> None:
    page = (
        [*full(0), row(7, text="other")]
        if total == 101
        else [*full(0), json.dumps({"created_at": "2026-03-01", "id": "e7"})]
    )
    pages = Pages([page], total=total)
    _, reading = walk_of(pages)
    assert (reading.verified, reading.received, pages.asked) == (True, total, 1)


def test_twin_on_another_page_is_told_apart_by_content() -> None:
    same = json.dumps({"created_at": "2026-03-01", "id": "e7"})  # the keys in another order
    pages = Pages([full(0), [same, row(8, text="other")]], total=101)
    _, reading = walk_of(pages)
    assert (reading.verified, reading.received) == (True, 101)
    assert pages.asked == 4  # the content of the first page was not kept: it is read once more, and no more than that


def test_twin_does_not_make_up_for_a_row_that_was_skipped() -> None:
    """Two spellings of one event counted as two rows, beside one that is missing, would look complete."""
    same = json.dumps({"created_at": "2026-03-01", "id": "e7"})
    _, reading = walk_of(Pages([full(0), [same]], total=101))
    assert (reading.verified, reading.received) == (False, 100)


def test_walk_gives_up_after_as_many_pages_as_it_may_read() -> None:
    pages = Pages([full(0), full(100), full(200)], total=300)
    walk = Walk(pages, Window(None, None), lambda page: None, send_dates=False, most_pages=2)  # type: ignore[arg-type]
    reading = walk.read()
    assert not reading.verified and "More than 2 pages" in reading.reason


# --- the next page is asked for while the last is archived ----------------------------------------------------------


def test_next_page_is_asked_for_before_the_last_is_archived() -> None:
    pages = PagesAhead([full(0), full(100), full(200)[:50]], total=250)
    walk = pages.walk()
    walk.peek(1)  # perhaps the window is too large: nothing is known of a next page yet
    assert walk.read().verified
    assert pages.noted == [
        ("taken", 1),
        ("archived", 100),
        ("taken", 2),
        ("begun", 3),
        ("archived", 100),
        ("taken", 3),
        ("archived", 50),
    ]


@pytest.mark.parametrize(
    ("lists", "total"),
    [
        ([[full(0)]], 100),  # there is no next one
        ([[full(0), []]], 100),
        ([[full(0)[:99]], [full(0)]], 100),  # the second pass ends as soon as the numbers agree
    ],
)
def test_no_page_is_asked_for_in_vain(lists: list[list[list[str]]], total: int) -> None:
    pages = PagesAhead(*lists, total=total)
    assert pages.walk().read().verified
    assert "begun" not in {kind for kind, _ in pages.noted}


def test_last_page_that_was_looked_at_before_is_not_asked_for_again() -> None:
    pages = PagesAhead([full(0), full(100), full(200), full(300)[:50]], total=350)
    walk = pages.walk()
    walk.peek(1)
    walk.peek(4)
    assert walk.read().verified
    assert [noted for noted in pages.noted if noted[0] != "archived"] == [
        ("taken", 1),
        ("taken", 4),
        ("taken", 2),
        ("begun", 3),
        ("taken", 3),
    ]


def test_walk_that_may_read_no_further_asks_for_nothing_ahead() -> None:
    pages = PagesAhead([full(0), full(100), full(200)], total=300)
    assert not pages.walk(most_pages=2).read().verified
    assert [noted for noted in pages.noted if noted[0] == "begun"] == [("begun", 2)]


def test_page_read_ahead_was_asked_for_when_it_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage reaches to the moment of asking: one that is too late would cover events that nobody asked for."""
    pages = PagesAhead([full(0), full(100)], total=200)
    clock = iter(range(100))
    start = timezone.now()

    def now() -> Any:
        pages.noted.append(("clock", (tick := next(clock))))
        return start + timedelta(seconds=tick)

    monkeypatch.setattr("events.sync.walk.timezone.now", now)
    reading = pages.walk().read()
    before_begun = pages.noted[pages.noted.index(("begun", 2)) - 1]
    assert before_begun[0] == "clock"
    assert reading.asked_at == start + timedelta(seconds=before_begun[1])


# --- totals that no account can have ---------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("total", [2_147_483_648, 10**12, 10**15])
def test_total_beyond_belief_is_told_as_what_it_is(
    account: Any, make_sandbox: Callable[..., Sandbox], total: int
) -> None:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", 3)
    sandbox.set_switches(totals="off", totals_off=total - 3)
    run = sync_account(account)
    assert run is not None and (run.status, run.added) == ("incomplete", 3)
    (window,) = SyncWindow.objects.all()
    assert window.reported is None
    assert window.reason.startswith(f"Nexmo gave a count that no account can have ({total}), so nothing proves")


@pytest.mark.django_db
def test_greatest_totals_that_can_be_believed_are_stored(account: Any, make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", 3)
    sync_account(account)
    CoveredSpan.objects.update(start=timezone.now() - timedelta(days=1))
    sandbox.set_switches(totals="off", totals_off=2_147_483_644)
    run = sync_account(account)  # what is new, and the gap: the sum of both is beyond
    assert run is not None and run.status == "incomplete"
    assert SyncRun.objects.get(pk=run.pk).expected == 2_147_483_647
    assert SyncWindow.objects.filter(reported=2_147_483_647).exists()
