"""Reading one window page by page, assuming nothing about order, and proving that it was read whole.

Rows may shift between two pages, totals may change, pages may be short, repeated or missing. A window is verified at
the moment when the distinct events in hand are as many as the API's own count in the same answer. Events that arrive
during the walk make the count grow: then another pass begins, and as soon as its first answers supply what was
missed, the numbers agree. A count that shrinks says that rows may have been skipped: then the pass begins afresh.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from events.nexmo import errors
from events.sync.limits import MARGIN, MOST_PAGES, PAGE_SIZE, PASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from events.nexmo.client import AuditClient
    from events.nexmo.parse import Event, EventPage
    from events.sync.coverage import Window


class FiltersIgnored(Exception):
    """The API sent events far outside the dates asked for."""


class _NeedsContent(Exception):
    """Two texts came under one id, and only the digest of the first is left: is it the same event?"""


def _mark(text: str) -> bytes:
    """What a walk keeps of a text: enough to tell it from others, whatever its length."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass
class Reading:
    """What came of a window.

    `asked_at` is our clock at the last request, `sent_at` the API's at its answer. `narrower_may_help` says that asking
    for fewer days could verify what this walk could not.
    """

    asked_at: datetime
    sent_at: datetime | None = None
    verified: bool = False
    reason: str = ""
    narrower_may_help: bool = False
    reported: int | None = None
    received: int = 0
    pages: int = 0


@dataclass
class Walk:
    """One window, asked for with a margin of a day on both sides: how the API reads dates is not documented.

    Of the events in hand only digests are kept: a window may hold all that an account has.

    Args:
        on_page: called with each page as it arrives.
        reads_ahead: Nexmo is asked for the next page while `on_page` is at work.
        most_pages: the walk gives up after so many, unverified.
    """

    client: AuditClient
    window: Window
    on_page: Callable[[EventPage], None]
    send_dates: bool = True
    reads_ahead: bool = False
    most_pages: int = MOST_PAGES
    pages: int = 0
    asked_at: datetime = field(default_factory=timezone.now)
    _seen: dict[bytes, bytes] = field(default_factory=dict)  # every distinct event in hand: its key and its text
    _by_content: bool = False  # the marks are of events' contents, not of their texts
    _kept: dict[int, tuple[EventPage, datetime]] = field(default_factory=dict)
    _last_total: int | None = None
    _ahead: tuple[int, datetime] | None = None  # the page that is being asked for already, and since when

    def has(self, identity: str) -> bool:
        """Whether an event of this key is in hand."""
        return _mark(identity) in self._seen

    def page(self, number: int, *, and_next: bool = False) -> EventPage:
        """Ask for one page and hand it on at once: what has been read is archived, whatever comes next.

        Args:
            and_next: the next page will be asked for, if there is one.
        """
        if number in self._kept:
            page, self.asked_at = self._kept.pop(number)
            return page
        ahead, self._ahead = self._ahead, None
        self.asked_at = ahead[1] if ahead and ahead[0] == number else timezone.now()
        start, end = self.dates()
        page = self.client.list_events(page=number, size=PAGE_SIZE, date_from=start, date_to=end)
        self.pages += 1
        has_next = number * PAGE_SIZE < (page.total or 0) and number + 1 not in self._kept
        if and_next and self.reads_ahead and page.events and has_next:
            self._ahead = number + 1, timezone.now()
            self.client.read_ahead(page=number + 1, size=PAGE_SIZE, date_from=start, date_to=end)
        self.on_page(page)
        self._check_dates(page.events, start, end)
        return page

    def peek(self, number: int) -> EventPage:
        """Ask for a page before the walk begins, which will then not ask for it again."""
        page = self.page(number)
        self._kept[number] = page, self.asked_at
        return page

    def dates(self) -> tuple[datetime | None, datetime | None]:
        """What the API is asked for: the window with its margins; None for an open end."""
        if not self.send_dates:
            return None, None
        start, end = self.window.span(self.asked_at)
        return start - MARGIN if start else None, end + MARGIN if self.window.last else None

    def _check_dates(self, events: Iterable[Event], start: datetime | None, end: datetime | None) -> None:
        for event in events:
            at = event.created_at
            if at and ((start and at < start - MARGIN) or (end and at > end + MARGIN)):
                raise FiltersIgnored

    def read(self) -> Reading:
        """Walk the window in as many passes as it takes, within reason."""
        seen = self._seen
        unchanged = None
        for number in range(1, PASSES + 1):
            try:
                outcome = self._pass(again=number > 1)
            except _NeedsContent:
                self._by_content = True
                seen.clear()
                outcome = self._pass(again=number > 1)
            if outcome.verified or outcome.reported is None:
                return outcome
            if outcome.shrank or len(seen) > outcome.reported:
                seen.clear()  # something vanished: what was skipped meanwhile cannot be told by counting
                continue
            if (len(seen), outcome.reported) == unchanged:
                return outcome  # nothing moves: the API's count and its rows simply differ
            unchanged = (len(seen), outcome.reported)
        outcome.narrower_may_help = True
        outcome.reason = f"The number of events kept changing during {PASSES} readings. {outcome.reason}"
        return outcome

    def _fell(self, page: EventPage) -> bool:
        return self._last_total is not None and page.total is not None and page.total < self._last_total

    def _pass(self, *, again: bool) -> _Outcome:
        """Read the pages once, adding to what is in hand."""
        seen = self._seen
        outcome = _Outcome(asked_at=self.asked_at)
        number, empty_handed = 0, 0
        while number < self.most_pages:
            number += 1
            try:
                # A second pass may end with any page.
                page = self.page(number, and_next=not again and number < self.most_pages)
                if number == 1 and again and self._fell(page):
                    seen.clear()  # something vanished since the last pass: rows may have been skipped in it
            except (errors.NotFound, errors.RequestRejected) as error:
                if number == 1:
                    raise
                outcome.narrower_may_help = not isinstance(error, errors.NotFound)
                outcome.reason = f"Page {number} was refused: {error.detail or error.status}."
                break
            new = self._take(page.events)
            outcome.note(page, self.asked_at)
            if again and outcome.agrees(seen):
                break
            if not page.events:
                outcome.reason = f"Page {number} came back empty."
                break
            # One page without anything new is usual when rows shift; two say that the pages repeat.
            empty_handed = 0 if new or again else empty_handed + 1
            if empty_handed == 2:
                outcome.reason = f"Pages {number - 1} and {number} repeated earlier ones."
                break
            if number >= outcome.last_page(page):
                break
        else:
            outcome.reason = f"More than {self.most_pages:,} pages were not read."
        self._last_total = outcome.reported
        outcome.pages = self.pages
        outcome.received = len(seen)
        outcome.verified = outcome.agrees(seen)
        if outcome.verified:
            outcome.reason = ""
        elif outcome.reported is None:
            sent = "no count"
            if outcome.bad_total:
                sent = f"a count that no account can have ({outcome.bad_total})"
            outcome.reason = f"Nexmo gave {sent}, so nothing proves that {len(seen):,} events are all."
        else:
            counted = f"Nexmo counts {outcome.reported:,} events here and sent {len(seen):,}."
            outcome.reason = f"{counted} {outcome.reason}".strip()
        return outcome

    def _take(self, events: Iterable[Event]) -> int:
        """Add events to those in hand and return how many were new. The same id with other content is another row.

        Raises:
            _NeedsContent: texts must be told apart by their content, and that of an earlier page is not kept.
        """
        seen, before = self._seen, len(self._seen)
        page: dict[bytes, Event] = {}  # those that this page brought
        for event in events:
            key = _mark(event.identity)
            mark = _mark(event.digest if self._by_content else event.raw)
            if seen.setdefault(key, mark) == mark:
                page.setdefault(key, event)
                continue
            digest = event.digest
            twin = _mark(f"{event.identity} {digest}")
            if twin in seen:
                continue
            if not self._by_content:
                if key not in page:
                    raise _NeedsContent
                if page[key].digest == digest:
                    continue
            seen[twin] = mark
        return len(seen) - before


@dataclass
class _Outcome(Reading):
    shrank: bool = False
    bad_total: str = ""
    _page_size: int = 0

    def note(self, page: EventPage, asked_at: datetime) -> None:
        self.asked_at, self.sent_at = asked_at, page.sent_at
        self.bad_total = page.bad_total
        if page.total is not None:
            self.shrank = self.shrank or (self.reported is not None and page.total < self.reported)
            self.reported = page.total
        self._page_size = self._page_size or len(page.events)

    def agrees(self, seen: dict[bytes, bytes]) -> bool:
        return self.reported is not None and not self.shrank and len(seen) == self.reported

    def last_page(self, page: EventPage) -> int:
        """The last page's number by the newest answer: by the API's count of rows and by what it really sends.

        Without any count the walk goes on until a page comes back empty.
        """
        if self.reported is None:
            return page.total_pages or MOST_PAGES
        by_rows = -(-self.reported // max(self._page_size, 1))
        return max(by_rows, page.total_pages or 0) if self._page_size < PAGE_SIZE else by_rows
