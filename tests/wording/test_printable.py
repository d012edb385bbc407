"""Foreign text in terminals, mails and logs."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts import validators
from accounts.models import NexmoAccount
from auditsite.monitoring.logs import Line
from events.models import AuditEvent, LegalHold, SavedView
from events.wording.printable import printable

EVIL = "X: intact.\x1b[8m\u202e\u200b\U000e0041"
SAFE = "X: intact.[U+001B][8m[U+202E][U+200B][U+E0041]"


def test_hidden_characters_become_codes_and_nothing_else_changes() -> None:
    assert printable(EVIL) == SAFE
    assert printable("two\nlines\r") == "two[U+000A]lines[U+000D]"
    assert printable("\x9b31m\ud800\u2028") == "[U+009B]31m[U+D800][U+2028]"
    for text in ("", "plain [x] <b>", "Ünïcödé 日本語 عربى", "no\u00a0break", "🎉", "e\u0301"):
        assert printable(text) == text
    assert printable(12) == "12"


def test_what_is_shown_as_a_code_is_what_names_may_not_hold() -> None:
    for code in (*range(0x3000), *range(0xD7F0, 0xE010), *range(0xFE00, 0x10000), *range(0xE0000, 0xE0200)):
        assert _is_refused(chr(code)) == (printable(chr(code)) != chr(code)), f"{code:x}"


def _is_refused(character: str) -> bool:
    try:
        validators.name_validator(f"a{character}b")
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    "text",
    ["a\x00", "a\x1bb", "\u202e", "a\u200db", "\ufeff", "a\n", "\ud83d", "\u3164", "a\ufe0f", "a\ufe00", "\U000e0100"],
)
def test_names_with_hidden_characters_are_refused_and_the_first_is_told(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validators.name_validator(text)
    assert "cannot be seen" in caught.value.messages[0]
    assert "U+" in caught.value.messages[0]


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u2003", "\u3000"], ids=ascii)
def test_names_with_blanks_around_them_are_refused(blank: str) -> None:
    for text in (f"Quillfern Parcel{blank}", f"{blank}Quillfern Parcel"):
        for validator in (validators.name_validator, validators.text_validator):
            with pytest.raises(ValidationError, match="Remove the blanks"):
                validator(text)
    validators.name_validator(f"Quillfern{blank}Parcel")


def test_selector_behind_a_symbol_may_stand_and_elsewhere_is_shown() -> None:
    for text in ("\u26a0\ufe0f Production", "\u2194\ufe0f", "\u2764\ufe0e"):
        validators.name_validator(text)
        assert printable(text) == text
    assert printable("Parcel\ufe0f") == "Parcel[U+FE0F]"
    assert printable("\u26a0\ufe0f\ufe0f") == "\u26a0\ufe0f[U+FE0F]"


def test_reasons_may_have_lines() -> None:
    validators.text_validator("one\r\n\ttwo")
    with pytest.raises(ValidationError):
        validators.text_validator("one\x0btwo")


def test_every_model_with_a_name_of_ours_refuses_them() -> None:
    for model, field in (
        (NexmoAccount, "name"),
        (SavedView, "name"),
        (SavedView, "description"),
        (LegalHold, "reason"),
    ):
        with pytest.raises(ValidationError, match="cannot be seen"):
            model._meta.get_field(field).run_validators(EVIL)


@pytest.fixture
def evil(account: NexmoAccount, add_event: Any) -> NexmoAccount:
    """An account named before names were checked."""
    add_event(account, 1)
    NexmoAccount.objects.exclude(pk=account.pk).update(is_active=False)
    NexmoAccount.objects.filter(pk=account.pk).update(name=EVIL)
    return account


def output_of(*command: str) -> str:
    out = io.StringIO()
    try:
        call_command(*command, stdout=out, stderr=out)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


@pytest.mark.parametrize(
    "command", [("verify_archive",), ("sync_events",), ("apply_retention",), ("seal_archive",)], ids=lambda c: c[0]
)
@pytest.mark.django_db(transaction=True)
def test_commands_show_codes(evil: NexmoAccount, command: tuple[str, ...]) -> None:
    output = output_of(*command)
    assert "demo0001" in output
    assert not {"\x1b", "\u202e", "\u200b", "\U000e0041"} & set(output)
    if command[0] in ("verify_archive", "sync_events"):
        assert SAFE in output


@pytest.mark.parametrize(
    "command", [("apply_retention", "--trust-clock"), ("apply_retention", "--yes", "--trust-clock"), ("seal_archive",)]
)
@pytest.mark.django_db
def test_api_keys_are_shown_with_codes(evil: NexmoAccount, command: tuple[str, ...]) -> None:
    NexmoAccount.objects.filter(pk=evil.pk).update(api_key=EVIL, keep_days=1)
    assert SAFE in output_of(*command)


@pytest.mark.parametrize(
    "command",
    [
        ("apply_retention", "--account=nobody"),
        ("sync_events", f"--account={EVIL}"),
        ("rotate_credential_keys",),
        ("export_events", "--format=csv", f"--source-ip={EVIL}"),
        ("export_events", "--format=csv", f"--columns={EVIL}"),
        ("export_events", "--format=csv", f"--output=/nowhere/{EVIL}/x"),
        ("export_events", "--format=csv", "--output={directory}"),
        ("backup", "/nowhere/" + EVIL),
        ("restore", "/nowhere/" + EVIL),
    ],
    ids=lambda command: " ".join(command[:2])[:40].encode("ascii", "replace").decode(),
)
@pytest.mark.django_db
def test_commands_fail_with_codes(evil: NexmoAccount, command: tuple[str, ...], tmp_path: Path, settings: Any) -> None:
    (directory := tmp_path / EVIL).mkdir()
    NexmoAccount.objects.filter(pk=evil.pk).update(api_key=EVIL, is_active=False)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]  # other keys than the secrets are stored with
    output = output_of(*(part.format(directory=directory) for part in command))
    assert "[U+001B][8m[U+202E]" in output
    assert not {"\x1b", "\u202e"} & set(output)


@pytest.mark.django_db(transaction=True)
def test_verify_archive_shows_a_problem_on_one_line(evil: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.archive.verify.verify_database", lambda **options: [EVIL])
    assert SAFE in output_of("verify_archive").splitlines()[0]


@pytest.mark.django_db
def test_export_to_a_terminal_shows_codes(
    account: NexmoAccount, add_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_event(account, 1, user_email=f"bob{EVIL}@example.com")
    assert AuditEvent.objects.get().user_email

    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", type("Out", (), {"buffer": screen, "write": lambda *_: None})())
    call_command("export_events", "--format", "csv", stderr=io.StringIO())
    text = screen.getvalue().decode()
    assert "bobx: intact.[U+001B][8m[U+202E][U+200B]" in text
    assert len(text.splitlines()) == 2


def test_log_lines_hide_and_reorder_nothing() -> None:
    record = logging.LogRecord("a", logging.INFO, "", 0, "name %s", (EVIL,), None)
    line = Line("{message}", style="{").format(record)
    assert line.isprintable()
    assert "\\u202e" in line


def test_messages_of_the_admin_show_codes(login: Any, evil: NexmoAccount) -> None:
    page = login("admin").post(
        "/admin/accounts/nexmoaccount/", {"action": "sync_now", "_selected_action": [evil.pk]}, follow=True
    )
    (message,) = page.context["messages"]
    assert SAFE in str(message)
