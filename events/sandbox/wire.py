"""Requests and answers as plain values, the headers of the real service, and its three families of errors."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus

from events.sandbox.shape import EVENTS_PATH, Event, read_json, render

JSON_TYPE = "application/json;charset=UTF-8"
Headers = tuple[tuple[str, str], ...]

# As in the one exchange with the real service that is public (OPTIONS, August 2018).
STANDARD_HEADERS: Headers = (
    ("Content-Disposition", 'attachment; filename="api.txt"'),
    ("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("Server", "nginx"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubdomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "deny"),
    ("X-XSS-Protection", "1; mode=block;"),
)


@dataclass(frozen=True)
class Request:
    """A request as it is logged: no header, no secret. `status` is the answer's; 0 before or without one."""

    method: str
    path: str
    params: dict[str, str]
    api_key: str
    status: int = 0

    @property
    def kind(self) -> str:
        """`list`, `one`, `options` or `other`."""
        if self.path == EVENTS_PATH:
            return {"GET": "list", "OPTIONS": "options"}.get(self.method, "other")
        return "one" if self.method == "GET" and self.path.startswith(EVENTS_PATH + "/") else "other"

    @property
    def page(self) -> int:
        """The page asked for; 1 when none, or nonsense, was."""
        text = self.params.get("page", "1")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


@dataclass(frozen=True)
class Answer:
    """What the server is to send. `transport` says how it is to break off, `seconds` how slowly."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Headers = ()
    reason: str | None = None  # None: the usual phrase
    transport: str = ""  # "", "reset", "disconnect", "cut", "cut_reset", "drip", "wait"
    seconds: float = 0.0
    bare: bool = False  # no body and no Content-Type at all, as a 204 has
    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))


def html(status: int, title: str | None = None) -> Answer:
    """An error page of the gateway."""
    title = title or f"{status} {phrase(status)}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return Answer(status, f"{page}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n".encode(), "text/html")


def phrase(status: int) -> str:
    """The usual reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def service_error(status: int, message: str, error: str | None = None) -> Answer:
    """Family `service`: Spring's {status, error, message}."""
    return Answer(status, render({"status": status, "error": error or phrase(status), "message": message}))


def problem(
    status: int, slug: str, title: str, detail: str | None, invalid: list[Event] | None = None, site: str = ""
) -> Answer:
    """Family `rfc7807`: the error catalogue that Vonage's APIs share."""
    trace_id = secrets.token_hex(16)
    body: Event = {"type": f"https://developer.nexmo.com/api-errors{site}#{slug}", "title": title}
    if detail is not None:
        body["detail"] = detail
    body["instance"] = trace_id
    if invalid is not None:
        body["invalid_parameters"] = invalid
    return Answer(status, render(body), "application/problem+json", trace_id=trace_id)


_TEXT_401 = {
    "jwt": 'Full authentication is required. JWT was not found in "Authorization" HTTP header.',
    "missing": "Missing credentials",
}


def unauthorized(family: str, text: str = "jwt") -> Answer:
    if family == "rfc7807":
        return problem(401, "unauthorized", "Unauthorized", "You did not provide correct credentials.")
    return html(401) if family == "gateway" else service_error(401, _TEXT_401[text])


def not_found(family: str, message: str) -> Answer:
    if family == "rfc7807":
        return problem(404, "not-found", "Not Found", message)
    return html(404) if family == "gateway" else service_error(404, message)


def bad_request(family: str, parameter: str, reason: str) -> Answer:
    if family == "rfc7807":
        invalid = [{"name": parameter, "reason": reason}]
        return problem(400, "bad-request", "Bad Request", "The request failed validation.", invalid)
    if family == "gateway":
        return Answer(400, b"Error: Bad Request", "text/plain")
    return service_error(400, f"{parameter} {reason}", "BadRequest")


def throttled(family: str, retry_after: str | None) -> Answer:
    """429. `retry_after` is the header's value, None to send none."""
    headers: Headers = () if retry_after is None else (("Retry-After", retry_after),)
    if family == "gateway":
        page = html(429)
        return Answer(429, page.body, page.content_type, headers)
    if family == "service":
        answer = service_error(429, "Please wait, then retry your request")
    else:
        detail = "Please wait, then retry your request"
        answer = problem(429, "rate-limit", "Rate Limit Hit", detail, site="/redact")
    return Answer(429, answer.body, answer.content_type, headers, trace_id=answer.trace_id)


def loads(body: bytes) -> Event | None:
    """The JSON object in `body`, or None when it is none, or nested too deeply to be read."""
    value = read_json(body)
    return value if isinstance(value, dict) else None
