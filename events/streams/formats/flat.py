"""Flat: one level of names and plain values, named as the columns of exports and the fields of alerts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.streams.formats.declared import Field, Format, Shape, time
from events.streams.formats.sentence import what_happened
from events.wording import severity

if TYPE_CHECKING:
    from events.streams.record import EventRecord, FindingRecord

EVENT: Shape[EventRecord] = Shape(
    (
        Field("kind", "always `event`", lambda _: "event"),
        Field("account", "**account**: API key", lambda event: event.account),
        Field("account_name", "name of the account here", lambda event: event.account_name),
        Field("sequence", "**sequence number** in the account's chain", lambda event: event.sequence),
        Field("previous_sequence", "sequence number sent before this one", lambda event: event.previous_sequence),
        Field("digest", "**digest** of the chain", lambda event: event.digest),
        Field("event_id", "`id`", lambda event: event.event_id),
        Field("event_type", "`event_type`", lambda event: event.event_type),
        Field("event_type_description", "`event_type_description`", lambda event: event.event_type_description),
        Field("created_at", "`created_at`, in UTC", lambda event: time(event.created_at)),
        Field("created_at_basis", "what that time rests on", lambda event: event.created_at_basis),
        Field("received_at", "when Auditsite fetched the event", lambda event: time(event.received_at)),
        Field("user_email", "`user_email`, in lower case", lambda event: event.user_email),
        Field("user_id", "`user_id`", lambda event: event.user_id),
        Field("source", "`source`", lambda event: event.source),
        Field("source_description", "`source_description`", lambda event: event.source_description),
        Field("source_ip", "`source_ip`, as received", lambda event: event.source_ip),
        Field("source_country", "`source_country`, in upper case", lambda event: event.source_country),
        Field("what_happened", "the event as a sentence", what_happened),
        Field("context", "`context` as JSON text, masked", lambda event: event.masked_context),
        Field("odd_fields", "fields that were not as documented", lambda event: event.odd_fields),
        Field("reported_account", "`account_id`, where it is another account", lambda event: event.reported_account),
        Field("url", "the event's page", lambda event: event.url),
        Field("raw", "the event as received, as text, masked", lambda event: event.masked_raw),
        Field("test", "`true` for a test", lambda event: event.is_test or None),
    )
)

FINDING: Shape[FindingRecord] = Shape(
    (
        Field("kind", "always `finding`", lambda _: "finding"),
        Field("number", "number of the finding", lambda finding: finding.number),
        Field("title", "title of the rule", lambda finding: finding.title),
        Field("rule", "id of the rule", lambda finding: finding.rule),
        Field("severity", "`informational` to `critical`", lambda finding: severity.slug(finding.severity)),
        Field("state", "state", lambda finding: finding.state),
        Field("resolution", "`true` positive, `false` positive or `benign`", lambda finding: finding.resolution),
        Field("found_at", "when it was found", lambda finding: time(finding.found_at)),
        Field("changed_at", "when it last changed", lambda finding: time(finding.changed_at)),
        Field("first_at", "time of its first event", lambda finding: time(finding.first_at)),
        Field("last_at", "time of its last event", lambda finding: time(finding.last_at)),
        Field("event_count", "number of events", lambda finding: finding.event_count),
        Field("accounts", "API keys", lambda finding: [key for key, _ in finding.accounts]),
        Field("account_names", "names of the accounts", lambda finding: [name for _, name in finding.accounts]),
        Field("event_ids", "ids of its first events", lambda finding: [event.event_id for event in finding.events]),
        Field("tags", "tags of the rule", lambda finding: list(finding.tags)),
        Field("explanation", "what the rule says about it", lambda finding: finding.explanation),
        Field("next_steps", "what to do now", lambda finding: list(finding.next_steps)),
        Field("url", "the finding's page", lambda finding: finding.url),
        Field("test", "`true` for a test", lambda finding: finding.is_test or None),
    )
)

FLAT = Format("flat", "Flat", EVENT.make, FINDING.make)
