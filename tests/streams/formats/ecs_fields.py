"""The fields of the ECS reference, version 9.4, that our output has: no package for Python carries them.

From its list of fields: the type of each, with [] where it is always an array. `CATEGORIES` are the values of
event.category that are used here, each with the values of event.type that the reference expects beside it.
"""

from __future__ import annotations

FIELDS = {
    "@timestamp": "date",
    "cloud.account.id": "keyword",
    "cloud.account.name": "keyword",
    "cloud.provider": "keyword",
    "ecs.version": "keyword",
    "event.action": "keyword",
    "event.category": "keyword[]",
    "event.code": "keyword",
    "event.created": "date",
    "event.dataset": "keyword",
    "event.end": "date",
    "event.id": "keyword",
    "event.kind": "keyword",
    "event.module": "keyword",
    "event.original": "keyword",
    "event.outcome": "keyword",
    "event.provider": "keyword",
    "event.reason": "keyword",
    "event.sequence": "long",
    "event.severity": "long",
    "event.start": "date",
    "event.type": "keyword[]",
    "event.url": "keyword",
    "http.request.id": "keyword",
    "http.response.status_code": "long",
    "message": "match_only_text",
    "related.ip": "ip[]",
    "related.user": "keyword[]",
    "rule.id": "keyword",
    "rule.name": "keyword",
    "source.address": "keyword",
    "source.geo.country_iso_code": "keyword",
    "source.ip": "ip",
    "tags": "keyword[]",
    "threat.framework": "keyword",
    "threat.tactic.id": "keyword[]",
    "threat.tactic.name": "keyword[]",
    "threat.technique.id": "keyword[]",
    "threat.technique.name": "keyword[]",
    "threat.technique.subtechnique.id": "keyword[]",
    "threat.technique.subtechnique.name": "keyword[]",
    "user.email": "keyword",
    "user.id": "keyword",
    "user.name": "keyword",
    "user.target.email": "keyword",
    "user_agent.original": "keyword",
}
KINDS = {"alert", "event"}
OUTCOMES = {"failure", "success", "unknown"}
CATEGORIES = {
    "api": {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user"},
    "authentication": {"end", "info", "start"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "intrusion_detection": {"allowed", "denied", "info"},
    "session": {"end", "info", "start"},
    "web": {"access", "error", "info"},
}
