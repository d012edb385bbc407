"""Which coverage of an account its verified readings prove: what a seal or an evidence pack may claim.

A span of coverage is a conclusion. It follows from the windows that were read and verified, and, where those have been
pruned, from what the ledger noted before they went. Anything beyond that was not written by a sync.
"""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, cast

from django.db import transaction

from events.models import CoveredSpan, LedgerEntry, SyncWindow
from events.storage import clock, ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from accounts.models import NexmoAccount

Span = tuple[datetime, datetime]

BEGINNING = datetime.min.replace(tzinfo=UTC)


def claimed(account: NexmoAccount) -> list[Span]:
    """The coverage that the database shows, in order of time. Since the beginning is BEGINNING."""
    spans = CoveredSpan.objects.filter(account=account).values_list("start", "end")
    return sorted((start or BEGINNING, end) for start, end in spans)


def proven(account: NexmoAccount | int) -> list[Span]:
    """The coverage that follows from readings up to now, in order of time, merged."""
    now = clock.latest_believable()
    spans = []
    windows = SyncWindow.objects.filter(account=account, verified=True, asked_at__lte=now)
    for first, last, asked_at in windows.values_list("first_day", "last_day", "asked_at"):
        start = datetime.combine(first, time(), UTC) if first else BEGINNING
        end = datetime.combine(last, time(), UTC) + timedelta(days=1) if last else asked_at
        spans.append((start, min(end, asked_at)))
    noted = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.COVERAGE, account_pk=getattr(account, "pk", account))
    for detail in noted.values_list("detail", flat=True):
        spans += [(start, min(end, now)) for start, end in _read(detail)]
    return merged(spans)


def statement(account: NexmoAccount, within: list[Span] | None = None) -> list[list[str | None]]:
    """The proven part of the claimed coverage, as seals, packs and reviews state it; `within` these spans if given."""
    spans = intersection(claimed(account), proven(account))
    return _written(spans if within is None else intersection(spans, within))


@contextlib.contextmanager
def kept(accounts: Iterable[int]) -> Iterator[None]:
    """A transaction in which to prune windows: coverage that nothing else proves is noted in the ledger."""
    with transaction.atomic():
        before = {account: proven(account) for account in sorted(accounts)}
        yield
        ledger.enter(
            ledger.Entry(LedgerEntry.Kind.COVERAGE, account, account, (), detail=json.dumps(_written(spans)))
            for account, spans in before.items()
            if subtraction(spans, proven(account))
        )


def added_by(window: SyncWindow) -> Span:
    """The coverage that a reading added; it has a `covered_until`."""
    start = datetime.combine(window.first_day, time(), UTC) if window.first_day else BEGINNING
    return start, cast("datetime", window.covered_until)


def problem_of(account: NexmoAccount) -> str:
    """What is wrong with the claimed coverage, if anything."""
    spans = claimed(account)
    if beyond := subtraction(spans, proven(account)):
        return f"Coverage is claimed {describe(beyond[0])}, which no verified reading proves."
    readings = SyncWindow.objects.filter(account=account).exclude(covered_until=None)
    if missing := subtraction([added_by(window) for window in readings], spans):
        return f"Coverage {describe(missing[0])} was taken away: a verified reading added it."
    return ""


def read_statement(covered: Iterable[tuple[str | None, str]]) -> list[Span]:
    """The coverage that a seal states, but for what a wrong clock wrote: it is in the future."""
    spans = (_parse(start, end) for start, end in covered)
    return merged((start, end) for start, end in spans if not clock.lies_ahead(end))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same stretches without overlaps, in order of time."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if union and start <= union[-1][1]:
            union[-1] = union[-1][0], max(end, union[-1][1])
        else:
            union.append((start, end))
    return union


def intersection(some: list[Span], others: list[Span]) -> list[Span]:
    return merged((max(start, since), min(end, until)) for start, end in some for since, until in others)


def subtraction(some: list[Span], others: list[Span]) -> list[Span]:
    """What lies in some spans and in none of the others."""
    left: list[Span] = []
    for start, end in merged(some):
        for since, until in merged(others):
            if until <= start or since >= end:
                continue
            if start < since:
                left.append((start, since))
            start = min(until, end)
        if start < end:
            left.append((start, end))
    return left


def describe(span: Span) -> str:
    start, end = span
    return f"from {'the beginning' if start == BEGINNING else f'{start:%Y-%m-%d %H:%M}'} to {end:%Y-%m-%d %H:%M} UTC"


def _written(spans: list[Span]) -> list[list[str | None]]:
    return [[None if start == BEGINNING else start.isoformat(), end.isoformat()] for start, end in spans]


def _read(detail: str) -> list[Span]:
    return [_parse(start, end) for start, end in json.loads(detail)]


def _parse(start: str | None, end: str) -> Span:
    return datetime.fromisoformat(start) if start else BEGINNING, datetime.fromisoformat(end)
