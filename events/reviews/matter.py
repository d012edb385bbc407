"""What is to be signed: a filter whose times are fixed, over accounts; and what to know of it before signing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.archive import proven_coverage
from events.archive.proven_coverage import BEGINNING, Span
from events.export.about import accounts_of
from events.filters.fields import split_list
from events.filters.pills import MOST_OF_A_LIST, pills
from events.filters.saved import canonical
from events.models import CoveredSpan, Finding, FindingAccount
from events.reading.counts import Count, count_all
from events.reading.filterable import DATES
from events.storage import clock
from events.wording.codes import grouped
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import NexmoAccount
    from events.filters.form import EventFilter

COUNTED_FOR = 4  # seconds
MOST_NAMED = 50  # accounts with gaps
MOST_GAPS = 5  # of an account
WITHOUT = ("period", "order", *DATES)


def lasting(event_filter: EventFilter, now: datetime) -> str:
    """The query of a valid filter with its times fixed: what has no end, or one yet to come, ends now."""
    conditions = event_filter.conditions
    return between(event_filter.data, conditions.start, min(conditions.end or now, now))


def between(params: Any, start: datetime | None, end: datetime) -> str:
    """A filter's query with these times in place of its own, both included."""
    query = QueryDict(canonical(params), mutable=True)
    for name in WITHOUT:
        query.pop(name, None)
    if start:
        query["date_from"] = exactly(start)
    query["date_to"] = exactly(end)
    return canonical(query)


def exactly(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def in_words(event_filter: EventFilter) -> list[str]:
    """The conditions, but for accounts and times, in the language in use; several values of one stand together."""
    values: dict[str, list[str]] = {}
    for pill in pills(event_filter):
        if pill.name == "account" or pill.name in DATES:
            continue
        value = str(pill.value)
        if not pill.title and pill.items:  # the rest of a long list
            value = ", ".join(split_list(event_filter.data.getlist(pill.name))[MOST_OF_A_LIST:])
        values.setdefault(f"{pill.label} {pill.verb}".strip(), []).append(value)
    return [f"{said} {', '.join(filter(None, its))}" for said, its in values.items()]


@dataclass(frozen=True)
class AccountCoverage:
    """How much of a period is known to be complete in an account."""

    account: NexmoAccount
    gaps: tuple[str, ...]  # in words; none: all of it


@dataclass(frozen=True)
class Matter:
    """A valid filter with fixed times."""

    event_filter: EventFilter

    @cached_property
    def accounts(self) -> list[NexmoAccount]:
        return accounts_of(self.event_filter)

    @property
    def start(self) -> datetime | None:
        return self.event_filter.conditions.start

    @property
    def end(self) -> datetime:
        return self.event_filter.conditions.end or timezone.now()

    @cached_property
    def query(self) -> str:
        return canonical(self.event_filter.data)

    @cached_property
    def digest(self) -> str:
        """What a page was about, to be compared with what is about to be signed: the filter and its accounts."""
        keys = sorted(account.api_key for account in self.accounts)
        return hashlib.sha256(json.dumps([self.query, keys]).encode()).hexdigest()

    @cached_property
    def count(self) -> Count:
        """How many events there are, as far as a page has time to count them."""
        return count_all(self.event_filter.conditions, COUNTED_FOR)

    @cached_property
    def coverage(self) -> list[AccountCoverage]:
        """Of each account, in as many queries as of one."""
        spans: dict[int, list[Span]] = {}
        rows = CoveredSpan.objects.filter(account__in=[account.pk for account in self.accounts])
        for account, start, end in rows.order_by("end").values_list("account", "start", "end"):
            if not clock.lies_ahead(end):
                spans.setdefault(account, []).append((start or BEGINNING, end))
        return [
            AccountCoverage(account, gaps_in_words(spans.get(account.pk, []), self.start, self.end))
            for account in self.accounts
        ]

    @property
    def patchy(self) -> list[AccountCoverage]:
        return [coverage for coverage in self.coverage if coverage.gaps]

    @property
    def patchy_shown(self) -> list[AccountCoverage]:
        return self.patchy[:MOST_NAMED]

    @cached_property
    def open_findings(self) -> int:
        """Open findings of these accounts with events of this time, whatever else the filter asks."""
        parts = FindingAccount.objects.filter(
            account__in=[account.pk for account in self.accounts], state=Finding.State.OPEN, first_at__lte=self.end
        )
        if self.start:
            parts = parts.filter(last_at__gte=self.start)
        return int(parts.order_by().values("finding").distinct().count())


def gaps_in_words(covered: Iterable[Span], start: datetime | None, end: datetime) -> tuple[str, ...]:
    """Which parts of a time are not known to be complete, in the reader's zone."""
    gaps = proven_coverage.subtraction([(start or BEGINNING, end)], list(covered))
    said = [_gap(since, until, end) for since, until in gaps[:MOST_GAPS]]
    if more := len(gaps) - len(said):
        said.append(ngettext("and %(count)s more", "and %(count)s more", more) % {"count": grouped(more)})
    return tuple(said)


def _gap(since: datetime, until: datetime, end: datetime) -> str:
    if since == BEGINNING and until == end:
        return _("all of it")
    if until == end:  # nothing has been synced since
        return _("after %(start)s") % {"start": show(since)}
    if since == BEGINNING:
        return _("until %(end)s") % {"end": show(until)}
    return _("%(start)s to %(end)s") % {"start": show(since), "end": show(until)}
