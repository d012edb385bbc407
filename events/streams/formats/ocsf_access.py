"""OCSF of the access log: its entries as Authentication, Account Change, Entity Management or API Activity, with the
profile `cloud`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.streams.formats.declared import Field, Shape, ip, milliseconds
from events.streams.formats.meanings import (
    ACCESS as DECIDES_ACCESS,
)
from events.streams.formats.meanings import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    CREATE,
    DELETE,
    ENTITY_MANAGEMENT,
    FACTOR_OFF,
    FACTOR_ON,
    FAILURE,
    LOGOFF,
    LOGON,
    OTHER,
    PASSWORD_CHANGE,
    READ,
    REMOVE,
    ROUTINE,
    SEVERITIES,
    SUCCESS,
    UPDATE,
)
from events.streams.formats.ocsf import PROVIDER, STATUSES, VERSION, without_nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.streams.formats.meanings import OcsfClass
    from events.streams.record import AccessRecord

PERSON = "person"  # a kind of thing: whoever may log in here


@dataclass(frozen=True)
class Deed:
    """What an action means in OCSF.

    Attributes:
        name: of an activity that OCSF has no number for.
        severity: severity_id.
        has_failed: that the action is itself a failure.
    """

    ocsf: OcsfClass
    activity: int
    name: str = ""
    severity: int = ROUTINE
    has_failed: bool = False


def _failed(activity: int, name: str = "") -> Deed:
    return Deed(AUTHENTICATION, activity, name, DECIDES_ACCESS, has_failed=True)


# By the action of an entry.
DEEDS = {
    "login": Deed(AUTHENTICATION, LOGON),
    "login_failed": _failed(LOGON),
    "login_refused": _failed(LOGON),
    "locked_out": _failed(LOGON),
    "logout": Deed(AUTHENTICATION, LOGOFF),
    "session_ended": Deed(AUTHENTICATION, LOGOFF),
    "confirmed": Deed(AUTHENTICATION, OTHER, "Confirm Identity"),
    "confirm_failed": _failed(OTHER, "Confirm Identity"),
    "factor_failed": _failed(OTHER, "Second Factor"),
    "factor_added": Deed(ACCOUNT_CHANGE, FACTOR_ON, severity=DECIDES_ACCESS),
    "factor_removed": Deed(ACCOUNT_CHANGE, FACTOR_OFF, severity=DECIDES_ACCESS),
    "factor_reset": Deed(ACCOUNT_CHANGE, OTHER, "Recovery Codes", DECIDES_ACCESS),
    "password_changed": Deed(ACCOUNT_CHANGE, PASSWORD_CHANGE, severity=DECIDES_ACCESS),
    "created": Deed(ENTITY_MANAGEMENT, CREATE),
    "changed": Deed(ENTITY_MANAGEMENT, UPDATE),
    "deleted": Deed(ENTITY_MANAGEMENT, DELETE),
    "credentials_changed": Deed(ENTITY_MANAGEMENT, UPDATE, severity=DECIDES_ACCESS),
    "rights_changed": Deed(ENTITY_MANAGEMENT, UPDATE, severity=DECIDES_ACCESS),
    **dict.fromkeys(
        ("listed", "opened", "export_begun", "export_ended", "downloaded", "verified"), Deed(API_ACTIVITY, READ)
    ),
    "secret_shown": Deed(API_ACTIVITY, READ, severity=DECIDES_ACCESS),
    "requested": Deed(API_ACTIVITY, CREATE),
    "sealed": Deed(API_ACTIVITY, CREATE),
    "synced": Deed(API_ACTIVITY, UPDATE),
    "tested": Deed(API_ACTIVITY, OTHER, "Test"),
    "ran": Deed(API_ACTIVITY, OTHER, "Run Command"),
    "refused": Deed(API_ACTIVITY, OTHER, "Refused", DECIDES_ACCESS, has_failed=True),
}
# The same done to a person.
OF_PEOPLE = {
    "created": Deed(ACCOUNT_CHANGE, CREATE, severity=DECIDES_ACCESS),
    "changed": Deed(ACCOUNT_CHANGE, OTHER, "Update", DECIDES_ACCESS),
    "deleted": Deed(ACCOUNT_CHANGE, REMOVE, severity=DECIDES_ACCESS),
    "credentials_changed": Deed(ACCOUNT_CHANGE, OTHER, "Credentials Change", DECIDES_ACCESS),
    "rights_changed": Deed(ACCOUNT_CHANGE, OTHER, "Rights Change", DECIDES_ACCESS),
}
_UNKNOWN = Deed(API_ACTIVITY, OTHER)


def deed_of(entry: AccessRecord) -> Deed:
    """What was done; of a later version's actions only that something was."""
    if entry.what == PERSON and entry.action in OF_PEOPLE:
        return OF_PEOPLE[entry.action]
    return DEEDS.get(entry.action, _UNKNOWN)


def _activity_name(entry: AccessRecord) -> str:
    deed = deed_of(entry)
    return deed.name or (entry.action if deed.activity == OTHER else deed.ocsf.activities[deed.activity])


def _detail(entry: AccessRecord) -> dict[str, Any]:
    try:
        detail = json.loads(entry.detail) if entry.detail else {}
    except ValueError:
        return {}
    return detail if isinstance(detail, dict) else {}


def _status(entry: AccessRecord) -> tuple[int, str]:
    failed = deed_of(entry).has_failed or (entry.status or 0) >= 400 or _detail(entry).get("ok") is False
    return STATUSES[FAILURE if failed else SUCCESS]


def _actor(entry: AccessRecord) -> dict[str, Any]:
    """Who did it, and by what; `unknown` where nobody had logged in."""
    user = {"name": entry.person, "credential_uid": entry.via_id if entry.via == "token" else ""}
    values = {
        "user": without_nothing(user) if entry.person else {},
        "session": {"uid": entry.via_id} if entry.via == "session" and entry.via_id else {},
        "app_name": f"manage.py {entry.via_id}".strip() if entry.via == "command" else "",
    }
    return without_nothing(values) or {"app_name": "unknown"}


def _source(entry: AccessRecord) -> dict[str, Any]:
    address = ip(entry.address)
    return {"ip": address} if address else {"svc_name": "command line" if entry.via == "command" else "unknown"}


def _user(entry: AccessRecord) -> dict[str, Any]:
    """Whom it was done to: the person that the entry is about, else who did it."""
    is_another = deed_of(entry).ocsf is ACCOUNT_CHANGE and entry.object_name
    return {"name": (entry.object_name if is_another else entry.person) or "unknown"}


def _thing(entry: AccessRecord) -> dict[str, Any]:
    thing = without_nothing({"uid": entry.object_id, "name": entry.object_name}) or {"name": entry.what}
    return {"type": entry.what} | thing


def _of(*classes: OcsfClass) -> Callable[[Callable[[AccessRecord], Any]], Callable[[AccessRecord], Any]]:
    """A field that only some classes have."""

    def only(value: Callable[[AccessRecord], Any]) -> Callable[[AccessRecord], Any]:
        return lambda entry: value(entry) if deed_of(entry).ocsf in classes else None

    return only


ACCESS: Shape[AccessRecord] = Shape(
    (
        Field("category_uid", "by class", lambda entry: deed_of(entry).ocsf.category_uid),
        Field("category_name", "by class", lambda entry: deed_of(entry).ocsf.category),
        Field("class_uid", "by what was done, see above", lambda entry: deed_of(entry).ocsf.uid),
        Field("class_name", "by class", lambda entry: deed_of(entry).ocsf.name),
        Field("activity_id", "by what was done, see above", lambda entry: deed_of(entry).activity),
        Field("activity_name", "by activity", _activity_name),
        Field(
            "type_uid",
            "`class_uid` × 100 + `activity_id`",
            lambda entry: deed_of(entry).ocsf.type_uid(deed_of(entry).activity),
        ),
        Field(
            "type_name",
            "by class and activity",
            lambda entry: f"{deed_of(entry).ocsf.name}: {deed_of(entry).ocsf.activities[deed_of(entry).activity]}",
        ),
        Field("severity_id", "by what was done, see above", lambda entry: deed_of(entry).severity),
        Field("severity", "by `severity_id`", lambda entry: SEVERITIES[deed_of(entry).severity]),
        Field(
            "status_id",
            "2 for what failed, was refused or was answered with 400 or more, else 1",
            lambda entry: _status(entry)[0],
        ),
        Field("status", "by `status_id`", lambda entry: _status(entry)[1]),
        Field("time", "time, in milliseconds since 1970", lambda entry: milliseconds(entry.at)),
        Field("message", "person, action and thing", lambda e: f"{e.person} {e.action} {e.what} {e.object_id}".strip()),
        Field("metadata.version", f"always `{VERSION}`", lambda _: VERSION),
        Field("metadata.profiles", "always `cloud`", lambda _: ["cloud"]),
        Field("metadata.product.name", "always `Auditsite`", lambda _: "Auditsite"),
        Field("metadata.uid", "number of the entry", lambda entry: str(entry.number)),
        Field("metadata.sequence", "the same as a number", lambda entry: entry.number),
        Field("metadata.event_code", "what was done, such as `login`, `listed`", lambda entry: entry.action),
        Field("metadata.log_name", "always `access`", lambda _: "access"),
        Field("metadata.log_provider", "always `Auditsite`", lambda _: "Auditsite"),
        Field("cloud.provider", f"always `{PROVIDER}`", lambda _: PROVIDER),
        Field(
            "cloud.account.uid",
            "**account**: API key, where it is one",
            lambda entry: entry.accounts[0] if len(entry.accounts) == 1 else None,
        ),
        Field(
            "actor",
            "`user`: the username, with the token in `credential_uid`; `session.uid`: the session's digest; "
            "`app_name`: the command",
            _actor,
        ),
        Field("src_endpoint", "`ip`: network address; without one `svc_name`", _source),
        Field("http_request.user_agent", "what the browser or program calls itself", lambda entry: entry.agent),
        Field("http_request.uid", "id of the request, as in the process's log", lambda entry: entry.request_id),
        Field("http_response.code", "status of the answer", lambda entry: entry.status),
        Field("api.operation", "API Activity: what was done", _of(API_ACTIVITY)(lambda entry: entry.action)),
        Field(
            "user",
            "Authentication: the username, `unknown` where nobody has it; Account Change: whom it was done to",
            _of(AUTHENTICATION, ACCOUNT_CHANGE)(_user),
        ),
        Field("service.name", "Authentication: always `Auditsite`", _of(AUTHENTICATION)(lambda _: "Auditsite")),
        Field("entity", "Entity Management: kind, key and name of the thing", _of(ENTITY_MANAGEMENT)(_thing)),
        Field("resources", "API Activity: kind, key and name of the thing", _of(API_ACTIVITY)(lambda e: [_thing(e)])),
        Field("unmapped.accounts", "API keys", lambda entry: list(entry.accounts)),
        Field("unmapped.via", "`session`, `token`, `command` or `nobody`", lambda entry: entry.via),
        Field("unmapped.detail", "more: filter, rows, changed fields", _detail),
        Field("unmapped.record_hash", "SHA-256 of the entry, as it is chained", lambda entry: entry.record_hash),
    )
)
