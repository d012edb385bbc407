"""The table of findings, and that of the events of one."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from html import escape
from os.path import commonprefix
from typing import TYPE_CHECKING, Any, ClassVar

import django_tables2 as tables
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from events.detection.findings.suppress import ACCOUNT
from events.detection.findings.triage import version_of
from events.display import drawing
from events.display.cells import NOTHING
from events.display.drawing import EventColumn
from events.display.event_table import USUAL, EventTable
from events.masking import named_value
from events.models import Finding
from events.wording.marking import coded, marked, marked_address
from events.wording.severity import badge, slug
from events.wording.times import ago, length, offset

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from events.detection.findings.inbox import Line
    from events.detection.findings.story import Evidence
    from events.reading import Row
    from events.reading.standing import Standing

MOST_VALUES = 3
LATE = timedelta(days=1)  # from an event until it is found
NUMBER = 987_654_321  # stands for a finding's in its address


class Pick(EventColumn):
    """A box to tick, for doing something with several at once."""

    attrs: ClassVar[Any] = {"th": EventColumn.attrs["th"], "td": {"class": "choose"}}

    def heading(self, table: Any) -> str:
        word = escape(gettext("Choose"))
        return f'<span class="sr-only">{word}</span>'

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        name = escape(table.choose_words % {"number": record.pk})
        value = f"{record.pk}.{version_of(record.part)}"
        checked = " checked" if record.pk in table.picked else ""
        return SafeString(
            f'<input type="checkbox" name="finding" value="{value}" form="triage" aria-label="{name}"{checked}>'
        )


class SeverityColumn(EventColumn):
    """How bad it is."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        return badge(record.part.standing.severity)


class Found(EventColumn):
    """When it was found."""

    def heading(self, table: FindingTable) -> str:
        return f"{escape(str(self.verbose_name))} <small>{escape(table.offset)}</small>"

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        at = record.part.found_at.astimezone(table.zone)
        iso = at.isoformat(" ")
        if table.now:
            return SafeString(
                f'<time datetime="{iso[:10]}T{iso[11:]}" title="{iso[:19]} {offset(at)}">'
                f"{escape(ago(at, table.now))}</time>"
            )
        return SafeString(f'<time datetime="{iso[:10]}T{iso[11:]}">{iso[:10]} <b>{iso[11:16]}</b></time>')


class Happened(EventColumn):
    """The day of its first event. The past of an account is found in one go."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        day = record.part.first_at.astimezone(table.zone).date()
        return SafeString(f'<time datetime="{day}">{day}</time>')


class Title(EventColumn):
    """What its rule is called, and its number: the way to its page."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        title = table.titles.get(record.finding.rule) or record.finding.title
        address = table.address.replace(str(NUMBER), str(record.pk))
        return SafeString(
            f'<a class="what" href="{address}"><span>{marked(title)}</span></a> <small class="id">#{record.pk}</small>'
        )


class AccountNames(EventColumn):
    """The accounts that it lies in, as far as the reader may see them."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        first = marked(record.accounts[0].name)
        others = len(record.accounts) - 1
        if not others:
            return SafeString(first)
        names = escape(", ".join(coded(account.name) for account in record.accounts))
        return SafeString(f'<span title="{names}">{first} <small>+{others}</small></span>')


class About(EventColumn):
    """The values that its events share: whom and what it is about."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        group = record.finding.group
        values = (
            [named_value(name, value) for name, value in group.items() if value and name != ACCOUNT] if group else []
        )
        return SafeString(" · ".join(marked_address(value) for value in values[:MOST_VALUES])) if values else NOTHING


class Events(EventColumn):
    """How many events led to it."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        return SafeString(str(record.part.event_count)) if record.part.event_count else NOTHING


class StateColumn(EventColumn):
    """What became of it."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        return state_badge(record.part.standing)


class Assignee(EventColumn):
    """Who looks after it."""

    def render(self, record: Line, table: FindingTable) -> SafeString:  # type: ignore[override]
        return marked(record.assignee) if record.assignee else NOTHING


def state_badge(standing: Standing) -> SafeString:
    """A finding's state as HTML, with how it was resolved."""
    return _state_badge(standing.state, standing.resolution, get_language())


@lru_cache(maxsize=64)
def _state_badge(state: str, resolution: str, language: str | None) -> SafeString:
    words = Finding.Resolution(resolution).label if resolution else Finding.State(state).label
    return SafeString(f'<span class="state {state}">{escape(str(words))}</span>')


class FindingTable(tables.Table):
    """Findings in the order they come in, drawn as events are (`events.display.drawing`)."""

    choose = Pick(_("Choose"))
    severity = SeverityColumn(_("Severity"))
    when = Found(_("Found"))
    happened = Happened(_("Happened"))
    what = Title(_("Finding"))
    account = AccountNames(_("Account"))
    about = About(pgettext_lazy("finding", "About"))
    number = Events(_("Events"))
    state = StateColumn(_("State"))
    assignee = Assignee(_("Assigned to"))

    class Meta:
        orderable = False
        row_attrs = {
            "data-finding": lambda record: str(record.pk),
            "class": lambda record: f"is-{slug(record.part.standing.severity)} {record.part.standing.state}",
        }

    def __init__(
        self,
        data: Iterable[Line],
        *,
        titles: Mapping[str, str],
        density: str,
        now: datetime | None = None,
        pickable: bool = False,
        picked: Collection[int] = (),
        one_account: bool = False,
    ) -> None:
        """
        Args:
            titles: what rules are called in the reader's language, by id.
            now: write times as how long ago that is; without it, exactly.
            pickable: the reader may do something with them.
            picked: the numbers of those that are ticked already.
            one_account: the reader sees one account only, so that it goes without saying.
        """
        self.picked = picked
        self.titles, self.now, self.zone = titles, now, timezone.get_current_timezone()
        self.offset = offset(timezone.localtime())
        self.choose_words = gettext("Select finding %(number)s")
        self.address = reverse("events:finding", args=[NUMBER])
        lines = list(data)
        hidden = [*(() if pickable else ("choose",)), *(("account",) if one_account else ())]
        # Only where some lay in the archive for days does the day of the events say more than when they were found.
        if not any(line.part.found_at - line.part.first_at > LATE for line in lines):
            hidden.append("happened")
        attributes = {"id": "findings", "class": f"events findings {density}"}
        super().__init__(lines, exclude=hidden, attrs=attributes)

    def body(self) -> SafeString:
        """All rows, as HTML."""
        return drawing.draw_rows(self)

    def head(self) -> SafeString:
        """The cells of the head, as HTML."""
        return drawing.draw_head(self)


class Step(EventColumn):
    """Which of the rule's selections an event matched."""

    def render(self, record: Row, table: EvidenceTable) -> SafeString:
        if not (steps := table.evidence.steps.get(record.pk, ())):
            return NOTHING
        shown = ", ".join(table.step_names[name] for name in steps)
        return SafeString(f'<span class="step" title="{escape(coded(", ".join(steps)))}">{marked(shown)}</span>')


class Gap(EventColumn):
    """How long after the one before."""

    attrs: ClassVar[Any] = {"th": EventColumn.attrs["th"], "td": {**EventColumn.attrs["td"], "class": "since"}}

    def render(self, record: Row, table: EvidenceTable) -> SafeString:
        gap = table.gaps.get(record.pk)
        return NOTHING if gap is None else SafeString(escape(f"+ {length(gap)}"))


class EvidenceTable(EventTable):
    """The events that led to a finding, oldest first."""

    gap = Gap(_("Pause"), exclude_from_export=True)
    step = Step(_("Step"), exclude_from_export=True)

    class Meta(EventTable.Meta):
        sequence = ("when", "gap", "step", *EventTable.Meta.sequence[1:])

    def __init__(self, evidence: Evidence, *, steps: Mapping[str, str], **options: Any) -> None:
        """
        Args:
            steps: what people call the rule's selections, by name; one that the rule no longer has goes by its name.
        """
        self.evidence = evidence
        rows = evidence.rows
        self.gaps: dict[int, timedelta] = {
            row.pk: row.created_at - former.created_at for former, row in zip(rows, rows[1:], strict=False)
        }
        matched = {name for names in evidence.steps.values() for name in names}
        self.step_names = short_names(matched) | {name: steps[name] for name in matched & steps.keys()}
        accounts = {row.account_id for row in rows}
        # What is the same on each line goes without saying.
        shown = [name for name in USUAL if name != "account" or len(accounts) > 1]
        shown += ["gap", *(["step"] if len(self.step_names) > 1 else [])]
        super().__init__(rows, shown=shown, oldest_first=True, **options)


def short_names(names: Collection[str]) -> dict[str, str]:
    """Names of selections as people read them: without the words that all of them begin with, and with blanks.

    `leaked_key_secret` and `leaked_key_numbers_abroad` are "secret" and "numbers abroad".
    """
    words = {name: name.split("_") for name in names}
    common = len(commonprefix(list(words.values()))) if len(words) > 1 else 0
    return {name: " ".join(its[min(common, len(its) - 1) :]) for name, its in words.items()}
