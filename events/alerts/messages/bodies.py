"""What webhooks are told, as JSON: docs/alerts.md describes each field. Foreign text stands in it as received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from events.models import Finding, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import NexmoAccount
    from events.alerts.messages.facts import Event, Facts
    from events.models import Subscription


def time(at: datetime) -> str:
    """A time as all bodies have it: UTC."""
    return at.isoformat().replace("+00:00", "Z")


def finding(facts: Facts) -> dict[str, Any]:
    """A finding, as far as the receivers may see it."""
    found: Finding = facts.finding
    return {
        "number": found.pk,
        "url": facts.url,
        "title": facts.title,
        "rule": found.rule,
        "severity": Severity(facts.standing.severity).name.lower(),
        "state": facts.standing.state,
        "found_at": time(facts.found_at),
        "first_at": time(facts.first_at),
        "last_at": time(facts.last_at),
        "event_count": facts.count,
        "accounts": [
            account(facts.accounts[part.account_id])
            | {"first_at": time(part.first_at), "last_at": time(part.last_at), "event_count": part.event_count}
            for part in facts.parts
        ],
        "events": [event(each) for each in facts.events],
        "why": facts.advice.description if facts.advice else "",
        "next_steps": list(facts.advice.next_steps) if facts.advice else [],
        "dashboard": facts.dashboard,
    }


def account(of: NexmoAccount) -> dict[str, Any]:
    return {"api_key": of.api_key, "name": of.name}


def event(told: Event) -> dict[str, Any]:
    """An event by the Audit API's own names."""
    values = told.values
    return {
        "id": values["event_id"],
        "url": told.url,
        "account": told.account.api_key,
        "event_type": values["event_type"],
        "event_type_description": values["event_type_description"],
        "created_at": time(values["created_at"]),
        "user_email": values["user_email"],
        "source": values["source"],
        "source_ip": values["source_ip"],
        "source_country": str(values["source_country"] or ""),
        "step": told.step,
    }


def subscription(of: Subscription | None) -> dict[str, Any] | None:
    return {"id": of.pk, "what": of.what, "title": of.title} if of else None
