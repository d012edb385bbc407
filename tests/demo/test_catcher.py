"""The demo's catcher of mails and webhooks: what it takes, shows and refuses."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from auditsite.demo.catcher import MOST_BYTES, Catcher, linked, verdict_on
from tests.tools.site import free_port

SITE = "http://127.0.0.1:8000"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the example of the specification
BODY = b'{"type": "finding.opened", "data": {"url": "http://127.0.0.1:8000/findings/7/"}}'


def signed(body: bytes = BODY, at: float | None = None, key: str = "msg_1", secret: str = SECRET) -> dict[str, str]:
    """The headers that the specification's own library makes."""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    signature = Webhook(secret).sign(key, moment, body.decode())
    return {"webhook-id": key, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}


# --- signatures -----------------------------------------------------------------------------------------------------

NOW = 1_800_000_000.0  # these are signed when tests are collected, and judged much later


@pytest.mark.parametrize(
    ("headers", "body", "verdict"),
    [
        (signed(at=NOW), BODY, "verified"),
        (signed(at=NOW), BODY + b" ", "wrong"),
        (signed(at=NOW) | {"webhook-id": "msg_2"}, BODY, "wrong"),
        (signed(at=NOW, secret="whsec_" + "A" * 32), BODY, "wrong"),
        (signed(at=NOW) | {"webhook-signature": "v1,AAAA"}, BODY, "wrong"),
        (signed(at=NOW) | {"webhook-signature": f"v1,ä {signed(at=NOW)['webhook-signature']}"}, BODY, "verified"),
        (signed(at=NOW - 3600), BODY, "old"),
        (signed(at=NOW + 3600), BODY, "old"),
        ({}, BODY, "unsigned"),
        ({"webhook-id": "msg_1"}, BODY, "unsigned"),
    ],
)
def test_signature_is_judged(headers: dict[str, str], body: bytes, verdict: str) -> None:
    assert verdict_on(headers, body, ["whsec_not base64", SECRET], NOW) == verdict


# --- links ----------------------------------------------------------------------------------------------------------


def test_only_the_sites_own_addresses_are_links() -> None:
    text = linked(f'See {SITE}/findings/7/. Not http://evil.example/ nor {SITE}.evil.example/ <b>"', SITE)
    assert text == (
        f'See <a href="{SITE}/findings/7/">{SITE}/findings/7/</a>. Not http://evil.example/ nor '
        f"{SITE}.evil.example/ &lt;b&gt;&quot;"
    )


# --- over the network -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Catcher, int]]:
    mail_port = free_port()
    with Catcher(page_port=0, mail_port=mail_port, site=SITE, secrets=lambda: [SECRET]) as catcher:
        yield catcher, mail_port


@pytest.fixture
def catcher(running: tuple[Catcher, int]) -> Catcher:
    running[0]._caught.clear()
    return running[0]


def url(catcher: Catcher, path: str = "/") -> str:
    return f"http://127.0.0.1:{catcher.page_port}{path}"


def test_nothing_came_says_what_to_do(catcher: Catcher) -> None:
    page = requests.get(url(catcher), timeout=60)
    assert f'href="{SITE}/demo/"' in page.text and 'http-equiv="refresh"' in page.text
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert requests.get(url(catcher, "/style.css"), timeout=60).headers["Content-Type"].startswith("text/css")


def test_mail_is_shown(catcher: Catcher, running: tuple[Catcher, int]) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "audit@example.com", "alice@example.com", "Kritisch: Übernahme"
    message.set_content(f"<script> took over. {SITE}/findings/7/\n")
    message.add_alternative("<p>took over</p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", running[1], timeout=60) as server:
        server.send_message(message)

    (caught,) = catcher.messages()
    assert (caught.kind, caught.title) == ("mail", "Kritisch: Übernahme")
    page = requests.get(url(catcher), timeout=60).text
    assert "&lt;script&gt; took over" in page and f'<a href="{SITE}/findings/7/">' in page
    assert "alice@example.com" in page and "<title>(1) " in page


def test_mail_is_shown_as_mail_programs_do(catcher: Catcher, running: tuple[Catcher, int]) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "audit@example.com", "alice@example.com", "Report"
    message.set_content("as text\n")
    message.add_alternative('<p>as HTML <img src="cid:chart@x"></p>', subtype="html")
    html: Any = message.get_body(("html",))
    html.add_related(b"picture", "image", "png", cid="<chart@x>")
    message.add_attachment(b"a,b\r\n" * 300_000, "text", "csv", filename="events.csv")  # beyond what a webhook may be
    with smtplib.SMTP("127.0.0.1", running[1], timeout=60) as server:
        server.send_message(message)

    (caught,) = catcher.messages()
    page = requests.get(url(catcher), timeout=60).text
    assert f'href="/mail/{caught.number}"' in page and "Attached events.csv" in page
    shown = requests.get(url(catcher, f"/mail/{caught.number}"), timeout=60)
    assert shown.text.strip() == '<p>as HTML <img src="data:image/png;base64,cGljdHVyZQ=="></p>'
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert requests.get(url(catcher, "/mail/98765"), timeout=60).status_code == 404


def test_webhook_is_shown_with_the_verdict_on_its_signature(catcher: Catcher) -> None:
    assert requests.post(url(catcher, "/hooks/alice"), BODY, headers=signed(), timeout=60).status_code == 204
    assert requests.post(url(catcher, "/hooks/alice"), BODY, headers=signed(), timeout=60).status_code == 204
    assert requests.post(url(catcher, "/x"), b"no JSON \xff", timeout=60).status_code == 204

    last, again, first = catcher.messages()
    assert [(each.verdict, each.repeat) for each in (first, again, last)] == [
        ("verified", False), ("verified", True), ("unsigned", False),
    ]  # fmt: skip
    page = requests.get(url(catcher), timeout=60).text
    assert page.index("Not signed") < page.index("sent again") < page.rindex("Signature verified")
    assert "finding.opened" in page and "POST /hooks/alice" in page


def test_heading_of_a_webhook_names_its_finding(catcher: Catcher) -> None:
    for body in (
        b'{"type": "finding.opened", "data": {"finding": {"title": "Key leaked"}}}',
        b'{"type": "test", "data": 1}',
        b"[1]",
    ):
        catcher.take_webhook("/", {}, body)
    assert [each.title for each in catcher.messages()] == ["", "test", "Key leaked (finding.opened)"]


def test_page_speaks_the_readers_language(catcher: Catcher) -> None:
    page = requests.get(url(catcher), headers={"Accept-Language": "xx, es-AR;q=0.9"}, timeout=60).text
    assert '<html lang="es">' in page


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": ""}, {"Origin": "http://evil.example"}])
def test_web_pages_cannot_fill_it(catcher: Catcher, headers: dict[str, str]) -> None:
    assert requests.post(url(catcher), BODY, headers=headers, timeout=60).status_code == 403
    assert not catcher.messages()


def test_other_names_for_this_machine_cannot_read_it(catcher: Catcher) -> None:
    assert requests.get(url(catcher), headers={"Host": "evil.example"}, timeout=60).status_code == 403


def test_what_is_too_long_is_refused(catcher: Catcher) -> None:
    headers = {"Content-Length": str(MOST_BYTES + 1)}
    assert requests.post(url(catcher), b"", headers=headers, timeout=60).status_code == 413
    assert not catcher.messages()


def test_only_the_newest_are_kept(catcher: Catcher) -> None:
    for number in range(250):
        catcher.take_webhook("/", {}, json.dumps({"type": f"n{number}"}).encode())
    assert [each.title for each in catcher.messages()][:1] == ["n249"] and len(catcher.messages()) == 200


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"Content-Type: text/plain; charset=nonsense\n\nx \xff"])
def test_odd_mail_is_kept(catcher: Catcher, content: bytes) -> None:
    catcher.take_mail("", ["a@example.com"], content)
    assert len(catcher.messages()) == 1


def test_taken_port_is_an_error(catcher: Catcher, running: tuple[Catcher, int]) -> None:
    def both(**ports: Any) -> None:
        with Catcher(site=SITE, **ports):
            pass

    with pytest.raises(OSError, match="in use"):
        both(page_port=catcher.page_port, mail_port=free_port())
    with pytest.raises(OSError, match="in use"):
        both(page_port=0, mail_port=running[1])
