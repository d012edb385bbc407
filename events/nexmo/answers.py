"""What an answer of the Audit API means where it is no success, and what kept one from coming."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import requests

from events.nexmo import errors
from events.nexmo.parse import json_members, load_json, shorten
from events.nexmo.values import parse_retry_after

if TYPE_CHECKING:
    from datetime import datetime

MAX_ERROR_CHARACTERS = 20_000  # a longer body is a list, not an error
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def check(response: requests.Response, text: str, *, one_event: bool, now: datetime | None) -> None:
    """Raise the error that the answer is: by status first, by body second.

    Args:
        one_event: one was asked for by its id, and no list.
        now: by the API's clock.
    """
    status = response.status_code
    if status == 200:
        status = _error_in_disguise(text)
        if not status:
            return
    if status == 204 and response.request.method == "OPTIONS":
        return
    pause = parse_retry_after(response.headers.get("Retry-After"), now=now)
    _raise_for(status, _explain(text), trace_id(response), pause, one_event=one_event)


def _raise_for(status: int, detail: str, trace: str, retry_after: float | None, *, one_event: bool) -> NoReturn:
    if status == 401:
        raise errors.CredentialsRefused(detail, status=status, trace_id=trace)
    if status == 403:
        raise errors.AccessDenied(detail, status=status, trace_id=trace)
    if status == 404:
        error = errors.NotFound(detail, status=status, trace_id=trace)
        if one_event:
            error.what, error.advice = "Nexmo has no event with this id.", "It may be too old for Nexmo to keep."
        raise error
    if status == 429:
        raise errors.RateLimited(detail, status=status, trace_id=trace, retry_after=retry_after)
    if status in TRANSIENT_STATUSES or status >= 500:
        unavailable = errors.Unavailable(detail, status=status, trace_id=trace)
        unavailable.retry_after = retry_after
        raise unavailable
    if 300 <= status < 400:
        raise errors.Redirected(detail, status=status, trace_id=trace)
    if 200 <= status < 300:
        raise errors.MalformedResponse(detail or "An answer without content.", status=status, trace_id=trace)
    raise errors.RequestRejected(detail, status=status, trace_id=trace)


def _error_in_disguise(text: str) -> int:
    """The status that an error object under status 200 tells of, or 0."""
    if len(text) > MAX_ERROR_CHARACTERS:
        return 0
    try:
        members = json_members(text)
    except errors.MalformedResponse:
        return 0  # not ours to judge: the reader of the body will
    status = members.get("status", "").strip('"')
    if re.fullmatch("[45][0-9][0-9]", status) and not ({"_embedded", "page", "id"} & members.keys()):
        return int(status)
    return 0


def _explain(text: str) -> str:
    """What an error body says, in any of the three styles that Nexmo's hosts use."""
    try:
        body = load_json(text)
    except errors.MalformedResponse:
        return "" if text.lstrip().startswith("<") else shorten(text)
    if not isinstance(body, dict):
        return ""
    words = [
        body[key] for key in ("title", "message", "detail", "error_title", "Error") if isinstance(body.get(key), str)
    ]
    invalid = body.get("invalid_parameters")
    for item in invalid if isinstance(invalid, list) else ():
        if isinstance(item, dict):
            words.append(f"{item.get('name')}: {item.get('reason')}")
    return shorten(" - ".join(words))


def trace_id(response: requests.Response) -> str:
    """Nexmo's id of the request, shortened; empty where it sent none."""
    return shorten(response.headers.get("X-Nexmo-Trace-Id", ""), 64)


def transport_trouble(error: Exception) -> str:
    """The kind of a transport fault, without the address and the inner workings that its own text shows."""
    if isinstance(error, requests.exceptions.SSLError):
        return "The encrypted connection could not be made; check the certificate and the clock of this machine."
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "The connection took too long."
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error).lower():
        return "The answer took too long."
    if isinstance(error, requests.exceptions.ConnectionError) and "refused" in str(error).lower():
        return "The connection was refused."
    if isinstance(error, requests.exceptions.ProxyError):
        return "The proxy could not be used."
    return "The connection broke or the answer was cut off."
