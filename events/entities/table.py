"""Events as the pages of entities show them: those of a number or an application, and those of a session."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from events.display.cells import NOTHING
from events.display.drawing import EventColumn
from events.display.event_table import USUAL, EventTable
from events.wording.marking import marked
from events.wording.times import length

if TYPE_CHECKING:
    from collections.abc import Mapping

    from events.entities.session import Session
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


class Since(EventColumn):
    """How long after the one before in its session; of others' events that they are beside it."""

    attrs: ClassVar[Any] = {
        "th": {**EventColumn.attrs["th"]},
        "td": {**EventColumn.attrs["td"], "class": "since"},
    }

    def render(self, record: Row, table: SessionTable) -> SafeString:
        if record.pk in table.beside:
            word = escape(gettext("related"))
            return SafeString(f'<span class="tag">{word}</span>')
        pause = table.session.pauses.get(record.pk)
        if pause is None:
            return NOTHING
        shown = escape(f"+ {length(pause)}")
        return SafeString(f"<b>{shown}</b>" if pause >= LONG_PAUSE else shown)


LONG_PAUSE = timedelta(minutes=5)


class SessionTable(EventTable):
    """A session read forwards, and what stands beside it."""

    since = Since(gettext_lazy("Pause"), exclude_from_export=True)

    class Meta(EventTable.Meta):
        sequence = ("when", "since", *EventTable.Meta.sequence[1:])

    def __init__(self, *args: Any, session: Session, **options: Any) -> None:
        self.session = session
        self.beside = {row.pk for row in session.beside}
        marks = {"class": lambda record: "beside" if record.pk in self.beside else "actors"}
        super().__init__(*args, row_attrs={**EventTable.Meta.row_attrs, **marks}, **options)
