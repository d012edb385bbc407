"""Example answers, for the document and the page: a test compares their shape with what is really answered."""

from __future__ import annotations

from typing import Any

EVENT: dict[str, Any] = {
    "_links": {
        "self": {"href": "http://api.nexmo.com/beta/audit/events/aaaaaaaa-bbbb-cccc-dddd-0123456789ab"},
    },
    "id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    "event_type": "NUMBER_ASSIGN",
    "event_type_description": "Number assigned",
    "created_at": "2026-03-15T12:00:00",
    "user_email": "yourname@example.com",
    "user_id": 1234567,
    "account_id": "a1b2c3d4",
    "source": "CD",
    "source_ip": "192.0.2.1",
    "source_description": "Customer dashboard",
    "source_country": "GB",
    "context": {"country": "GB", "msisdn": "447700900000"},
}
ACCOUNT: dict[str, Any] = {
    "account_id": "a1b2c3d4",
    "name": "Shop production",
    "active": True,
    "events": 12345,
    "health": {"level": "ok", "label": "Up to date", "sentence": "Everything that Nexmo lists is archived."},
    "last_success_at": "2026-03-15T12:05:00Z",
    "coverage": {
        "complete_since": None,
        "complete_until": "2026-03-15T12:05:00Z",
        "gaps": 0,
        "spans": [{"from": None, "to": "2026-03-15T12:05:00Z"}],
    },
}
FINDING: dict[str, Any] = {
    "id": 7,
    "rule": "0b1f5f0e-6a5e-4a55-9d2f-3f4f7d1c2b3a",
    "title": "A secret was created from a new country",
    "severity": "high",
    "state": "open",
    "resolution": None,
    "assigned_to": None,
    "accounts": ["a1b2c3d4"],
    "first_at": "2026-03-15T12:00:00Z",
    "last_at": "2026-03-15T12:00:00Z",
    "found_at": "2026-03-15T12:05:01Z",
    "acknowledged_at": None,
    "event_count": 1,
}
VIEW: dict[str, Any] = {
    "key": "secrets",
    "name": "Secrets created or deleted",
    "description": "Every API secret created or deleted.",
    "query": "event_type=ACCOUNT_SECRET_CREATE,ACCOUNT_SECRET_DELETE",
    "owner": None,
    "team": None,
}
TOKEN: dict[str, Any] = {
    "id": "k7m2p9qr4stw",
    "name": "SIEM",
    "person": "alice",
    "all_accounts": True,
    "accounts": [{"account_id": "a1b2c3d4", "name": "Shop production"}],
    "scopes": ["read"],
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2027-01-01T00:00:00Z",
    "limits": {"requests_per_minute": 600, "events_per_page": 1000},
}
ERROR: dict[str, Any] = {"status": 400, "error": "BadRequest", "message": "size: Write a whole number from 1 to 100."}
PROBLEM: dict[str, Any] = {
    "type": "/api/#bad-request",
    "title": "Bad Request",
    "status": 400,
    "detail": "size: Write a whole number from 1 to 1000.",
    "errors": [{"parameter": "size", "detail": "Write a whole number from 1 to 1000."}],
}
