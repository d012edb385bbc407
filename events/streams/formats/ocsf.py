"""OCSF, the Open Cybersecurity Schema Framework: events as API Activity, Account Change or Authentication, findings as
Detection Finding, all with the profile `cloud`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from events.detection.sigma import attack
from events.streams.formats.declared import Field, Shape, ip, milliseconds, time
from events.streams.formats.meanings import (
    ACCOUNT,
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    FAILURE,
    NOT_TOLD,
    SEVERITIES,
    SUCCESS,
    USER,
    activity,
    meaning,
    outcome,
    told,
)
from events.streams.formats.sentence import what_happened
from events.wording.codes import is_country_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from events.streams.formats.meanings import OcsfClass
    from events.streams.record import EventRecord, FindingRecord, FoundEvent

VERSION = "1.8.0"
TEST_LABEL = "auditsite-test"
PROVIDER = "Vonage"
STATUSES = {SUCCESS: (1, "Success"), FAILURE: (2, "Failure"), NOT_TOLD: (0, "Unknown")}
# By state of a finding: activity, status_id and status.
NEW, GOES_ON, CLOSED = 1, 2, 3
STATES = {
    "open": (GOES_ON, 1, "New"),
    "acknowledged": (GOES_ON, 2, "In Progress"),
    "resolved": (CLOSED, 4, "Resolved"),
    "suppressed": (CLOSED, 3, "Suppressed"),
    "withdrawn": (CLOSED, 99, "Withdrawn"),
}
RULE = 1  # a kind of analytic
# What the schema calls an address of e-mail.
_EMAIL = re.compile(r"\A[\w.!#$%&'*+/=?^`{|}~-]++@[A-Za-z0-9-]++\.[A-Za-z0-9.-]++\Z", re.ASCII)


def without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _user(uid: str, name: str) -> dict[str, Any]:
    return without_nothing({"uid": uid, "name": name, "email_addr": name if _EMAIL.match(name) else ""})


def _account(key: str, name: str) -> dict[str, Any]:
    return without_nothing({"uid": key, "name": name})


def _actor(event: EventRecord) -> dict[str, Any]:
    """Who did it; where Nexmo names nobody, the way it was done."""
    if user := _user(event.user_id, event.user_email):
        return {"user": user}
    return {"app_name": event.source_description or event.source or "unknown"}


def _subject(event: EventRecord) -> dict[str, Any]:
    """The user who was changed or logged in: whom the context names, else who did it, else some user of the account."""
    meant = meaning(event.event_type)
    of_account = {"account": _account(event.account, event.account_name)}
    if meant.about is ACCOUNT:
        return of_account
    own = _user(event.user_id, event.user_email)
    if meant.ocsf is AUTHENTICATION:
        return own or of_account
    return _user(told(event, USER.uid), told(event, USER.name)) or own or of_account


def _resources(event: EventRecord) -> list[dict[str, Any]]:
    """What was changed; the account itself where the context names nothing."""
    thing = meaning(event.event_type).about
    named = without_nothing({"uid": told(event, thing.uid), "name": told(event, thing.name)})
    if named:
        return [{"type": thing.kind} | named]
    return [{"type": ACCOUNT.kind} | _account(event.account, event.account_name)]


def _country(code: str) -> dict[str, Any]:
    return {"country": code} if len(code) == 2 and is_country_code(code) else {}


def _source(event: EventRecord) -> dict[str, Any]:
    """Where it was done from; where Nexmo gives no address, by which of its services."""
    values = {"ip": ip(event.source_ip), "svc_name": event.source, "location": _country(event.source_country)}
    endpoint = without_nothing(values)
    return endpoint if endpoint.keys() - {"location"} else endpoint | {"svc_name": "unknown"}


def _own(event: EventRecord) -> dict[str, Any]:
    """What only Auditsite knows."""
    values = {
        "digest": event.digest,
        "previous_sequence": event.previous_sequence,
        "created_at_basis": event.created_at_basis,
        "odd_fields": event.odd_fields,
        "reported_account": event.reported_account,
        "url": event.url,
    }
    return without_nothing(values)


def _of(*classes: OcsfClass) -> Callable[[Callable[[EventRecord], Any]], Callable[[EventRecord], Any]]:
    """A field that only some classes have."""

    def only(value: Callable[[EventRecord], Any]) -> Callable[[EventRecord], Any]:
        return lambda event: value(event) if meaning(event.event_type).ocsf in classes else None

    return only


def _class(event: EventRecord) -> OcsfClass:
    return meaning(event.event_type).ocsf


EVENT: Shape[EventRecord] = Shape(
    (
        Field("category_uid", "by class", lambda event: _class(event).category_uid),
        Field("category_name", "by class", lambda event: _class(event).category),
        Field("class_uid", "by event type, see above", lambda event: _class(event).uid),
        Field("class_name", "by class", lambda event: _class(event).name),
        Field("activity_id", "by event type, see above", lambda event: activity(event)[0]),
        Field("activity_name", "by activity", lambda event: activity(event)[1]),
        Field(
            "type_uid", "`class_uid` × 100 + `activity_id`", lambda event: _class(event).type_uid(activity(event)[0])
        ),
        Field(
            "type_name",
            "by class and activity",
            lambda event: f"{_class(event).name}: {_class(event).activities.get(activity(event)[0], 'Other')}",
        ),
        Field("severity_id", "by event type, see above", lambda event: meaning(event.event_type).severity),
        Field("severity", "by `severity_id`", lambda event: SEVERITIES[meaning(event.event_type).severity]),
        Field("status_id", "1, 2 or 0, see above", lambda event: STATUSES[outcome(event)][0]),
        Field("status", "by `status_id`", lambda event: STATUSES[outcome(event)][1]),
        Field("time", "`created_at`, in milliseconds since 1970", lambda event: milliseconds(event.created_at)),
        Field("message", "the event as a sentence", what_happened),
        Field("metadata.version", f"always `{VERSION}`", lambda _: VERSION),
        Field("metadata.profiles", "always `cloud`", lambda _: ["cloud"]),
        Field("metadata.product.name", "always `Vonage Audit API`", lambda _: "Vonage Audit API"),
        Field("metadata.product.vendor_name", f"always `{PROVIDER}`", lambda _: PROVIDER),
        Field("metadata.uid", "`id`", lambda event: event.event_id),
        Field("metadata.sequence", "**sequence number** in the account's chain", lambda event: event.sequence),
        Field("metadata.event_code", "`event_type`", lambda event: event.event_type),
        Field("metadata.log_name", "always `audit`", lambda _: "audit"),
        Field("metadata.log_provider", "always `Auditsite`", lambda _: "Auditsite"),
        Field(
            "metadata.logged_time", "when Auditsite fetched the event", lambda event: milliseconds(event.received_at)
        ),
        Field("metadata.labels", f"`{TEST_LABEL}` for a test", lambda event: [TEST_LABEL] if event.is_test else None),
        Field("cloud.provider", f"always `{PROVIDER}`", lambda _: PROVIDER),
        Field("cloud.account.uid", "**account**: API key", lambda event: event.account),
        Field("cloud.account.name", "name of the account here", lambda event: event.account_name),
        Field("actor", "`user`: `user_id`, `user_email`; with neither `app_name`: `source_description`", _actor),
        Field("api.operation", "`event_type`", lambda event: event.event_type or "unknown"),
        Field("api.service.name", "`source_description`", lambda event: event.source_description),
        Field(
            "src_endpoint",
            "`ip`: `source_ip`, where it is an address; `svc_name`: `source`; `location.country`: `source_country`",
            _source,
        ),
        Field(
            "user",
            "Account Change: the user that the context names, else the actor; Authentication: the actor; with neither, "
            "and for a ban, the account",
            _of(ACCOUNT_CHANGE, AUTHENTICATION)(_subject),
        ),
        Field(
            "service.name",
            "Authentication: always `Vonage dashboard`",
            _of(AUTHENTICATION)(lambda _: "Vonage dashboard"),
        ),
        Field(
            "resources",
            "API Activity: what the context names, with its `type`; else the account",
            _of(API_ACTIVITY)(_resources),
        ),
        Field("raw_data", "the event as received, masked", lambda event: event.masked_raw),
        Field(
            "unmapped.event_type_description",
            "`event_type_description`",
            lambda event: event.event_type_description,
        ),
        Field("unmapped.context", "`context`, masked", lambda event: event.details),
        Field(
            "unmapped.auditsite",
            "**`digest`** of the chain, `previous_sequence`; `created_at_basis`, `odd_fields`, "
            "`reported_account`; `url`, the event's page",
            _own,
        ),
    )
)


def _progress(finding: FindingRecord) -> tuple[int, int, str]:
    """Activity, status_id and status of a finding."""
    number, status_id, status = STATES[finding.state]
    return (NEW if number == GOES_ON and finding.changed_at is None else number), status_id, status


def _activity(finding: FindingRecord) -> int:
    return _progress(finding)[0]


def _attacks(tags: Iterable[str]) -> list[dict[str, Any]]:
    """Tags do not say which technique serves which tactic, so that each stands for itself."""
    attacks = [{"tactic": {"uid": named.uid, "name": named.name}} for named in attack.tactics(tags)]
    for named in attack.techniques(tags):
        kind = "sub_technique" if named.is_sub_technique else "technique"
        attacks.append({kind: without_nothing({"uid": named.uid, "name": named.name})})
    return [each | {"version": attack.VERSION} for each in attacks]


def _related(event: FoundEvent) -> dict[str, Any]:
    values = {"uid": event.event_id, "type": event.event_type, "created_time": milliseconds(event.created_at)}
    return without_nothing(values)


def _evidence(event: FoundEvent) -> dict[str, Any]:
    data = {
        "account": event.account,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "created_at": time(event.created_at),
        "sequence": event.sequence or None,
        "digest": event.digest,
    }
    location = _country(event.source_country)
    address = ip(event.source_ip)
    values = {
        "name": event.step,
        "data": without_nothing(data),
        "user": _user("", event.user_email),
        "src_endpoint": without_nothing({"ip": address, "location": location}) if address else {},
    }
    return without_nothing(values)


FINDING: Shape[FindingRecord] = Shape(
    (
        Field("category_uid", "by class", lambda _: DETECTION_FINDING.category_uid),
        Field("category_name", "by class", lambda _: DETECTION_FINDING.category),
        Field("class_uid", f"always {DETECTION_FINDING.uid}", lambda _: DETECTION_FINDING.uid),
        Field("class_name", "by class", lambda _: DETECTION_FINDING.name),
        Field("activity_id", "1 when it is new, 2 when it goes on, 3 when it is closed", _activity),
        Field("activity_name", "by activity", lambda finding: DETECTION_FINDING.activities[_activity(finding)]),
        Field(
            "type_uid",
            "`class_uid` × 100 + `activity_id`",
            lambda finding: DETECTION_FINDING.type_uid(_activity(finding)),
        ),
        Field(
            "type_name",
            "by class and activity",
            lambda finding: f"{DETECTION_FINDING.name}: {DETECTION_FINDING.activities[_activity(finding)]}",
        ),
        Field("severity_id", "1, informational, to 5, critical", lambda finding: finding.severity + 1),
        Field("severity", "by `severity_id`", lambda finding: SEVERITIES[finding.severity + 1]),
        Field("status_id", "state, see above", lambda finding: _progress(finding)[1]),
        Field("status", "by `status_id`", lambda finding: _progress(finding)[2]),
        Field("status_detail", "resolution", lambda finding: finding.resolution),
        Field("is_alert", "always `true`", lambda _: True),
        Field("time", "when it was found or last changed", lambda finding: milliseconds(finding.at)),
        Field("message", "title of the rule", lambda finding: finding.title),
        Field("metadata.version", f"always `{VERSION}`", lambda _: VERSION),
        Field("metadata.profiles", "always `cloud`", lambda _: ["cloud"]),
        Field("metadata.product.name", "always `Auditsite`", lambda _: "Auditsite"),
        Field("metadata.uid", "number of the finding", lambda finding: str(finding.number)),
        Field(
            "metadata.labels", f"`{TEST_LABEL}` for a test", lambda finding: [TEST_LABEL] if finding.is_test else None
        ),
        Field("cloud.provider", f"always `{PROVIDER}`", lambda _: PROVIDER),
        Field(
            "cloud.account",
            "**account**: API key (`uid`) and name, of a finding in one account",
            lambda finding: _account(*finding.accounts[0]) if len(finding.accounts) == 1 else None,
        ),
        Field("finding_info.uid", "number of the finding", lambda finding: str(finding.number)),
        Field("finding_info.title", "title of the rule", lambda finding: finding.title),
        Field("finding_info.desc", "what the rule says about it", lambda finding: finding.explanation),
        Field("finding_info.analytic.type_id", "always 1, a rule", lambda _: RULE),
        Field("finding_info.analytic.uid", "id of the rule", lambda finding: finding.rule),
        Field("finding_info.analytic.name", "title of the rule", lambda finding: finding.title),
        Field("finding_info.attacks", "tactics and techniques among the tags", lambda finding: _attacks(finding.tags)),
        Field("finding_info.created_time", "when it was found", lambda finding: milliseconds(finding.found_at)),
        Field("finding_info.modified_time", "when it last changed", lambda finding: milliseconds(finding.changed_at)),
        Field(
            "finding_info.first_seen_time", "time of its first event", lambda finding: milliseconds(finding.first_at)
        ),
        Field("finding_info.last_seen_time", "time of its last event", lambda finding: milliseconds(finding.last_at)),
        Field("finding_info.related_events_count", "number of events", lambda finding: finding.event_count),
        Field(
            "finding_info.related_events",
            "its first events: id, type and time",
            lambda finding: [_related(event) for event in finding.events],
        ),
        Field("finding_info.src_url", "the finding's page", lambda finding: finding.url),
        Field(
            "evidences",
            "its first events: user, address, and in `data` the account, id, type and time, and of the chain "
            "**`sequence`** and **`digest`**",
            lambda finding: [_evidence(event) for event in finding.events],
        ),
        Field(
            "resources",
            "the accounts",
            lambda finding: [{"type": ACCOUNT.kind} | _account(key, name) for key, name in finding.accounts],
        ),
        Field("unmapped.next_steps", "what to do now", lambda finding: list(finding.next_steps)),
        Field("unmapped.tags", "tags of the rule", lambda finding: list(finding.tags)),
    )
)
