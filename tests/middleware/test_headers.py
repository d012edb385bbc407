"""What every answer forbids browsers, and the reports of what a page tried all the same."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from csp.decorators import csp_exempt, csp_replace, csp_update
from csp.middleware import CSPMiddleware
from django.conf import settings as configured
from django.http import HttpResponse
from django.test import Client, RequestFactory

from auditsite.assets import address
from auditsite.middleware import headers
from auditsite.middleware.headers import PolicyMiddleware
from auditsite.monitoring import metrics
from tests.tools.export import body

SECRET = "s3cr3t-token"


@pytest.fixture(autouse=True)
def _fresh_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "allowance", headers._Allowance())


def counted(directive: str) -> float:
    return float(metrics.CSP_REPORTS.labels(directive)._value.get())


def send(report: Any, content_type: str = "application/csp-report") -> int:
    data = report if isinstance(report, bytes) else json.dumps(report)
    status: int = Client(enforce_csrf_checks=True).post("/csp-report", data, content_type=content_type).status_code
    return status


@pytest.mark.parametrize(
    "path", ["/login/", "/nosuch", "/healthz", "/api/v1/events", "/static/auditsite/icon.svg", "css", "/events/"]
)
def test_every_answer_keeps_other_sites_and_devices_out(db: None, path: str) -> None:
    answer = Client().get(address("css") if path == "css" else path)
    body(answer)

    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"
    assert {"camera=()", "geolocation=()", "usb=()"} <= {*answer["Permissions-Policy"].split(", ")}
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert {"object-src 'none'", "base-uri 'none'"} <= {*answer["Content-Security-Policy"].split("; ")}


def test_policy_says_where_to_report(db: None) -> None:
    answer = Client().get("/login/")

    assert "report-uri /csp-report; " in answer["Content-Security-Policy"] + "; "
    assert "report-to csp" in answer["Content-Security-Policy"]
    assert answer["Reporting-Endpoints"] == 'csp="/csp-report"'


@pytest.mark.parametrize(
    "decorated", [lambda view: view, csp_update({"img-src": ["https://maps.example"]}), csp_exempt(), csp_replace({})]
)
def test_policy_is_what_django_csp_would_send(decorated: Any) -> None:
    view = decorated(lambda _request: HttpResponse())

    answers = [
        middleware(view)(RequestFactory().get("/")).headers.get("Content-Security-Policy")
        for middleware in (CSPMiddleware, PolicyMiddleware)
    ]

    assert answers[0] == answers[1]


def test_policy_that_a_view_has_written_stays() -> None:
    made = HttpResponse(headers={"Content-Security-Policy": "sandbox"})
    assert PolicyMiddleware(lambda _request: made)(RequestFactory().get("/"))["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize("kind", ["report-uri", "reporting API"])
def test_report_is_counted_and_logged_without_what_addresses_hold(
    db: None, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    page = f"https://audit.example.com/events/?search_text={SECRET}"
    blocked = f"https://{SECRET}:x@evil.example/{SECRET}?{SECRET}"
    if kind == "report-uri":
        of_browser: Any = {"document-uri": page, "violated-directive": "img-src 'self'", "blocked-uri": blocked}
        report: Any = {"csp-report": of_browser | {"script-sample": SECRET}}
    else:
        of_browser = {"documentURL": page, "effectiveDirective": "img-src", "blockedURL": blocked, "sample": SECRET}
        report = [{"type": "csp-violation", "body": of_browser}, {"type": "deprecation", "body": {}}]
    before = counted("img-src")

    with caplog.at_level(logging.WARNING, "auditsite.headers"):
        assert send(report) == 204

    assert counted("img-src") == before + 1
    (line,) = caplog.messages
    assert line == "Browser blocked img-src: https://evil.example on /events/"


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"\xff",
        b"[" * 10_000,
        b"1",
        b"null",
        [],
        [1],
        {},
        {"csp-report": 1},
        {"csp-report": {"document-uri": "//["}},
    ],
)
def test_any_report_at_all_is_answered_alike(db: None, report: Any) -> None:
    assert send(report) == 204


def test_directive_that_there_is_not_makes_no_new_figure(db: None) -> None:
    before = counted("other")
    assert send({"csp-report": {"violated-directive": "made-up"}}) == 204
    assert counted("other") == before + 1


def test_flood_of_reports_is_counted_but_neither_read_nor_logged(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(headers, "MOST_A_MINUTE", 2)
    before = counted("unread")
    with caplog.at_level(logging.WARNING, "auditsite.headers"):
        assert {send({"csp-report": {}}) for _ in range(5)} == {204}
        assert send(b" " * (headers.MOST_BYTES + 1)) == 204

    assert counted("unread") == before + 4
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("path", ["/login/", "/healthz", "/events/", "/api/v1/events", "/csp-report"])
def test_headers_of_a_proxy_count_for_nothing_unless_it_is_trusted(db: None, path: str) -> None:
    """Neither host nor scheme nor path can be chosen by who sends: nothing that a cache keeps could be poisoned."""
    sent = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-port": "1234",
        "x-forwarded-prefix": "/evil",
        "x-original-url": "/admin/",
        "x-rewrite-url": "/admin/",
        "x-http-method-override": "DELETE",
        "forwarded": "host=evil.example;proto=https",
    }
    plain, odd = Client().get(path), Client(headers=sent).get(path)

    assert (odd.status_code, odd.get("Location")) == (plain.status_code, plain.get("Location"))
    assert b"evil" not in odd.content
    assert not hasattr(configured, "SECURE_PROXY_SSL_HEADER") or configured.SECURE_PROXY_SSL_HEADER is None
    assert not odd.wsgi_request.is_secure()


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:80:80", "localhost@evil.example", "localhost,evil.example"]
)
def test_unknown_host_is_refused_and_never_repeated(db: None, host: str) -> None:
    for path in ("/login/", "/events/", "/admin/", "/welcome/"):
        answer = Client(headers={"host": host}).get(path)
        assert answer.status_code == 400, path
        assert b"evil" not in answer.content
        assert answer["Cache-Control"] == "no-store"
