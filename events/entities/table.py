"""The events of one user, address, number or application, as the table on its page shows them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.translation import gettext_lazy

from events.display.event_table import NOTHING, USUAL, EventTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from events.reading import Row
    from events.wording.changes import Change


class AboutTable(EventTable):
    """The usual table away from the list: a click on a value leads there."""

    def value(self, name: str, value: str, shown: str) -> str:
        return super().value(name, value, shown).replace('href="?', f'href="{reverse("events:list")}?', 1)


class SteppedTable(AboutTable):
    """With what each event changed, in place of its details."""

    changed = tables.Column(verbose_name=gettext_lazy("Changed"), orderable=False)

    def __init__(self, *args: Any, steps: Mapping[int, list[Change]], **kwargs: Any) -> None:
        """
        Args:
            steps: what each event changed, by its key.
        """
        super().__init__(*args, shown=[name for name in USUAL if name != "summary"], **kwargs)
        self.steps = steps

    def render_changed(self, row: Row) -> str:
        return "<br>".join(_step(change) for change in self.steps.get(row.pk, ())) or NOTHING


def _step(change: Change) -> str:
    before = f"<del>{escape(change.before)}</del>" if change.before is not None else ""
    after = f"<ins>{escape(change.after)}</ins>" if change.after is not None else ""
    return f'<span class="step">{escape(change.field)}: {before}{" → " if before and after else ""}{after}</span>'
