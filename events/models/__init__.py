"""What happened (`archive`), how often (`rollup`), how it was fetched (`sync`), what proves it (`integrity`), what
people look for again and again (`view`), what detections found (`detection`) by which rules (`rules`), who is told of
it (`alerts`), where all of it is sent on to (`streams`), who gets a digest of what (`report`), who looked it through
(`review`), and what the worker is to do (`jobs`).

Events are only ever added, by `events.archive`; the state of a sync is only ever written by `events.sync.state`.
"""

from events.models.access import AccessBatch, AccessRemoval
from events.models.alerts import Channel, Delivery, DigestItem, Subscription, SubscriptionCursor
from events.models.archive import AuditEvent, EventConflict, EventType
from events.models.detection import (
    DetectionCursor,
    Finding,
    FindingAccount,
    FindingChange,
    FindingEvent,
    SeenField,
    SeenValue,
    Severity,
    Suppression,
)
from events.models.evidence import EvidencePack
from events.models.integrity import ChainHead, Discrepancy, LegalHold, Removal, RemovedEvent, RetentionChange, Seal
from events.models.jobs import BackgroundJob
from events.models.ledger import LedgerEntry
from events.models.report import Report, ReportMail, ReportStop
from events.models.review import DueReview, Review, ReviewSchedule, ReviewStatement, SignOff
from events.models.rollup import ApplicationName, DayCount, FirstSeen, MonthCount
from events.models.rules import Hunt, OwnRule, OwnRuleVersion, RuleSwitch
from events.models.streams import Stream, StreamCursor, StreamRefusal
from events.models.sync import CoveredSpan, RequestCount, SyncRun, SyncState, SyncWindow, WorkerBeat
from events.models.view import SavedView, Star

__all__ = [
    "AccessBatch",
    "AccessRemoval",
    "ApplicationName",
    "AuditEvent",
    "BackgroundJob",
    "ChainHead",
    "Channel",
    "CoveredSpan",
    "DayCount",
    "Delivery",
    "DetectionCursor",
    "DigestItem",
    "Discrepancy",
    "DueReview",
    "EventConflict",
    "EventType",
    "EvidencePack",
    "Finding",
    "FindingAccount",
    "FindingChange",
    "FindingEvent",
    "FirstSeen",
    "Hunt",
    "LedgerEntry",
    "LegalHold",
    "MonthCount",
    "OwnRule",
    "OwnRuleVersion",
    "Removal",
    "RemovedEvent",
    "Report",
    "ReportMail",
    "ReportStop",
    "RequestCount",
    "RetentionChange",
    "Review",
    "ReviewSchedule",
    "ReviewStatement",
    "RuleSwitch",
    "SavedView",
    "Seal",
    "SeenField",
    "SeenValue",
    "Severity",
    "SignOff",
    "Star",
    "Stream",
    "StreamCursor",
    "StreamRefusal",
    "Subscription",
    "SubscriptionCursor",
    "Suppression",
    "SyncRun",
    "SyncState",
    "SyncWindow",
    "WorkerBeat",
]
