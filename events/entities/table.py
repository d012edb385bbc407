"""The events of a number or an application, as the table on its page shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from events.display.cells import NOTHING
from events.display.drawing import EventColumn
from events.display.event_table import USUAL, EventTable
from events.wording.marking import marked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from events.reading import Row
    from events.wording.changes import Change


class Changed(EventColumn):
    """What the event changed."""

    def render(self, record: Row, table: SteppedTable) -> SafeString:
        return SafeString("<br>".join(_step(change) for change in table.steps.get(record.pk, ()))) or NOTHING


class SteppedTable(EventTable):
    """With what each event changed, in place of its details."""

    changed = Changed(gettext_lazy("Changed"), exclude_from_export=True)

    class Meta(EventTable.Meta):
        pass

    def __init__(self, *args: Any, steps: Mapping[int, list[Change]], **options: Any) -> None:
        """
        Args:
            steps: what each event changed, by its key.
        """
        self.steps = steps
        super().__init__(*args, shown=[*(name for name in USUAL if name != "summary"), "changed"], **options)


def _step(change: Change) -> str:
    before = f"<del>{marked(change.before)}</del>" if change.before is not None else ""
    after = f"<ins>{marked(change.after)}</ins>" if change.after is not None else ""
    return f'<span class="step">{marked(change.field)}: {before}{" → " if before and after else ""}{after}</span>'
