"""What the API says of accounts, findings, views and tokens, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from events.detection.findings.inbox_filter import LEVELS

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import ApiToken, NexmoAccount
    from events.api.operation import Access
    from events.detection.findings.inbox import Line
    from events.detection.findings.story import Evidence
    from events.filters.saved import View
    from events.health.status import AccountStatus

_SEVERITIES = {int(severity): level for level, severity in LEVELS.items()}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def moment(at: datetime | None) -> str | None:
    """A time in UTC, RFC 3339; None for none."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def account(status: AccountStatus) -> dict[str, Any]:
    """An account, how its syncing is, and from when to when its archive is known to be complete."""
    health = status.health
    return {
        "account_id": status.account.api_key,
        "name": status.account.name,
        "active": status.account.is_active,
        "events": status.event_count,
        "health": {"level": health.level, "label": str(health.label), "sentence": str(health.sentence)},
        "last_success_at": moment(status.last_success_at),
        "coverage": {
            "complete_since": moment(status.complete_since),
            "complete_until": moment(status.complete_until),
            "gaps": status.gap_count,
            "spans": [{"from": moment(span.start), "to": moment(span.end)} for span in status.spans],
        },
    }


def finding(line: Line, title: str) -> dict[str, Any]:
    """A finding, as far as its reader may know it."""
    found, part, standing = line.finding, line.part, line.standing
    return {
        "id": found.pk,
        "rule": found.rule,
        "title": title or found.title,
        "severity": _SEVERITIES.get(standing.severity, str(standing.severity)),
        "state": standing.state,
        "resolution": standing.resolution or None,
        "assigned_to": line.assignee or None,
        "accounts": [_key(account) for account in line.accounts],
        "first_at": moment(part.first_at),
        "last_at": moment(part.last_at),
        "found_at": moment(part.found_at),
        "acknowledged_at": moment(standing.acknowledged_at),
        "event_count": part.event_count,
    }


def evidence(shown: Evidence, accounts: dict[int, NexmoAccount]) -> dict[str, Any]:
    """The events that a finding was made from, by id."""
    events = [
        {"account_id": _key(accounts[row.account_id]), "id": row.event_id, "created_at": moment(row.created_at)}
        for row in shown.rows
    ]
    return {"events": events, "more_events": shown.more}


def view(shown: View) -> dict[str, Any]:
    """A view, and what it asks for."""
    return {
        "key": shown.key,
        "name": str(shown.name),
        "description": str(shown.description),
        "query": shown.query,
        "owner": shown.owner or None,
        "team": shown.team or None,
    }


def token(access: Access, limits: dict[str, Any]) -> dict[str, Any]:
    """The token that asks."""
    used: ApiToken = access.token
    return {
        "id": used.identifier,
        "name": used.name,
        "person": access.person.get_username(),
        "all_accounts": used.all_accounts,
        "accounts": [{"account_id": _key(account), "name": account.name} for account in access.accounts],
        "scopes": ["read", *(["acknowledge"] if used.may_acknowledge else [])],
        "created_at": moment(used.created_at),
        "expires_at": moment(used.expires_at),
        "limits": limits,
    }


def _key(account: NexmoAccount) -> str:
    return str(account.api_key)
