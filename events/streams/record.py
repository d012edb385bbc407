"""What a stream has in hand: one event of the archive, or one finding, as plain values.

The engine makes these, and formats read them. A format looks nothing else up, so that what it needs stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from events.fields import load_json
from events.masking import mask, mask_json, mask_valid_json, may_hide
from events.wording.segments import to_segment
from events.wording.sentences import plain_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

# What a whole record takes from `AuditEvent`; from the fifth on, the names are those of the record's fields.
COLUMNS = (
    "seq",
    "created_at",
    "fetched_at",
    "event_id",
    "digest",
    "raw",
    "event_type",
    "event_type_description",
    "created_at_basis",
    "user_email",
    "user_id",
    "source",
    "source_description",
    "source_ip",
    "source_country",
    "context",
    "odd_fields",
    "reported_account",
)
LONGEST_VALUE = 1_000  # characters; what is longer stands whole in the event as received


_MAY_HIDE = tuple(name for name in COLUMNS[6:] if name != "context")
_FOUND_MAY_HIDE = ("event_type", "user_email", "source_ip", "source_country")


def _hide(record: Any, names: Sequence[str]) -> None:
    """Once for all formats: hide what is sensitive in a new record's plain texts."""
    values = [getattr(record, name) for name in names]
    if may_hide(values):
        for name, value in zip(names, values, strict=True):
            object.__setattr__(record, name, mask(value))


@dataclass(frozen=True)
class EventRecord:
    """One archived event on its way out. Its names are those of `AuditEvent`, where there are such.

    Attributes:
        account, account_name: its account's API key and what people call it.
        sequence: its place in the account's chain, from 1 (`AuditEvent.seq`).
        digest: the chain's digest at that place, in hex (`AuditEvent.digest`).
        raw: the event as received.
        context: JSON text as stored, or None.
        odd_fields: fields that were not as documented, comma-separated.
        reported_account: the account_id within the event, if it is another account's.
        received_at: when it was fetched (`AuditEvent.fetched_at`).
        previous_sequence: the sequence number of the account's event that the same stream sent before this one; 0 for
            the first, None where the engine does not say. By it a loss shows although a filter leaves events out.
        url: where the site shows it.
        is_test: that this is not an event, but a test of the destination.
    """

    account: str
    account_name: str
    sequence: int
    digest: str
    raw: str
    event_id: str
    event_type: str
    event_type_description: str
    created_at: datetime
    created_at_basis: str
    user_email: str
    user_id: str
    source: str
    source_description: str
    source_ip: str
    source_country: str
    context: str | None
    odd_fields: str = ""
    reported_account: str = ""
    received_at: datetime | None = None
    previous_sequence: int | None = None
    url: str = ""
    is_test: bool = False

    def __post_init__(self) -> None:
        _hide(self, _MAY_HIDE)

    @cached_property
    def masked_raw(self) -> str:
        """The event as received, with what is sensitive in it hidden."""
        return mask_json(self.raw)

    @cached_property
    def masked_context(self) -> str:
        """The context as JSON text, masked as in exports; "" for none."""
        return mask_valid_json(self.context) if self.context else ""

    @cached_property
    def details(self) -> Any:
        """The context as a value, masked; None for none."""
        return load_json(self.masked_context)

    @cached_property
    def real_details(self) -> Any:
        """The same not masked, to compare values with each other: none of it is sent."""
        return load_json(self.context) if self.masked_context != self.context else self.details

    @cached_property
    def values(self) -> dict[str, str]:
        """The plain values of the context by their names in lower case, masked."""
        return plain_values(self.details, LONGEST_VALUE)


@dataclass(frozen=True)
class Lot:
    """Events of one account that go out together, in the order of its chain, as they were read.

    Attributes:
        columns: names of `AuditEvent`'s columns, the first of them `seq` and `created_at`.
        rows: their values; times as the database hands them over, read by `as_time`.
        sent_before: the sequence number of the event that the same stream sent before these; 0 for none.
        pages: the address under which the site shows the account's events.
    """

    account: str
    account_name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    sent_before: int
    pages: str
    as_time: Callable[[Any], datetime]

    def records(self) -> Iterator[EventRecord]:
        """The events one by one; needs all of `COLUMNS`."""
        previous = self.sent_before
        for seq, created_at, fetched_at, event_id, *others in self.rows:
            values = dict(zip(COLUMNS[4:], others, strict=True))
            yield EventRecord(
                account=self.account,
                account_name=self.account_name,
                sequence=seq,
                created_at=self.as_time(created_at),
                received_at=None if fetched_at is None else self.as_time(fetched_at),
                event_id=event_id,
                previous_sequence=previous,
                url=f"{self.pages}{quote(to_segment(event_id), safe='')}/",
                **values,
            )
            previous = seq


@dataclass(frozen=True)
class FoundEvent:
    """One of the events that led to a finding.

    Attributes:
        account: its account's API key.
        step: which of a correlation's selections it matched.
        sequence, digest: its place in the account's chain; 0 and "" where retention has removed it.
    """

    account: str
    event_id: str
    event_type: str
    created_at: datetime
    user_email: str = ""
    source_ip: str = ""
    source_country: str = ""
    step: str = ""
    sequence: int = 0
    digest: str = ""

    def __post_init__(self) -> None:
        _hide(self, _FOUND_MAY_HIDE)


@dataclass(frozen=True)
class FindingRecord:
    """One finding on its way out, as far as the stream may see it.

    Attributes:
        number: the finding's own (`Finding.pk`).
        rule: the rule's id, a UUID.
        severity: from 0, informational, to 4, critical.
        state, resolution: codes of `Finding`.
        explanation: what the rule says about it.
        next_steps: what to do now, in order.
        tags: the rule's, such as "attack.t1098.001".
        accounts: API key and name of each.
        events: the first of them; `event_count` counts all.
        changed_at: when it was last extended or its state changed; None for a new one.
        url: where the site shows it.
        is_test: that this is not a finding, but a test of the destination.
    """

    number: int
    rule: str
    title: str
    severity: int
    state: str
    found_at: datetime
    first_at: datetime
    last_at: datetime
    event_count: int
    resolution: str = ""
    explanation: str = ""
    next_steps: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    accounts: tuple[tuple[str, str], ...] = ()
    events: tuple[FoundEvent, ...] = ()
    changed_at: datetime | None = None
    url: str = ""
    is_test: bool = False

    @property
    def at(self) -> datetime:
        """When what this says became true."""
        return self.changed_at or self.found_at


@dataclass(frozen=True)
class AccessRecord:
    """One entry of the access log on its way out. Its names are those of `AccessEntry`, where there are such.

    Attributes:
        number: its key; entries come in the order of their numbers, some of which no entry has.
        what: the kind of thing (`AccessEntry.kind`).
        detail: JSON text; "" for none.
    """

    number: int
    at: datetime
    action: str
    what: str
    object_id: str
    object_name: str
    accounts: tuple[str, ...]
    person: str
    via: str
    via_id: str
    address: str
    agent: str
    status: int | None
    request_id: str
    detail: str
    record_hash: str
