"""How a finding stands, for somebody who sees some of its parts: what follows from them, and from nothing else.

It stands as the parts do that are furthest from being done with: it is open while one of them is, and what is said of
it then (severity, assignees, times) is of its open parts. Pages, filters, alerts, streams and the findings' own rows
all follow from this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from events.models import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from events.models import FindingAccount

_STATES = Finding.State
# What is left to do comes first.
ORDER = (_STATES.OPEN, _STATES.ACKNOWLEDGED, _STATES.RESOLVED, _STATES.SUPPRESSED, _STATES.WITHDRAWN)
_PLACES = {state.value: place for place, state in enumerate(ORDER)}
_RESOLUTIONS = Finding.Resolution
_GRAVEST_FIRST = (_RESOLUTIONS.TRUE_POSITIVE, _RESOLUTIONS.BENIGN, _RESOLUTIONS.FALSE_POSITIVE)


class Standing(NamedTuple):
    """How a finding stands. Templates read it as they read a `Finding`.

    Attributes:
        resolution: the gravest of several.
        assignees: keys of people, each once, by account.
        acknowledged_at, resolved_at: when the last of its parts was; None while one is not.
    """

    state: str
    resolution: str
    severity: int
    assignees: tuple[int, ...]
    acknowledged_at: datetime | None
    resolved_at: datetime | None

    @property
    def is_unfinished(self) -> bool:
        """Whether somebody should still look at it, or is looking at it."""
        return self.state in Finding.UNFINISHED

    def get_state_display(self) -> Any:
        return Finding.State(self.state).label

    def get_resolution_display(self) -> Any:
        return Finding.Resolution(self.resolution).label


def standing_of(parts: Sequence[FindingAccount]) -> Standing:
    """How these parts of a finding stand together; at least one."""
    first = parts[0]
    if len(parts) == 1:
        assignees = (first.assigned_to_id,) if first.assigned_to_id else ()
        return Standing(
            first.state, first.resolution, first.severity, assignees, first.acknowledged_at, first.resolved_at
        )
    state = state_of(part.state for part in parts)
    leading = [part for part in parts if part.state == state]
    resolutions = {part.resolution for part in leading}
    return Standing(
        state,
        next((resolution.value for resolution in _GRAVEST_FIRST if resolution in resolutions), ""),
        max(part.severity for part in leading),
        tuple(dict.fromkeys(part.assigned_to_id for part in leading if part.assigned_to_id)),
        _last(part.acknowledged_at for part in leading),
        _last(part.resolved_at for part in leading),
    )


def state_of(states: Iterable[str]) -> str:
    """The state of parts in these states together."""
    return min(states, key=_PLACES.__getitem__)


def decides(states: Iterable[str]) -> bool:
    """Whether parts in these states decide by themselves that the whole is in one of them, whatever else it holds."""
    chosen = set(states)
    return not chosen or chosen == set(ORDER[: len(chosen)])


def _last(moments: Iterable[datetime | None]) -> datetime | None:
    known = list(moments)
    return max((at for at in known if at), default=None) if all(known) else None
