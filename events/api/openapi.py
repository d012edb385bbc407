"""The API described by OpenAPI 3.1: the operations, declared once for the document and for the page that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from events.api.examples import ACCOUNT, ERROR, EVENT, FINDING, PROBLEM, TOKEN, VIEW
from events.api.listing import NDJSON
from events.api.parameters import (
    ACCOUNT_ID,
    COMPATIBLE,
    EVENTS,
    VIEW_EVENTS,
    Parameter,
    finding_parameters,
)
from events.api.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django_stubs_ext import StrPromise

JSON, HAL, PROBLEM_TYPE = "application/json", "application/json", "application/problem+json"


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for.

    Attributes:
        slug: its name in addresses, and its `operationId`.
        path: with its variable parts in braces.
        parameters: in the query; a function where they depend on what is loaded later.
        schema: the name of the answer's schema.
        example: an answer.
        lines: it can answer in NDJSON too.
        body: the name of the schema of what is sent, if anything.
        curl: what stands after the address in an example.
    """

    slug: str
    method: str
    path: str
    summary: str | StrPromise
    description: str | StrPromise
    schema: str
    example: Any
    parameters: Sequence[Parameter] | Callable[[], Sequence[Parameter]] = ()
    lines: bool = False
    body: str = ""
    curl: str = ""

    @property
    def asked_by(self) -> Sequence[Parameter]:
        """Its parameters in the query."""
        return self.parameters() if callable(self.parameters) else self.parameters

    @property
    def is_nexmos(self) -> bool:
        return self.path.startswith("/beta/")

    @property
    def example_path(self) -> str:
        """The path with something in its braces, and a query."""
        return _EXAMPLES.get(self.slug, self.path)


_EXAMPLES = {
    "nexmo_events": "/beta/audit/events?event_type=NUMBER_ASSIGN,NUMBER_RELEASE&size=100",
    "nexmo_event": f"/beta/audit/events/{EVENT['id']}",
    "events": "/api/v1/events?order=arrival&size=1000",
    "account": "/api/v1/accounts/a1b2c3d4",
    "findings": "/api/v1/findings/?severity=high,critical",
    "finding": "/api/v1/findings/7",
    "acknowledge": "/api/v1/findings/7/acknowledge",
    "view_events": "/api/v1/views/secrets/events",
}
_PAGE = {"size": 100, "totalElements": 1, "totalPages": 1, "number": 1}
_SELF = {"self": {"href": "https://audit.example.com/beta/audit/events"}}
_BY_CURSOR = {"events": [EVENT], "cursor": "YXJyaXZhbCABB....", "has_more": False}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        slug="nexmo_events",
        method="GET",
        path="/beta/audit/events",
        summary=_("Events, as Nexmo's Audit API lists them"),
        description=_(
            "The merged events of all accounts that the token may see. Pages by number hold still: page 1 begins a "
            "walk, later pages see the archive as it was then, and what arrives meanwhile follows on pages after the "
            "last. With `cursor` in place of `page` each page costs the same, however far it is."
        ),
        schema="NexmoEvents",
        example={"_embedded": {"events": [EVENT]}, "_links": _SELF, "page": _PAGE},
        parameters=COMPATIBLE,
    ),
    Operation(
        slug="nexmo_types",
        method="OPTIONS",
        path="/beta/audit/events",
        summary=_("Event types"),
        description=_("The types that Nexmo lists, and others that events of these accounts have."),
        schema="NexmoTypes",
        example={"eventTypes": [{"type": "NUMBER_ASSIGN", "description": "Number assigned"}]},
        curl="-X OPTIONS ",
    ),
    Operation(
        slug="nexmo_event",
        method="GET",
        path="/beta/audit/events/{id}",
        summary=_("One event, as Nexmo's Audit API has it"),
        description=_("As received. Where several accounts have an event of this id, `account_id` says which."),
        schema="Event",
        example=EVENT,
        parameters=(ACCOUNT_ID,),
    ),
    Operation(
        slug="events",
        method="GET",
        path="/api/v1/events",
        summary=_("Events by cursor"),
        description=_(
            "Go on with the `cursor` of each answer while `has_more` is true; a page may be short all the same. With "
            "`order=arrival` keep the last cursor: asked later, it brings what was archived since."
        ),
        schema="Events",
        example=_BY_CURSOR,
        parameters=EVENTS,
        lines=True,
    ),
    Operation(
        slug="accounts",
        method="GET",
        path="/api/v1/accounts/",
        summary=_("Accounts, with health and coverage"),
        description=_("How syncing is, and from when to when the archive is known to be complete."),
        schema="Accounts",
        example={"accounts": [ACCOUNT]},
    ),
    Operation(
        slug="account",
        method="GET",
        path="/api/v1/accounts/{account_id}",
        summary=_("One account"),
        description=_("The same about one of them, by its API key."),
        schema="Account",
        example=ACCOUNT,
    ),
    Operation(
        slug="findings",
        method="GET",
        path="/api/v1/findings/",
        summary=_("Findings"),
        description=_("Newest first, by cursor; without `state` those that are unresolved."),
        schema="Findings",
        example={"findings": [FINDING], "cursor": None, "has_more": False},
        parameters=finding_parameters,
    ),
    Operation(
        slug="finding",
        method="GET",
        path="/api/v1/findings/{number}",
        summary=_("One finding"),
        description=_("With the ids of the events that led to it."),
        schema="FindingWithEvents",
        example=FINDING
        | {
            "events": [{"account_id": "a1b2c3d4", "id": EVENT["id"], "created_at": FINDING["first_at"]}],
            "more_events": False,
        },
    ),
    Operation(
        slug="acknowledge",
        method="POST",
        path="/api/v1/findings/{number}/acknowledge",
        summary=_("Acknowledge a finding"),
        description=_("Only with a token that may, of a person who may. A note is optional."),
        schema="FindingWithEvents",
        example=FINDING | {"state": "acknowledged", "events": [], "more_events": False},
        body="Acknowledgement",
        curl="-H 'Content-Type: application/json' -d '{\"note\": \"Known change\"}' ",
    ),
    Operation(
        slug="views",
        method="GET",
        path="/api/v1/views/",
        summary=_("Views"),
        description=_("The saved views that the token's person may open, and the built-in ones."),
        schema="Views",
        example={"views": [VIEW]},
    ),
    Operation(
        slug="view_events",
        method="GET",
        path="/api/v1/views/{name}/events",
        summary=_("Events of a view"),
        description=_("By the view's number, its name, or its key if it is built in. Days are its reader's."),
        schema="Events",
        example=_BY_CURSOR,
        parameters=VIEW_EVENTS,
        lines=True,
    ),
    Operation(
        slug="token",
        method="GET",
        path="/api/v1/token",
        summary=_("What the token is good for"),
        description=_("Its person, its accounts, when it expires, and its limits."),
        schema="Token",
        example=TOKEN,
    ),
)


def document(server: str) -> dict[str, Any]:
    """The whole description, for the site at this address."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Auditsite",
            "version": "1",
            "description": str(_("The audit events of many Nexmo accounts, for programs.")),
        },
        "servers": [{"url": server}],
        "security": [{"basic": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": str(BASIC)},
                "bearer": {"type": "http", "scheme": "bearer", "description": str(BEARER)},
            },
        },
    }


BASIC = _("The token's identifier as user name, its secret as password.")
BEARER = _("The whole token.")
# What can be answered beside what was asked for, by status.
REFUSALS: dict[str, str | StrPromise] = {
    "400": _("A parameter is unknown or wrong; nothing was looked up."),
    "401": _("The token is missing, wrong, expired or revoked."),
    "403": _("The token, or its person, may not do that."),
    "404": _("There is nothing there, or nothing that the token may see."),
    "405": _("The address takes other methods: see the header Allow."),
    "409": _("What is asked for is ambiguous, or was changed in the meantime."),
    "415": _("What was sent is not JSON."),
    "429": _("Too many requests in this minute: see the header Retry-After."),
    "503": _("The database is busy, or it took too long: see the header Retry-After."),
}


def _described(operation: Operation) -> dict[str, Any]:
    content = {JSON: {"schema": _ref(operation.schema), "example": operation.example}}
    if operation.lines:
        content[NDJSON] = {"schema": {"type": "string"}, "example": ""}
    answers: dict[str, Any] = {"200": {"description": "OK", "content": content}}
    if operation.method == "GET":
        answers["304"] = {"description": str(_("Nothing changed since the ETag in If-None-Match."))}
    error, media_type = ("NexmoError", JSON) if operation.is_nexmos else ("Problem", PROBLEM_TYPE)
    for status, text in REFUSALS.items():
        if status == "415" and not operation.body:
            continue
        answers[status] = {
            "description": str(text),
            "content": {media_type: {"schema": _ref(error), "example": ERROR if operation.is_nexmos else PROBLEM}},
        }
    described: dict[str, Any] = {
        "operationId": operation.slug,
        "summary": str(operation.summary),
        "description": str(operation.description),
        "parameters": [*_in_path(operation), *map(_parameter, operation.asked_by)],
        "responses": answers,
    }
    if operation.body:
        described["requestBody"] = {"required": False, "content": {JSON: {"schema": _ref(operation.body)}}}
    return described


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    kind = {"number": {"type": "integer", "minimum": 1}}
    return [
        {"name": name, "in": "path", "required": True, "schema": kind.get(name, {"type": "string"})} for name in names
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": str(parameter.help),
        "schema": dict(parameter.schema),
    }
    if parameter.schema["type"] == "array":
        described |= {"style": "form", "explode": False}
    return described
