"""EventTable is a table of django-tables2: what the library promises of columns holds for pages and for files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import QueryDict
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils.safestring import SafeString

from accounts.models import NexmoAccount
from events.display import cells
from events.display.drawing import EventColumn
from events.display.event_table import EventTable, FileTable, file_columns, page_columns
from events.entities.table import SteppedTable
from events.reading import Row, read_page
from events.reading.conditions import Conditions
from events.wording.changes import Change
from tests.tools.export import FURTHER, HEADER, csv_rows
from tests.tools.export import body as content
from tests.tools.pages import Add


@pytest.fixture
def rows(account: NexmoAccount, add_event: Add) -> list[Row]:
    add_event(account, 1)
    add_event(account, 2, user_email=..., source=..., source_ip="<i>", source_country="<b>", id='"a/b"')
    add_event(account, 3, event_type="ODD <x>", created_at="nonsense", context=..., event_type_description=...)
    return read_page(Conditions(), 10).rows


def html_of(table: EventTable) -> str:
    """The table as a page has it, without the stripes of rows that only the library adds."""
    page = Template("{% include 'events/table.html' %}").render(Context({"table": table}))
    return re.sub(r'\s+(?=<tr|</tbody>)| class="(?:even|odd)"', "", page)


class TestDrawing:
    @pytest.mark.parametrize("shown", [tuple(page_columns()), ("type", "event_id"), ()])
    def test_rows_are_those_that_the_library_draws(
        self, rows: list[Row], account: NexmoAccount, monkeypatch: pytest.MonkeyPatch, shown: tuple[str, ...]
    ) -> None:
        drawn = html_of(EventTable(rows, accounts=[account], shown=shown))
        monkeypatch.setattr(EventTable, "row_drawer", None)

        assert drawn == html_of(EventTable(rows, accounts=[account], shown=shown))
        assert drawn.count("<tr data-event-id=") == 3

    def test_what_is_kept_of_cells_is_neither_the_filter_nor_what_nexmo_wrote_at_length(
        self, account: NexmoAccount, add_event: Add
    ) -> None:
        """Both may be long: kept, they would fill the memory."""
        for number, words in enumerate(("Fax", "Fax machine"), start=1):
            add_event(account, number, source="FX", source_description=words)
        rows = read_page(Conditions(), 10).rows
        kept = [cells._user, cells._address, cells._type_code, cells._source, cells._country]
        pages, misses = [], []
        for event_type in ("A", "B" * 1_000):
            params = QueryDict(f"event_type={event_type}")
            pages.append(html_of(EventTable(rows, accounts=[account], params=params, shown=tuple(page_columns()))))
            misses.append([cache.cache_info().misses for cache in kept])

        assert misses[0] == misses[1]
        for page, event_type in zip(pages, ("A", "B" * 1_000), strict=True):
            assert re.findall(r'event_type=(\w+)&amp;source=FX">([^<]+)</a>', page) == [
                (event_type, "Fax machine"),
                (event_type, "Fax"),
            ]

    def test_the_same_holds_for_what_each_event_changed(
        self, rows: list[Row], account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = {rows[0].pk: [Change("<name>", None, "new"), Change("x", "old", None)]}
        drawn = html_of(SteppedTable(rows, accounts=[account], steps=steps))
        monkeypatch.setattr(EventTable, "row_drawer", None)

        assert drawn == html_of(SteppedTable(rows, accounts=[account], steps=steps))
        assert '<span class="step">&lt;name&gt;: <ins>new</ins></span>' in drawn

    def test_the_librarys_own_tag_draws_it(self, rows: list[Row], account: NexmoAccount) -> None:
        table = EventTable(rows, accounts=[account])
        template = Template("{% load django_tables2 %}{% render_table table %}")

        page = template.render(Context({"table": table, "request": RequestFactory().get("/")}))

        assert page.count("<tr data-event-id=") == 3
        assert '<table id="events" class="events comfortable"' in page

    def test_events_of_an_account_made_meanwhile_are_left_out(self, rows: list[Row]) -> None:
        assert EventTable(rows, accounts=[]).body() == ""


class TestColumns:
    def test_sequence_and_exclusion_are_the_librarys(self, rows: list[Row], account: NexmoAccount) -> None:
        table = EventTable(rows, accounts=[account], sequence=["who", "..."], shown=["who", "account"])

        assert table.columns.names()[:2] == ["who", "when"]
        assert re.findall(r'<th scope="col" class="(\w+)">', str(table.head())) == ["who", "when", "account", "what"]

    def test_a_column_can_be_hidden_in_one_table_only(self, rows: list[Row], account: NexmoAccount) -> None:
        table = EventTable(rows, accounts=[account])
        table.columns.hide("who")

        assert 'class="who"' not in html_of(table)
        assert 'class="who"' in html_of(EventTable(rows, accounts=[account]))

    def test_attributes_are_those_of_the_column(self, rows: list[Row], account: NexmoAccount) -> None:
        class Marked(EventTable):
            who = EventColumn("Who", accessor="user_email", attrs={"td": {"data-kind": "<user>"}})

            class Meta(EventTable.Meta):
                pass

        assert '<td data-kind="&lt;user&gt;">yourname@example.com</td>' in html_of(Marked(rows, accounts=[account]))

    def test_a_new_column_is_declared_once_for_pages_and_files(self, rows: list[Row], account: NexmoAccount) -> None:
        class Loud(EventColumn):
            def render(self, record: Row, table: EventTable) -> SafeString:
                return SafeString(f"<b>{record.source}</b>")

            def value(self, record: Row, table: EventTable) -> str:
                return record.source.lower()

        class Extended(EventTable):
            loud = Loud("Loud")

            class Meta(EventTable.Meta):
                pass

        table = Extended(rows, accounts=[account], shown=["loud"])

        assert page_columns(Extended)["loud"] == "Loud"
        assert '<td class="loud" data-title="Loud"><b>CD</b></td>' in html_of(table)
        assert table.values(rows, ["loud"]) == [["cd", "", "cd"]]


class TestFiles:
    def test_the_contract_of_names_and_order_holds(self) -> None:
        assert list(file_columns()) == [*HEADER, *FURTHER]

    def test_cells_are_those_of_the_librarys_own_export(
        self, client: Client, rows: list[Row], account: NexmoAccount
    ) -> None:
        table = FileTable(rows, accounts=[account], shown=tuple(page_columns()), sequence=["..."])
        values: Iterator[list[Any]] = table.as_values()
        next(values)  # its headings are for people

        exported = csv_rows(content(client.get(f"/events/export.csv?columns={','.join(file_columns())}")))

        assert [list(row.values()) for row in exported] == [list(cells) for cells in values]
