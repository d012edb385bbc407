"""docs/stream-formats.md, made from what the formats declare."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from events.nexmo.catalog import EVENT_TYPES, FAMILIES
from events.streams.formats import FORMATS, ecs, flat, meanings, ocsf, ocsf_access, raw
from events.streams.formats.declared import Field
from events.streams.record import AccessRecord, EventRecord, FindingRecord, FoundEvent

_HEAD = """\
# What streams send

<!-- Written by `manage.py stream_formats --output docs/stream-formats.md`; a test compares. Change the declarations in
events/streams/formats instead. -->

A stream sends events, findings or the [access log](access-log.md), each as one JSON object in UTF-8. `raw` is for
those who want the event as Nexmo sent it, `flat` for scripts and tables, [ECS](#ecs) for Elasticsearch and OpenSearch,
[OCSF](#ocsf) for SIEMs and data lakes that speak it. A field without a value is left out. Texts are English, whatever
the language of the site.

Names in `code` in the right column of the tables below are those of the Audit API. Credentials in the addresses that
an event holds are hidden (`•••`) in every format but `raw`, which is evidence, as the NDJSON export is. Nothing else is
lost: each format carries the event as received.

## Account, sequence number, digest

Each account's events form a [hash chain](integrity.md). Every streamed event says where it stands in it:

"""
_CHAIN = """

- The **sequence number** counts from 1 in each account, and a stream sends an account's events in this order. Without a
  filter, each number is one more than the last. With or without one, you must already have the event that the *sequence
  number sent before* names (0 for the first event of a stream or of a replay): if you do not, something is missing.
  [A script](streams.md#has-anything-been-lost) checks that.
  After a failure an event may come twice, with the same account and sequence number. What retention had removed before
  a stream began is not sent.
- The **digest** is that of the chain at this event, in hex: it depends on this event and on every one before it. Two
  copies of one sequence number with different digests are not both from this archive, and the digest of the last event
  that you have can be compared with that on the event's page or with a seal.

A test of a destination is marked by `test`, a tag or a label. It is no event of the archive.
"""
_TYPES = """\
## What event types mean

| event type | ECS `event.category` | `event.type` | OCSF class | activity | `type_uid` | severity |
| --- | --- | --- | --- | --- | --- | --- |
"""
_AFTER_TYPES = """
Types that Nexmo adds later are mapped by their first word. What was done is not guessed from a name:

| types | ECS `event.category` | `event.type` | OCSF class | activity | `type_uid` | severity |
| --- | --- | --- | --- | --- | --- | --- |
"""
_OUTCOME = """
Nexmo rates nothing. Severity is *informational* for routine and *low* for what decides who gets in and what money is
spent; a ban is *high*. What is dangerous is for [findings](findings.md) to say.

Nexmo lists what was done, so the outcome of a known type is **success** and that of an unknown type **unknown**. Where
the context says otherwise it is **failure**: where `success` is false, or `status`, `result` or `outcome` is one of
{failed}.

The `status` in the context of `USER_STATUS` is the user's. It says nothing of the outcome, but decides the activity:

| `status` | activity |
| --- | --- |
{statuses}
Any other status is Other (Status Update).
"""
_RAW = """\
## raw

The event stands in `event` letter by letter, within an envelope. Line ends between its values become blanks.
"""
_FLAT = """\
## flat

One level of names, and plain values: texts, numbers, and in findings lists of texts. Names are those of the CSV export.
"""
_ECS = """\
## ECS

[Elastic Common Schema](https://www.elastic.co/docs/reference/ecs) {version}. What it has no field for stands under
`auditsite`, each name with one type, so that no index refuses an event because of another one. The context is one text
for the same reason.
"""
_OCSF = """\
## OCSF

[Open Cybersecurity Schema Framework](https://schema.ocsf.io/{version}) {version}: API Activity (6003), Account Change
(3001) and Authentication (3002), of the access log also Entity Management (3004), all with the profile `cloud`.
`unmapped.context` is an object without a schema, and so is `unmapped.detail`; in Elasticsearch or OpenSearch, map
`unmapped` as `flattened`, or use ECS.
"""
_OCSF_FINDING = """
Detection Finding (2004), with the profile `cloud`. Its status by the finding's state:

| state | `status_id` | `status` |
| --- | --- | --- |
{states}"""
_OCSF_ACCESS = """
Whatever is done to people here is Account Change.

| done | OCSF class | activity | `type_uid` | severity |
| --- | --- | --- | --- | --- |
{deeds}"""
_AT = datetime(2026, 1, 31, 14, 5, 9, tzinfo=UTC)
_SENT = {
    "id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    "event_type": "NUMBER_LINKED",
    "event_type_description": "Number linked to application",
    "created_at": "2026-01-31T14:05:09",
    "user_email": "ann@example.com",
    "user_id": 1234567,
    "account_id": "abcd1234",
    "source": "CD",
    "source_ip": "192.0.2.7",
    "source_description": "Customer dashboard",
    "source_country": "GB",
    "context": {"msisdn": "447700900000", "country": "GB", "appId": "78d335fa-323d-0114-9c3d-d6f0d48968cf"},
}
# The digests are none of a real chain.
EVENT = EventRecord(
    account="abcd1234",
    account_name="Shop",
    sequence=1742,
    digest="5f" * 32,
    raw=json.dumps(_SENT),
    event_id=str(_SENT["id"]),
    event_type="NUMBER_LINKED",
    event_type_description="Number linked to application",
    created_at=_AT,
    created_at_basis="UTC",
    user_email="ann@example.com",
    user_id="1234567",
    source="CD",
    source_description="Customer dashboard",
    source_ip="192.0.2.7",
    source_country="GB",
    context=json.dumps(_SENT["context"], separators=(",", ":")),
    received_at=_AT + timedelta(seconds=40),
    previous_sequence=1741,
    url="https://audit.example.com/accounts/abcd1234/events/aaaaaaaa-bbbb-cccc-dddd-0123456789ab/",
)
FINDING = FindingRecord(
    number=12,
    rule="27974e19-ac80-4073-af5a-b0b66e076a1b",
    title="API secret from a new country",
    severity=3,
    state="open",
    found_at=_AT + timedelta(minutes=1),
    first_at=_AT,
    last_at=_AT,
    event_count=1,
    explanation="An API secret was created from a country where its user has not been seen before.",
    next_steps=("Ask the user.",),
    tags=("attack.persistence", "attack.t1098.001"),
    accounts=(("abcd1234", "Shop"),),
    events=(
        FoundEvent(
            account="abcd1234",
            event_id="bbbbbbbb-cccc-dddd-eeee-0123456789ab",
            event_type="ACCOUNT_SECRET_CREATE",
            created_at=_AT,
            user_email="ann@example.com",
            source_ip="192.0.2.7",
            source_country="NL",
            sequence=1743,
            digest="6e" * 32,
        ),
    ),
    url="https://audit.example.com/findings/12/",
)
ACCESS = AccessRecord(
    number=4711,
    at=_AT,
    action="listed",
    what="event",
    object_id="",
    object_name="",
    accounts=("abcd1234",),
    person="ann",
    via="session",
    via_id="71e5ffb620222733",
    address="192.0.2.7",
    agent="Mozilla/5.0",
    status=200,
    request_id="0d2c7bb9a6a14b7a8d8f0a9c1b2d3e4f",
    detail='{"filter":"account=abcd1234&source=CD"}',
    record_hash="7d" * 32,
)
# Where each format has them: account, sequence number, digest, the sequence number before.
PLACES = {
    "raw": ("account", "sequence", "digest", "previous_sequence"),
    "flat": ("account", "sequence", "digest", "previous_sequence"),
    "ecs": (
        "cloud.account.id",
        "event.sequence",
        "auditsite.digest",
        "auditsite.previous_sequence",
    ),
    "ocsf": (
        "cloud.account.uid",
        "metadata.sequence",
        "unmapped.auditsite.digest",
        "unmapped.auditsite.previous_sequence",
    ),
}


def page() -> str:
    """The page as Markdown."""
    return "\n".join(
        (
            f"{_HEAD}{_places()}{_CHAIN}",
            "".join((_TYPES, *_known(), _AFTER_TYPES, *_families(), _outcomes())),
            _section(_RAW, "raw", (*raw.ENVELOPE.fields, *raw.BODY.fields), ()),
            'A finding is `{"finding": ...}`, an entry of the access log `{"access": ...}`, as in `flat`.\n',
            _section(_FLAT, "flat", flat.EVENT.fields, flat.FINDING.fields),
            _access("flat", flat.ACCESS.fields),
            _section(_ECS.format(version=ecs.VERSION), "ecs", ecs.EVENT.fields, ecs.FINDING.fields),
            _access("ecs", ecs.ACCESS.fields),
            _section(
                _OCSF.format(version=ocsf.VERSION),
                "ocsf",
                ocsf.EVENT.fields,
                ocsf.FINDING.fields,
                _OCSF_FINDING.format(states=_states()),
            ),
            _access("ocsf", ocsf_access.ACCESS.fields, _OCSF_ACCESS.format(deeds=_deeds())),
        )
    )


def _places() -> str:
    head = "| format | account | sequence number | digest | sequence number sent before |\n" + "| --- " * 5 + "|\n"
    return head + "\n".join(
        f"| {name} | " + " | ".join(f"`{place}`" for place in places) + " |" for name, places in PLACES.items()
    )


def _known() -> Iterator[str]:
    for code in EVENT_TYPES:
        yield f"| `{code}` {_cells(meanings.BY_TYPE[code])}"


def _families() -> Iterator[str]:
    prefixes = {slug: prefix for prefix, slug, _ in FAMILIES}
    for slug, meant in meanings.BY_FAMILY.items():
        yield f"| {f'`{prefixes[slug]}…`' if slug in prefixes else 'others'} {_cells(meant)}"


def _cells(meant: meanings.Meaning) -> str:
    activity = meant.ocsf.activities[meant.activity]
    if meant.activity_name:
        activity = f"{activity} ({meant.activity_name})"
    cells = (
        meant.ecs_category,
        ", ".join(meant.ecs_types),
        meant.ocsf.name,
        activity,
        str(meant.ocsf.type_uid(meant.activity)),
        meanings.SEVERITIES[meant.severity].lower(),
    )
    return f"| {' | '.join(cells)} |\n"


def _outcomes() -> str:
    by_activity: dict[int, list[str]] = {}
    for status, activity in meanings.BY_TYPE["USER_STATUS"].activity_by_status.items():
        by_activity.setdefault(activity, []).append(f"`{status}`")
    statuses = "".join(
        f"| {', '.join(names)} | {meanings.ACCOUNT_CHANGE.activities[activity]} |\n"
        for activity, names in by_activity.items()
    )
    return _OUTCOME.format(failed=", ".join(f"`{word}`" for word in meanings.FAILED), statuses=statuses)


def _states() -> str:
    return "".join(f"| `{state}` | {number} | {status} |\n" for state, (_, number, status) in ocsf.STATES.items())


def _deeds() -> str:
    """What the access log's actions mean in OCSF, those that mean the same in one line."""
    alike: dict[str, list[str]] = {}
    for action, deed in ocsf_access.DEEDS.items():
        alike.setdefault(_deed(deed), []).append(f"`{action}`")
    for action, deed in ocsf_access.OF_PEOPLE.items():
        alike.setdefault(_deed(deed), []).append(f"`{action}` of a person")
    return "".join(f"| {', '.join(names)} {cells}" for cells, names in alike.items())


def _deed(deed: ocsf_access.Deed) -> str:
    activity = deed.ocsf.activities[deed.activity]
    cells = (
        deed.ocsf.name,
        f"{activity} ({deed.name})" if deed.name else activity,
        str(deed.ocsf.type_uid(deed.activity)),
        meanings.SEVERITIES[deed.severity].lower(),
    )
    return f"| {' | '.join(cells)} |\n"


def _section(
    head: str,
    name: str,
    event: Sequence[Field[EventRecord]],
    finding: Sequence[Field[FindingRecord]],
    about_finding: str = "",
) -> str:
    parts = [head, f"### {name}: an event\n", _table(event), _example(FORMATS[name].event(EVENT))]
    if finding:
        parts += [f"### {name}: a finding\n{about_finding}", _table(finding), _example(FORMATS[name].finding(FINDING))]
    return "\n".join(parts)


def _access(name: str, fields: Sequence[Field[AccessRecord]], about: str = "") -> str:
    head = f"### {name}: an entry of the access log\n{about}"
    return "\n".join((head, _table(fields), _example(FORMATS[name].access(ACCESS))))


def _table(fields: Sequence[Field[Any]]) -> str:
    return "| field | from |\n| --- | --- |\n" + "".join(f"| `{field.path}` | {field.source} |\n" for field in fields)


def _example(value: dict[str, Any]) -> str:
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```\n"
