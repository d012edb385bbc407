"""Errors of the API, in two shapes: Nexmo's own under `/beta/`, and problem documents (RFC 9457) elsewhere."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.urls import reverse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROBLEM = "application/problem+json"
JSON = "application/json"

# What can go wrong, by the last part of its address in the documentation.
KINDS: dict[int, str] = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    413: "too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    500: "internal-error",
    503: "unavailable",
}


class ApiError(Exception):
    """Why a request is not answered.

    Args:
        status: of HTTP.
        detail: a sentence for people.
        title: what kind of error it is; the status's own phrase without one.
        headers: of the answer.
        wrong: the parameters that are wrong, and what is wrong with each.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str = "",
        headers: Mapping[str, str] | None = None,
        wrong: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.title = status, detail, title or HTTPStatus(status).phrase
        self.headers, self.wrong = dict(headers or {}), tuple(wrong)


def wrong_parameters(wrong: Sequence[tuple[str, str]]) -> ApiError:
    """400 about these parameters."""
    detail = " ".join(f"{name}: {reason}" if name else reason for name, reason in wrong)
    return ApiError(400, detail, wrong=wrong)


def nexmo_body(error: ApiError) -> tuple[str, bytes]:
    """The media type and the body that Nexmo's clients know."""
    # Programs compare this name: it is the status's own, whatever the language.
    name = "BadRequest" if error.status == 400 else HTTPStatus(error.status).phrase
    return JSON, json.dumps({"status": error.status, "error": name, "message": error.detail}).encode()


def problem_body(error: ApiError) -> tuple[str, bytes]:
    """The media type and the body of a problem document."""
    kind = KINDS.get(error.status, "error")
    body: dict[str, Any] = {
        "type": f"{reverse('events:api_reference')}#{kind}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if error.wrong:
        body["errors"] = [{"parameter": name, "detail": reason} for name, reason in error.wrong]
    return PROBLEM, json.dumps(body).encode()
