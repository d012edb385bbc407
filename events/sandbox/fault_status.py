"""Faults of transport and status: broken connections, refusals, limits, outages, redirects (F02 to F20, F56)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from time import time

from events.sandbox.faults import Strike, fault
from events.sandbox.shape import EVENTS_PATH, render
from events.sandbox.wire import (
    Answer,
    bad_request,
    html,
    problem,
    service_error,
    throttled,
    unauthorized,
)

# --- transport


@fault("reset", "F03", "connection reset before any answer", times=1)
def _reset(strike: Strike) -> Answer:
    return Answer(transport="reset")


@fault("disconnect", "F03", "connection closed without any answer", times=1)
def _disconnect(strike: Strike) -> Answer:
    return Answer(transport="disconnect")


@fault("reset-midway", "F03", "connection reset in the middle of the body", times=1)
def _reset_midway(strike: Strike) -> Answer:
    return replace(strike.normal(), transport="cut_reset")


@fault("truncated", "F04", "chunked body cut off halfway, connection closed", times=1)
def _truncated(strike: Strike) -> Answer:
    return replace(strike.normal(), transport="cut")


@fault("truncated-json", "F04", "half a JSON text in a properly ended body", times=1)
def _truncated_json(strike: Strike) -> Answer:
    answer = strike.normal()
    return replace(answer, body=answer.body[: len(answer.body) // 2])


@fault("slow-answer", "F02", "silence for `seconds` (default 60), then the normal answer", times=1)
def _slow_answer(strike: Strike) -> Answer:
    return replace(strike.normal(), transport="wait", seconds=strike.seconds(60))


@fault("slow-body", "F02", "the body drips for `seconds` (default 60)", times=1)
def _slow_body(strike: Strike) -> Answer:
    return replace(strike.normal(), transport="drip", seconds=strike.seconds(60))


@fault("no-reason", "F06", "status line without a reason phrase")
def _no_reason(strike: Strike) -> Answer:
    return replace(strike.normal(), reason="")


# --- refusals and outages: the answer does not depend on the request

_RATE = "rfc7807"
_FIXED: tuple[tuple[str, str, str, int | None, Callable[[], Answer]], ...] = (
    ("unauthorized", "F08", "401, service style, JWT text", None, lambda: unauthorized("service")),
    ("unauthorized-missing", "F09", "401, service style, Missing credentials", None,
     lambda: unauthorized("service", "missing")),
    ("unauthorized-rfc7807", "F10", "401, RFC 7807", None, lambda: unauthorized("rfc7807")),
    ("multiple-auth", "F56", "401, RFC 7807, multiple-auth-methods", None,
     lambda: problem(401, "multiple-auth-methods", "Unauthorized", "Provide one authentication method.")),
    ("forbidden", "F12", "403, service style", None, lambda: service_error(403, "An example goes here")),
    ("forbidden-unprovisioned", "F12", "403, account not provisioned", None,
     lambda: problem(403, "unprovisioned", "Authentication error", "Account is not provisioned for Audit.")),
    ("forbidden-ip", "F12", "403, caller's address not in the allow list", None,
     lambda: problem(403, "invalid-ip", "Invalid IP", "Your IP address is not allowed here.")),
    ("forbidden-suspended", "F12", "403, account suspended", None,
     lambda: problem(403, "account-suspended", "Account suspended", "This account has been suspended.")),
    ("forbidden-html", "F12", "403 as HTML of the gateway", None, lambda: html(403)),
    ("bad-request", "F14", "400, service style", None,
     lambda: service_error(400, "This was a bad request.", "BadRequest")),
    ("bad-request-rfc7807", "F14", "400, RFC 7807 with invalid_parameters", None,
     lambda: bad_request("rfc7807", "page_size", "must be between 1 and 100")),
    ("bad-request-text", "F14", "400, plain text", None, lambda: bad_request("gateway", "", "")),
    ("bad-request-short", "F14", '400, {"Error":"Bad Request"}', None,
     lambda: Answer(400, b'{"Error":"Bad Request"}')),
    ("wrong-verb", "F14", "405, RFC 7807", None,
     lambda: problem(405, "wrong-verb", "Method Not Allowed", "This verb is not supported.")),
    ("not-acceptable", "F14", "406, RFC 7807", None,
     lambda: problem(406, "accept-header", "Invalid Accept header", "You want application/json.")),
    ("unprocessable", "F14", "422, RFC 7807 with invalid_parameters", None,
     lambda: replace(bad_request("rfc7807", "date_from", "is not a date"), status=422)),
    ("rate-limit-no-hint", "F15", "429 without Retry-After", 1, lambda: throttled(_RATE, None)),
    ("rate-limit-absurd", "F15", "429, Retry-After of some 30 years", 1,
     lambda: throttled(_RATE, "999999999")),
    ("rate-limit-negative", "F15", "429, Retry-After -1", 1, lambda: throttled(_RATE, "-1")),
    ("rate-limit-garbage", "F15", "429, Retry-After that is neither number nor date", 1,
     lambda: throttled(_RATE, "soon")),
    ("rate-limit-empty", "F15", "429 with an empty body and no hint", 1, lambda: Answer(429)),
    ("rate-limit-html", "F15", "429 as HTML of the gateway", 1, lambda: throttled("gateway", None)),
    ("http-408", "F17", "408, empty", 1, lambda: Answer(408)),
    ("http-425", "F17", "425, empty", 1, lambda: Answer(425)),
    ("http-500", "F17", "500, service style", 1, lambda: service_error(500, "No message available")),
    ("http-500-rfc7807", "F17", "500, RFC 7807", 1,
     lambda: problem(500, "internal-error", "Internal Server Error", None)),
    ("http-502", "F17", "502, HTML", 1, lambda: html(502)),
    ("http-503", "F17", "503, empty", 1, lambda: Answer(503)),
    ("http-504", "F17", "504, HTML", 1, lambda: html(504, "504 Gateway Time-out")),
    ("ok-html", "F18", "200 with an HTML page", 1, lambda: html(200, "Sign in")),
    ("ok-text", "F18", "200 with plain text", 1, lambda: Answer(200, b"OK", "text/plain")),
    ("ok-empty", "F18", "200 with an empty body", 1, lambda: Answer(200, b"")),
    ("ok-null", "F18", "200 with JSON null", 1, lambda: Answer(200, b"null")),
    ("ok-array", "F18", "200 with a JSON array", 1, lambda: Answer(200, b"[]")),
    ("ok-number", "F18", "200 with a JSON number", 1, lambda: Answer(200, b"42")),
    ("ok-object", "F18", "200 with {}", 1, lambda: Answer(200, b"{}")),
    ("ok-error", "F19", "an error object with status 200", 1,
     lambda: replace(service_error(500, "No message available"), status=200)),
)  # fmt: skip


def _always(make: Callable[[], Answer]) -> Callable[[Strike], Answer]:
    return lambda strike: make()


for _name, _number, _about, _times, _make in _FIXED:
    fault(_name, _number, _about, times=_times)(_always(_make))


# --- those that depend on the request, or on the clock


@fault(
    "secret-revoked",
    "F11",
    "one secret of the account, the first, is revoked for good; then answers as usual",
    times=1,
)
def _secret_revoked(strike: Strike) -> Answer:
    account = strike.sandbox.accounts.get(strike.request.api_key)
    if account is not None and account.secrets:
        strike.sandbox.set_secrets(account.api_key, account.secrets[1:])
        return unauthorized("service")
    return strike.normal()


@fault("not-found-list", "F13", "404 on the list: the API is not there", on="list")
def _not_found_list(strike: Strike) -> Answer:
    body = {"timestamp": int(time() * 1000), "status": 404, "error": "Not Found", "path": EVENTS_PATH}
    return Answer(404, render(body))


@fault("not-found-html", "F13", "404 as HTML of the gateway", on="list")
def _not_found_html(strike: Strike) -> Answer:
    return html(404)


@fault("not-found-event", "F13", "404 by id, in the documented words", on="one")
def _not_found_event(strike: Strike) -> Answer:
    event_id = strike.request.path.rpartition("/")[2]
    return service_error(404, f"Event with provided id: {event_id} was not found")


@fault("rate-limit", "F15, F16", "429 with Retry-After in `seconds` (default 1)", times=1)
def _rate_limit(strike: Strike) -> Answer:
    return throttled(_RATE, f"{strike.seconds(1):g}")


@fault("rate-limit-service", "F15", "429, service style, with Retry-After in `seconds` (default 1)", times=1)
def _rate_limit_service(strike: Strike) -> Answer:
    return throttled("service", f"{strike.seconds(1):g}")


@fault("rate-limit-date", "F15", "429 with Retry-After as an HTTP date, `seconds` (default 2) from now", times=1)
def _rate_limit_date(strike: Strike) -> Answer:
    return throttled(_RATE, formatdate(time() + strike.seconds(2), usegmt=True))


@fault("http-503-retry", "F17", "503 with Retry-After in `seconds` (default 1)", times=1)
def _http_503_retry(strike: Strike) -> Answer:
    return Answer(503, headers=(("Retry-After", f"{strike.seconds(1):g}"),))


@fault("list-204", "F18", "204 on the list", times=1, on="list")
def _list_204(strike: Strike) -> Answer:
    return Answer(204, bare=True)


@fault("redirect-http", "F20", "302 to plain http on the public host")
def _redirect_http(strike: Strike) -> Answer:
    return Answer(302, headers=(("Location", f"http://api.nexmo.com{strike.request.path}"),))


@fault("redirect-host", "F20", "307 to another host: the switch redirect_target")
def _redirect_host(strike: Strike) -> Answer:
    target = strike.sandbox.switches.redirect_target
    return Answer(307, headers=(("Location", f"{target}{strike.request.path}"),))


@fault("redirect-login", "F20", "302 to a login page of the same host")
def _redirect_login(strike: Strike) -> Answer:
    return Answer(302, headers=(("Location", "/login"),))
