"""The seam between django-tables2 and our own drawing of rows.

The library carries the columns: their declaration, order, exclusion, headings, attributes, `render` and `value`. Only
its loop over cells is replaced. For every cell of every row it resolves an accessor, inspects a signature and merges
attributes, which at 50 rows costs far more than the queries. The functions here call the same `render` and `value` of
the same columns once per cell, and look at a column's attributes once.

A table says by its attribute `row_drawer` how its rows are drawn; with None they are drawn by the library (see
templates/events/table.html), and a test holds both to the same result. Two promises are asked of columns in return:
`render` and `value` take `record` and `table`, and attributes do not depend on the record.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from events.reading import Row
from events.wording.marking import marked

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class EventColumn(tables.Column):
    """One column of events: `render` is what people read, as HTML, and `value` what files hold.

    The accessor is the field of the row, and the column's name in files; without one both are called like the column.
    """

    empty_values = ()  # every cell is rendered: an empty one says so itself
    attrs: ClassVar[Any] = {
        "th": {"scope": "col", "class": lambda bound_column: bound_column.name},
        "td": {
            "class": lambda bound_column: bound_column.name,
            "data-title": lambda bound_column: str(bound_column.header),
        },
    }

    def __deepcopy__(self, memo: dict[int, Any]) -> EventColumn:
        """Each table has columns of its own, to hide or show; what they are made of never changes."""
        column = object.__new__(type(self))
        column.__dict__.update(self.__dict__)
        return column

    def heading_state(self, table: Any) -> Hashable:
        """What the attributes of its heading depend on, beside the language."""
        return None

    def heading(self, table: Any) -> str:
        """What stands in the head of a page's table, as HTML."""
        return escape(str(self.verbose_name))

    def render(self, record: Row, table: Any) -> SafeString:
        return marked(self.value(record, table))

    def value(self, record: Row, table: Any) -> str:
        text: str = getattr(record, str(self.accessor))
        return text

    def values(self, records: Sequence[Row], table: Any) -> Sequence[str]:
        """What files have for these records."""
        return [self.value(record, table) for record in records]


def draw_rows(table: Any) -> SafeString:
    """All rows of a table, as HTML."""
    language = get_language()
    cells = [(f"<td{_attributes(table, column, language)}>", column.render) for column in table.columns]
    attributes = [(f' {name}="', value) for name, value in table.row_attrs.items()]
    parts: list[str] = []
    for record in table.data:
        parts.append("\n<tr" if parts else "<tr")
        for opening, value in attributes:
            parts += (opening, escape(value(record=record)), '"')
        parts.append(">")
        for opening, render in cells:
            parts += (opening, render(record=record, table=table), "</td>")
        parts.append("</tr>")
    return SafeString("".join(parts))


def draw_head(table: tables.Table) -> SafeString:
    """The cells of the table's head, as HTML."""
    language = get_language()
    return SafeString("".join([_heading(table, column, language) for column in table.columns]))


_headings: dict[tuple[type, str, str | None, Hashable], tuple[str, str | None]] = {}


def _heading(table: tables.Table, column: Any, language: str | None) -> str:
    """One of them. What does not depend on the very table is drawn once for each table class and language."""
    declared: EventColumn = column.column
    key = (type(table), column.name, language, declared.heading_state(table))
    if key not in _headings:
        same = type(declared).heading is EventColumn.heading
        _headings[key] = (f"<th {column.attrs['th'].as_html()}>", declared.heading(table) if same else None)
    opening, words = _headings[key]
    return f"{opening}{declared.heading(table) if words is None else words}</th>"


def values(table: tables.Table, records: Sequence[Row], names: Sequence[str]) -> list[Sequence[str]]:
    """The cells of files, column by column, by the columns' names; as `Table.as_values`, for a part of a stream."""
    if not records:
        return [()] * len(names)
    fields = list(zip(*records, strict=True))
    return [_cells(table, table.columns[name].column, records, fields) for name in names]


def _cells(table: Any, column: EventColumn, records: Sequence[Row], fields: Sequence[Sequence[str]]) -> Sequence[str]:
    """What a column has for these records."""
    if type(column).value is EventColumn.value and type(column).values is EventColumn.values:
        # Just a field, of all records at once: for a million rows that is seconds.
        return fields[Row._fields.index(str(column.accessor))]
    return column.values(records, table)


_drawn: dict[tuple[type, str, str | None], str] = {}


def _attributes(table: tables.Table, column: Any, language: str | None) -> str:
    """The attributes of a column's cells, looked up once for each table class and language."""
    key = (type(table), column.name, language)
    if key not in _drawn:
        _drawn[key] = f" {column.attrs['td'].as_html()}"
    return _drawn[key]
