"""ECS, the Elastic Common Schema: what Elasticsearch, OpenSearch and their SIEMs expect.

Values that ECS has no field for stand under `auditsite`. A context is one text there, because contexts have no schema:
an index would refuse an event whose context has a number where an earlier one had a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from events.detection.sigma import attack
from events.nexmo.applications import ABOUT_TYPES, application
from events.streams.formats.declared import Field, Format, Shape, ip, time
from events.streams.formats.meanings import APPLICATION, USER, meaning, outcome, told, words
from events.streams.formats.sentence import what_happened
from events.wording import severity
from events.wording.changes import changes_behind
from events.wording.codes import is_country_code
from events.wording.sentences import ADDRESS, NUMBER, PERSON, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.streams.record import AccessRecord, EventRecord, FindingRecord, FoundEvent

VERSION = "9.4.0"
TEST_TAG = "auditsite-test"


def _each(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _country(code: str) -> str:
    return code if len(code) == 2 and is_country_code(code) else ""


def _target(event: EventRecord) -> str:
    """Whom an event is about, where that is a user."""
    return told(event, PERSON) if meaning(event.event_type).about is USER else ""


def _application(event: EventRecord) -> tuple[str, str]:
    """Id and name of the application that an event is about: in other events a name is of something else."""
    is_about = event.event_type in ABOUT_TYPES or meaning(event.event_type).about is APPLICATION
    return application(event.details) if is_about else ("", "")


def _changes(event: EventRecord) -> list[str]:
    told_changes = changes_behind(event.real_details, event.details)
    return [f"{change.field}: {change.before or ''} → {change.after or ''}" for change in told_changes]


def _techniques(finding: FindingRecord) -> list[str]:
    return _each(technique.uid.partition(".")[0] for technique in attack.techniques(finding.tags))


def _names(finding: FindingRecord, *, is_sub: bool) -> list[str]:
    named = attack.techniques(finding.tags)
    return _each(technique.name for technique in named if technique.is_sub_technique is is_sub)


def _found(event: FoundEvent) -> dict[str, Any]:
    values = {
        "account": event.account,
        "id": event.event_id,
        "type": event.event_type,
        "created_at": time(event.created_at),
        "user_email": event.user_email,
        "source_ip": ip(event.source_ip),
        "step": event.step,
        "sequence": event.sequence,
        "digest": event.digest,
    }
    return {name: value for name, value in values.items() if value}


EVENT: Shape[EventRecord] = Shape(
    (
        Field("@timestamp", "`created_at`, in UTC", lambda event: time(event.created_at)),
        Field("ecs.version", f"always `{VERSION}`", lambda _: VERSION),
        Field("message", "the event as a sentence", what_happened),
        Field("tags", f"`{TEST_TAG}` for a test", lambda event: [TEST_TAG] if event.is_test else None),
        Field("event.kind", "always `event`", lambda _: "event"),
        Field("event.category", "by event type, see above", lambda event: [meaning(event.event_type).ecs_category]),
        Field("event.type", "by event type, see above", lambda event: list(meaning(event.event_type).ecs_types)),
        Field(
            "event.action",
            "`event_type` as in `number-assign`",
            lambda event: event.event_type.lower().replace("_", "-"),
        ),
        Field("event.outcome", "`success`, `failure` or `unknown`, see above", outcome),
        Field("event.code", "`event_type`", lambda event: event.event_type),
        Field("event.reason", "`event_type_description`, or what Nexmo has published", words),
        Field("event.id", "`id`", lambda event: event.event_id),
        Field("event.sequence", "**sequence number** in the account's chain", lambda event: event.sequence),
        Field("event.module", "always `auditsite`", lambda _: "auditsite"),
        Field("event.dataset", "always `auditsite.event`", lambda _: "auditsite.event"),
        Field("event.provider", "`source`", lambda event: event.source),
        Field("event.created", "when Auditsite fetched the event", lambda event: time(event.received_at)),
        Field("event.url", "the event's page", lambda event: event.url),
        Field("event.original", "the event as received, masked", lambda event: event.masked_raw),
        Field("cloud.provider", "always `vonage`", lambda _: "vonage"),
        Field("cloud.account.id", "**account**: API key", lambda event: event.account),
        Field("cloud.account.name", "name of the account here", lambda event: event.account_name),
        Field("user.id", "`user_id`", lambda event: event.user_id),
        Field("user.email", "`user_email`, in lower case", lambda event: event.user_email),
        Field("user.name", "the same", lambda event: event.user_email),
        Field("user.target.email", "for events about users: whom the context names", _target),
        Field("source.address", "`source_ip`, as received", lambda event: event.source_ip),
        Field("source.ip", "`source_ip`, where it is an address", lambda event: ip(event.source_ip)),
        Field(
            "source.geo.country_iso_code",
            "`source_country`, where it is a code",
            lambda event: _country(event.source_country),
        ),
        Field(
            "related.user", "all users above", lambda event: _each((event.user_email, event.user_id, _target(event)))
        ),
        Field("related.ip", "`source_ip`, where it is an address", lambda event: _each((ip(event.source_ip),))),
        Field("auditsite.digest", "**digest** of the chain", lambda event: event.digest),
        Field(
            "auditsite.previous_sequence",
            "sequence number sent before this one",
            lambda event: event.previous_sequence,
        ),
        Field("auditsite.context", "`context` as JSON text, masked", lambda event: event.masked_context),
        Field("auditsite.changes", "what the context says of before and after", _changes),
        Field("auditsite.number", "the phone number in the context", lambda event: told(event, NUMBER)),
        Field("auditsite.application.id", "the application's id in the context", lambda event: _application(event)[0]),
        Field("auditsite.application.name", "its name in the context", lambda event: _application(event)[1]),
        Field("auditsite.secret.id", "the secret's id in the context", lambda event: told(event, SECRET)),
        Field("auditsite.allowed_address", "the address in the context", lambda event: told(event, ADDRESS)),
        Field("auditsite.source_description", "`source_description`", lambda event: event.source_description),
        Field("auditsite.created_at_basis", "what the event's time rests on", lambda event: event.created_at_basis),
        Field(
            "auditsite.odd_fields",
            "fields that were not as documented",
            lambda event: _each(event.odd_fields.split(",")),
        ),
        Field(
            "auditsite.reported_account",
            "`account_id`, where it is another account",
            lambda event: event.reported_account,
        ),
    )
)

FINDING: Shape[FindingRecord] = Shape(
    (
        Field("@timestamp", "when it was found or last changed", lambda finding: time(finding.at)),
        Field("ecs.version", f"always `{VERSION}`", lambda _: VERSION),
        Field("message", "title of the rule", lambda finding: finding.title),
        Field("tags", f"`{TEST_TAG}` for a test", lambda finding: [TEST_TAG] if finding.is_test else None),
        Field("event.kind", "always `alert`", lambda _: "alert"),
        Field("event.category", "always `intrusion_detection`", lambda _: ["intrusion_detection"]),
        Field("event.type", "always `info`", lambda _: ["info"]),
        Field("event.action", "state", lambda finding: f"finding-{finding.state}"),
        Field("event.id", "number of the finding", lambda finding: str(finding.number)),
        Field("event.module", "always `auditsite`", lambda _: "auditsite"),
        Field("event.dataset", "always `auditsite.finding`", lambda _: "auditsite.finding"),
        Field("event.severity", "from 0, informational, to 4, critical", lambda finding: finding.severity),
        Field("event.reason", "what the rule says about it", lambda finding: finding.explanation),
        Field("event.created", "when it was found", lambda finding: time(finding.found_at)),
        Field("event.start", "time of its first event", lambda finding: time(finding.first_at)),
        Field("event.end", "time of its last event", lambda finding: time(finding.last_at)),
        Field("event.url", "the finding's page", lambda finding: finding.url),
        Field("rule.id", "id of the rule", lambda finding: finding.rule),
        Field("rule.name", "title of the rule", lambda finding: finding.title),
        Field(
            "threat.framework",
            f"`{attack.FRAMEWORK}`, where tags name something of it",
            lambda finding: attack.FRAMEWORK if attack.tactics(finding.tags) or _techniques(finding) else None,
        ),
        Field("threat.tactic.id", "tags", lambda finding: [named.uid for named in attack.tactics(finding.tags)]),
        Field("threat.tactic.name", "tags", lambda finding: [named.name for named in attack.tactics(finding.tags)]),
        Field("threat.technique.id", "tags", _techniques),
        Field("threat.technique.name", "tags", lambda finding: _names(finding, is_sub=False)),
        Field(
            "threat.technique.subtechnique.id",
            "tags",
            lambda finding: [named.uid for named in attack.techniques(finding.tags) if named.is_sub_technique],
        ),
        Field("threat.technique.subtechnique.name", "tags", lambda finding: _names(finding, is_sub=True)),
        Field("cloud.provider", "always `vonage`", lambda _: "vonage"),
        Field(
            "cloud.account.id",
            "**account**: API key, of a finding in one account",
            lambda finding: finding.accounts[0][0] if len(finding.accounts) == 1 else None,
        ),
        Field(
            "cloud.account.name",
            "name of the account here, likewise",
            lambda finding: finding.accounts[0][1] if len(finding.accounts) == 1 else None,
        ),
        Field("related.user", "users of its events", lambda finding: _each(each.user_email for each in finding.events)),
        Field(
            "related.ip",
            "addresses of its events",
            lambda finding: _each(ip(each.source_ip) for each in finding.events),
        ),
        Field("auditsite.severity", "severity in a word", lambda finding: severity.slug(finding.severity)),
        Field("auditsite.state", "state", lambda finding: finding.state),
        Field("auditsite.resolution", "resolution", lambda finding: finding.resolution),
        Field("auditsite.event_count", "number of events", lambda finding: finding.event_count),
        Field("auditsite.accounts", "API keys", lambda finding: [key for key, _ in finding.accounts]),
        Field(
            "auditsite.events",
            "its first events: `account`, `id`, `type`, `created_at`, `user_email`, `source_ip`, `step`, and of the "
            "chain **`sequence`** and **`digest`**",
            lambda finding: [_found(event) for event in finding.events],
        ),
        Field("auditsite.next_steps", "what to do now", lambda finding: list(finding.next_steps)),
        Field("auditsite.tags", "tags of the rule", lambda finding: list(finding.tags)),
    )
)

# ECS category and types of what was done, by its action; all others only looked at something.
_ACCESS: dict[str, tuple[str, str]] = {
    "login": ("authentication", "start"),
    "logout": ("authentication", "end"),
    "session_ended": ("session", "end"),
    **dict.fromkeys(
        ("login_failed", "login_refused", "locked_out", "confirmed", "confirm_failed", "factor_failed"),
        ("authentication", "info"),
    ),
    **dict.fromkeys(("factor_added", "factor_removed", "factor_reset", "password_changed"), ("iam", "change")),
    "rights_changed": ("iam", "change"),
    "created": ("configuration", "creation"),
    "changed": ("configuration", "change"),
    "credentials_changed": ("configuration", "change"),
    "deleted": ("configuration", "deletion"),
}
_FAILED = ("login_failed", "login_refused", "locked_out", "confirm_failed", "factor_failed", "refused")

ACCESS: Shape[AccessRecord] = Shape(
    (
        Field("@timestamp", "time", lambda entry: time(entry.at)),
        Field("ecs.version", f"always `{VERSION}`", lambda _: VERSION),
        Field("message", "person, action and thing", lambda e: f"{e.person} {e.action} {e.what} {e.object_id}".strip()),
        Field("event.kind", "always `event`", lambda _: "event"),
        Field("event.category", "by what was done", lambda e: [_ACCESS.get(e.action, ("web", ""))[0]]),
        Field("event.type", "by what was done", lambda e: [_ACCESS.get(e.action, ("", "access"))[1]]),
        Field("event.outcome", "`failure` or `success`", lambda e: "failure" if e.action in _FAILED else "success"),
        Field("event.action", "what was done, such as `login`, `listed`", lambda entry: entry.action),
        Field("event.id", "number of the entry", lambda entry: str(entry.number)),
        Field("event.sequence", "the same as a number", lambda entry: entry.number),
        Field("event.module", "always `auditsite`", lambda _: "auditsite"),
        Field("event.dataset", "always `auditsite.access`", lambda _: "auditsite.access"),
        Field("user.name", "the username, or of a command the system's user", lambda entry: entry.person),
        Field("source.address", "network address", lambda entry: entry.address),
        Field("source.ip", "the same, where it is an IP address", lambda entry: ip(entry.address)),
        Field("user_agent.original", "what the browser or program calls itself", lambda entry: entry.agent),
        Field("http.response.status_code", "status of the answer", lambda entry: entry.status),
        Field("http.request.id", "id of the request, as in the process's log", lambda entry: entry.request_id),
        Field("cloud.provider", "always `vonage`", lambda _: "vonage"),
        Field(
            "cloud.account.id",
            "**account**: API key, where it is one",
            lambda entry: entry.accounts[0] if len(entry.accounts) == 1 else None,
        ),
        Field("related.user", "the username", lambda entry: _each((entry.person,))),
        Field("related.ip", "the address", lambda entry: _each((ip(entry.address),))),
        Field("auditsite.accounts", "API keys", lambda entry: list(entry.accounts)),
        Field("auditsite.what", "the kind of thing, such as `event`, `account`", lambda entry: entry.what),
        Field("auditsite.object_id", "key or id of the thing", lambda entry: entry.object_id),
        Field("auditsite.object_name", "its name", lambda entry: entry.object_name),
        Field("auditsite.via", "`session`, `token`, `command` or `nobody`", lambda entry: entry.via),
        Field(
            "auditsite.via_id",
            "the session's digest, the token's or the command's name",
            lambda entry: entry.via_id,
        ),
        Field("auditsite.detail", "more, as JSON text: filter, rows, changed fields", lambda entry: entry.detail),
        Field("auditsite.record_hash", "SHA-256 of the entry, as it is chained", lambda entry: entry.record_hash),
    )
)

ECS = Format("ecs", f"Elastic Common Schema {VERSION}", EVENT.make, FINDING.make, access=ACCESS.make)
