"""What happened (`archive`), how often (`rollup`), how it was fetched (`sync`), and what proves it (`integrity`).

Events are only ever added, by `events.archive`; the state of a sync is only ever written by `events.sync.state`.
"""

from events.models.archive import AuditEvent, EventConflict, EventType
from events.models.integrity import ChainHead, Discrepancy, LegalHold, Removal, RemovedEvent, Seal
from events.models.rollup import DayCount, MonthCount
from events.models.sync import CoveredSpan, RequestCount, SyncRun, SyncState, SyncWindow, WorkerBeat

__all__ = [
    "AuditEvent",
    "ChainHead",
    "CoveredSpan",
    "DayCount",
    "Discrepancy",
    "EventConflict",
    "EventType",
    "LegalHold",
    "MonthCount",
    "Removal",
    "RemovedEvent",
    "RequestCount",
    "Seal",
    "SyncRun",
    "SyncState",
    "SyncWindow",
    "WorkerBeat",
]
