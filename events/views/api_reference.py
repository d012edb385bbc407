"""What the API is: a page for people, and an OpenAPI document for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.utils.translation import override
from django.views.decorators.http import require_safe

from events.api.answers import answer
from events.api.errors import JSON, KINDS
from events.api.openapi import BASIC, BEARER, OPERATIONS, REFUSALS
from events.api.openapi import document as openapi_document

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_not_required
@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. It tells nothing of this site's accounts, and needs no login."""
    with override("en"):
        body = json.dumps(openapi_document(request.build_absolute_uri("/").rstrip("/")), indent=1)
    return answer(request, body.encode(), JSON)


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """What the API is, for people: how to log in, each operation with its parameters, and an example."""
    operations = [(operation, json.dumps(operation.example, indent=2, ensure_ascii=False)) for operation in OPERATIONS]
    context = {
        "groups": [
            ("nexmo", [pair for pair in operations if pair[0].is_nexmos]),
            ("own", [pair for pair in operations if not pair[0].is_nexmos]),
        ],
        "site": request.build_absolute_uri("/").rstrip("/"),
        "basic": BASIC,
        "bearer": BEARER,
        "errors": [(status, KINDS[int(status)], text) for status, text in REFUSALS.items()],
    }
    return render(request, "api/reference.html", context)
