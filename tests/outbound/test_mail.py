"""Handing mail over: with and without encryption, with a login, and to servers that cannot be trusted."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, LoginPassword

from events.outbound.mail import MailServer, deliverable, hand_over
from events.outbound.results import Outcome
from tests.tools.mails import Mails
from tests.tools.receivers import certificate

Serve = Callable[[str], Mails]


class _StartTls(Controller):
    """Wants encryption, and then the right password, before it takes anything."""

    context: ssl.SSLContext

    def factory(self) -> Server:
        def allow(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
            right = LoginPassword(b"mailer", b"p:w@d")
            return AuthResult(success=data == right, handled=False)

        return Server(
            self.handler,
            tls_context=self.context,
            require_starttls=True,
            auth_required=True,
            authenticator=allow,
            hostname="mail.example.com",
        )


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """A mail server of one kind, whose certificate this process trusts."""
    _pem, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "receiver.pem"))
    running: list[Any] = []

    def start(kind: str) -> Mails:
        with socket.create_server(("127.0.0.1", 0)) as free:
            box = Mails(free.getsockname()[1])
        place = {"hostname": "127.0.0.1", "port": box.port}
        if kind == "smtps":
            controller: Controller = Controller(box, ssl_context=context, **place)  # type: ignore[arg-type]
        elif kind == "smtp+starttls":
            controller = _StartTls(box, **place)  # type: ignore[arg-type]
            controller.context = context  # type: ignore[attr-defined]
        else:
            limit = {"data_size_limit": 10} if kind == "small" else {}  # bytes of a mail
            controller = Controller(box, **limit, **place)  # type: ignore[arg-type]
        controller.start()
        running.append(controller)
        return box

    yield start
    for controller in running:
        controller.stop()


def send(address: str) -> Outcome:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Übersicht"
    message.set_content("text")
    return hand_over(message, MailServer.read(address), "a@example.com", "b@example.com", "audit.example.com")


def test_a_servers_address_is_read() -> None:
    assert MailServer.read("smtps://mail.example.com") == MailServer("smtps", "mail.example.com", 465)
    whole = MailServer.read("smtp+starttls://mailer:p%3Aw%40d@mail.example.com:2525")
    assert whole == MailServer("smtp+starttls", "mail.example.com", 2525, "mailer", "p:w@d")
    assert "p:w@d" not in repr(whole)


@pytest.mark.parametrize(
    ("entered", "goes_to"),
    [
        (" ana@example.com ", "ana@example.com"),
        ("ana@münchen.example", "ana@xn--mnchen-3ya.example"),
        ("señora@example.com", ""),
        ("nowhere", ""),
        (f"ana@{'ü' * 63}.example", ""),
        ("", ""),
    ],
)
def test_an_address_is_spelled_as_servers_know_it(entered: str, goes_to: str) -> None:
    assert deliverable(entered) == goes_to


@pytest.mark.parametrize("kind", ["smtp", "smtps", "smtp+starttls"])
def test_a_mail_is_taken_by_each_kind_of_server(serve: Serve, kind: str) -> None:
    box = serve(kind)
    login = "mailer:p%3Aw%40d@" if kind == "smtp+starttls" else ""

    assert send(f"{kind}://{login}127.0.0.1:{box.port}").sent
    assert box.messages[0]["Subject"] == "Übersicht"


def test_a_wrong_password_is_tried_again_later_and_shown_nowhere(serve: Serve) -> None:
    box = serve("smtp+starttls")
    outcome = send(f"smtp+starttls://mailer:secret@127.0.0.1:{box.port}")

    assert (outcome.problem, outcome.is_final, box.taken) == ("smtp 535", False, [])
    assert outcome.of_server  # no other mail is tried with it now
    assert "secret" not in repr(outcome)


@pytest.mark.parametrize("kind", ["smtps", "smtp+starttls"])
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    serve: Serve, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = serve(kind)
    monkeypatch.delenv("SSL_CERT_FILE")

    assert send(f"{kind}://127.0.0.1:{box.port}").problem == "certificate"
    assert box.taken == []


def test_a_server_without_the_encryption_that_is_asked_for_gets_nothing(serve: Serve) -> None:
    box = serve("smtp")

    assert send(f"smtp+starttls://127.0.0.1:{box.port}").problem == "plugin"
    assert box.taken == []


@pytest.mark.parametrize(("answer", "is_final"), [("450 later", False), ("550 never", True)])
def test_an_answer_to_the_mail_says_whether_to_try_again(serve: Serve, answer: str, is_final: bool) -> None:
    box = serve("smtp")
    box.answer = answer
    outcome = send(f"smtp://127.0.0.1:{box.port}")

    assert (outcome.problem, outcome.is_final) == (f"smtp {answer[:3]}", is_final)
    assert not outcome.of_server


def test_a_server_that_takes_nothing_more_now_is_told_from_one_that_refuses_a_mail(serve: Serve) -> None:
    box = serve("smtp")
    box.answer = "421 Shutting down"

    assert send(f"smtp://127.0.0.1:{box.port}") == Outcome(sent=False, problem="smtp 421", status=421, of_server=True)


def test_a_mail_that_is_too_large_is_refused_for_good_and_others_are_not(serve: Serve) -> None:
    box = serve("small")

    assert send(f"smtp://127.0.0.1:{box.port}") == Outcome(sent=False, problem="smtp 552", status=552, is_final=True)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    assert send(f"smtp://127.0.0.1:{port}").problem == "unreachable"
