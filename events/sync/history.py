"""Which runs are kept. Those that brought something are kept forever; quiet ones only as long as they may interest."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, Window
from django.db.models.functions import Lag, Lead

from events.archive import proven_coverage
from events.models import SyncRun, SyncState, SyncWindow

if TYPE_CHECKING:
    from datetime import datetime

KEEP_QUIET_RUNS = timedelta(days=30)
# Of quiet runs in a row that ended alike, only the first and the last are kept after this.
FOLD_REPEATS_AFTER = timedelta(days=1)
BATCH = 500


def forget_quiet_runs(now: datetime) -> int:
    """Delete old runs that brought nothing, whatever came of them, and repeats of a quiet run. Returns how many.

    A run stays while an account's state names it, and while a window is on record that it could not verify.
    """
    unverified = SyncWindow.objects.filter(run=OuterRef("pk"), verified=False)
    named = SyncState.objects.filter(Q(last_run=OuterRef("pk")) | Q(current_run=OuterRef("pk")))
    may_go = SyncRun.objects.exclude(status=SyncRun.Status.RUNNING).filter(
        ~Exists(unverified), ~Exists(named), added=0, conflicts_found=0
    )
    forgotten = _delete(may_go.filter(started_at__lt=now - KEEP_QUIET_RUNS).values_list("pk", flat=True))
    repeats = (
        SyncRun.objects.order_by()
        .filter(added=0, conflicts_found=0, started_at__lt=now - FOLD_REPEATS_AFTER)
        .annotate(**{f"{name}_before": _neighbour(Lag, name) for name in ("status", "problem_code")})
        .annotate(**{f"{name}_after": _neighbour(Lead, name) for name in ("status", "problem_code")})
    )
    alike = [
        pk
        for pk, trigger, *ends in repeats.values_list(
            "pk", "trigger", "status", "status_before", "status_after", "problem_code", "problem_code_before",
            "problem_code_after",
        )
        if trigger != SyncRun.Trigger.PERSON and len(set(ends[:3])) == 1 and len(set(ends[3:])) == 1
    ]  # fmt: skip
    for start in range(0, len(alike), BATCH):
        forgotten += _delete(may_go.filter(pk__in=alike[start : start + BATCH]).values_list("pk", flat=True))
    return forgotten


def _neighbour(function: type[Lag] | type[Lead], name: str) -> Window:
    return Window(function(name), partition_by="account_id", order_by="id")


def _delete(pks: object) -> int:
    """In batches: other writers must get in between."""
    listed = list(pks)  # type: ignore[call-overload]  # a values_list of keys
    for start in range(0, len(listed), BATCH):
        runs = SyncRun.objects.filter(pk__in=listed[start : start + BATCH])
        with proven_coverage.kept(set(runs.values_list("account", flat=True))):
            runs.delete()
    return len(listed)
