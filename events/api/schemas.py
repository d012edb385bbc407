"""The shapes of the API's answers, as JSON Schema."""

from __future__ import annotations

from typing import Any

from events.detection.findings.inbox_filter import LEVELS
from events.health.status import LEVELS as HEALTH
from events.models import Finding

TEXT: dict[str, Any] = {"type": "string"}
TEXT_OR_NOTHING: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": "integer"}
YES_OR_NO: dict[str, Any] = {"type": "boolean"}
MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
MOMENT_OR_NOTHING: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
LINK: dict[str, Any] = {"type": "object", "properties": {"href": TEXT}, "required": ["href"]}


def _object(properties: dict[str, Any], *, required: tuple[str, ...] | None = None) -> dict[str, Any]:
    """An object that has all these members, or those that are required."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_BY_CURSOR = {"cursor": TEXT_OR_NOTHING, "has_more": YES_OR_NO}
_FINDING = {
    "id": NUMBER,
    "rule": TEXT,
    "title": TEXT,
    "severity": {"type": "string", "enum": list(LEVELS)},
    "state": {"type": "string", "enum": [state.value for state in Finding.State]},
    "resolution": TEXT_OR_NOTHING,
    "assigned_to": TEXT_OR_NOTHING,
    "accounts": _list(TEXT),
    "first_at": MOMENT,
    "last_at": MOMENT,
    "found_at": MOMENT,
    "acknowledged_at": MOMENT_OR_NOTHING,
    "event_count": NUMBER,
}

SCHEMAS: dict[str, dict[str, Any]] = {
    # As received: Nexmo promises none of these members.
    "Event": {
        "type": "object",
        "properties": {"id": TEXT, "event_type": TEXT, "created_at": TEXT, "account_id": TEXT, "context": {}},
        "additionalProperties": True,
    },
    "NexmoEvents": _object(
        {
            "_embedded": _object({"events": _list(_ref("Event"))}),
            "_links": _object(dict.fromkeys(("self", "first", "prev", "next", "last"), LINK), required=("self",)),
            "page": _object(
                dict.fromkeys(("size", "totalElements", "totalPages", "number"), NUMBER), required=("size",)
            ),
            **_BY_CURSOR,
        },
        required=("_links", "page"),
    ),
    "NexmoTypes": _object({"eventTypes": _list(_object({"type": TEXT, "description": TEXT}))}),
    "NexmoError": _object({"status": NUMBER, "error": TEXT, "message": TEXT}),
    "Events": _object({"events": _list(_ref("Event")), **_BY_CURSOR}),
    "Account": _object(
        {
            "account_id": TEXT,
            "name": TEXT,
            "active": YES_OR_NO,
            "events": NUMBER,
            "health": _object({"level": {"type": "string", "enum": list(HEALTH)}, "label": TEXT, "sentence": TEXT}),
            "last_success_at": MOMENT_OR_NOTHING,
            "coverage": _object(
                {
                    "complete_since": MOMENT_OR_NOTHING,
                    "complete_until": MOMENT_OR_NOTHING,
                    "gaps": NUMBER,
                    "spans": _list(_object({"from": MOMENT_OR_NOTHING, "to": MOMENT})),
                }
            ),
        }
    ),
    "Accounts": _object({"accounts": _list(_ref("Account"))}),
    "Finding": _object(_FINDING),
    "Findings": _object({"findings": _list(_ref("Finding")), **_BY_CURSOR}),
    "FindingWithEvents": _object(
        {
            **_FINDING,
            "events": _list(_object({"account_id": TEXT, "id": TEXT, "created_at": MOMENT})),
            "more_events": YES_OR_NO,
        }
    ),
    "Acknowledgement": {**_object({"note": TEXT}, required=()), "additionalProperties": False},
    "View": _object(
        {
            "key": TEXT,
            "name": TEXT,
            "description": TEXT,
            "query": TEXT,
            "owner": TEXT_OR_NOTHING,
            "team": TEXT_OR_NOTHING,
        }
    ),
    "Views": _object({"views": _list(_ref("View"))}),
    "Token": _object(
        {
            "id": TEXT,
            "name": TEXT,
            "person": TEXT,
            "all_accounts": YES_OR_NO,
            "accounts": _list(_object({"account_id": TEXT, "name": TEXT})),
            "scopes": _list({"type": "string", "enum": ["read", "acknowledge"]}),
            "created_at": MOMENT,
            "expires_at": MOMENT,
            "limits": _object({"requests_per_minute": NUMBER, "events_per_page": NUMBER}),
        }
    ),
    "Problem": _object(
        {
            "type": TEXT,
            "title": TEXT,
            "status": NUMBER,
            "detail": TEXT,
            "errors": _list(_object({"parameter": TEXT, "detail": TEXT})),
        },
        required=("type", "title", "status", "detail"),
    ),
}
