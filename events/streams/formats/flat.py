"""Flat: one level of names and plain values, named as the columns of exports and the fields of alerts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.streams.formats.declared import Field, Format, Shape, time
from events.streams.formats.sentence import what_happened
from events.wording import severity

if TYPE_CHECKING:
    from events.streams.record import AccessRecord, EventRecord, FindingRecord

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

ACCESS: Shape[AccessRecord] = Shape(
    (
        Field("kind", "always `access`", lambda _: "access"),
        Field("number", "number of the entry", lambda entry: entry.number),
        Field("at", "time, in UTC", lambda entry: time(entry.at)),
        Field("person", "the username, or of a command the system's user", lambda entry: entry.person),
        Field("action", "what was done, such as `login`, `listed`, `export_begun`", lambda entry: entry.action),
        Field("what", "the kind of thing, such as `event`, `account`, `session`", lambda entry: entry.what),
        Field("object_id", "key or id of the thing", lambda entry: entry.object_id),
        Field("object_name", "its name", lambda entry: entry.object_name),
        Field("accounts", "API keys", lambda entry: list(entry.accounts)),
        Field("via", "`session`, `token`, `command` or `nobody`", lambda entry: entry.via),
        Field("via_id", "the session's digest, the token's or the command's name", lambda entry: entry.via_id),
        Field("address", "network address", lambda entry: entry.address),
        Field("agent", "what the browser or program calls itself", lambda entry: entry.agent),
        Field("status", "status of the answer", lambda entry: entry.status),
        Field("request_id", "id of the request, as in the process's log", lambda entry: entry.request_id),
        Field("detail", "more, as JSON text: filter, rows, changed fields", lambda entry: entry.detail),
        Field("record_hash", "SHA-256 of the entry, as it is chained", lambda entry: entry.record_hash),
    )
)

FLAT = Format("flat", "Flat", EVENT.make, FINDING.make, access=ACCESS.make)
