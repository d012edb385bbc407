"""Secrets out of files: NAME_FILE and systemd's credentials, for every setting that holds one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from auditsite.configuration import env, home, secret_files
from auditsite.configuration.reader import Reader
from auditsite.demo import environment
from tests.configuration.test_settings import start

VALUE = "the-planted-value-0123456789-$HOME # not a comment"


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in secret_files.variables(env.FROM_FILES) | {secret_files.DIRECTORY}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(secret_files, "_warned", set())


@pytest.fixture
def reader() -> Reader:
    return Reader(env.environ.Env())


def private(path: Path, text: str | bytes = VALUE) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


def test_every_secret_setting_is_marked() -> None:
    """By their names and what they say, so that a new one is not forgotten."""
    assert {
        *("SECRET_KEY", "CREDENTIAL_KEYS", "SEAL_KEY", "METRICS_TOKEN", "ALERT_MAIL_SERVER", "OIDC_CLIENT_SECRET")
    } == env.SECRETS
    assert {"DATABASE_URL", "QUEUE_URL", "CACHE_URL", "SEAL_CHANNELS"} == env.FROM_FILES - env.SECRETS
    for name, setting in env.SETTINGS.items():
        secret = any(word in name for word in ("SECRET", "TOKEN", "KEYS", "PASSWORD")) and "PUBLIC" not in name
        assert not (secret and not name.endswith(("DAYS", "LENGTH"))) or setting.confidential, name
        assert "password@" not in setting.help or setting.confidential, name


@pytest.mark.parametrize("name", sorted(env.FROM_FILES))
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_is_read_as_it_is_without_its_last_line_end(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, end: str
) -> None:
    monkeypatch.setenv(f"{name}_FILE", str(private(tmp_path / "secret", VALUE + end)))
    monkeypatch.setenv(name, " ")  # as copies of .env.example have it
    assert reader.text(name) == VALUE


def test_a_credential_of_systemd_is_read(reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    private(tmp_path / "SECRET_KEY")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert reader.text("SECRET_KEY") == VALUE
    assert reader.text("METRICS_TOKEN") == ""
    assert secret_files.is_given("SECRET_KEY")
    assert not secret_files.is_given("METRICS_TOKEN")


def test_other_settings_are_not_read_from_files(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    private(tmp_path / "TIME_ZONE", "Europe/Madrid")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("TIME_ZONE", raising=False)
    assert reader.text("TIME_ZONE") == "UTC"


@pytest.mark.parametrize(
    "two", [("variable", "file"), ("variable", "credential"), ("file", "credential")], ids="+".join
)
def test_said_twice_is_refused(reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, two: str) -> None:
    if "variable" in two:
        monkeypatch.setenv("SEAL_KEY", VALUE)
    if "file" in two:
        monkeypatch.setenv("SEAL_KEY_FILE", str(private(tmp_path / "file")))
    if "credential" in two:
        private(tmp_path / "SEAL_KEY")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="SEAL_KEY is set twice, by .* Keep one of them.") as caught:
        reader.text("SEAL_KEY")
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "which does not exist"),
        ("directory", "which is a directory"),
        ("pipe", "which is no regular file"),
        ("empty", "which is empty"),
        ("blank", "which is empty"),
        ("long", "which is too long for a setting"),
        ("bytes", "which is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, said: str
) -> None:
    path = tmp_path / "secret"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "missing":
        private(path, {"empty": "", "blank": " \n\n", "long": "x" * 70_000, "bytes": b"hunter2\xff"}[kind])
    monkeypatch.setenv("METRICS_TOKEN_FILE", str(path))
    with pytest.raises(ImproperlyConfigured, match=f"METRICS_TOKEN_FILE names {path}, {said}") as caught:
        reader.text("METRICS_TOKEN")
    assert "hunter2" not in str(caught.value)


def test_a_file_that_may_not_be_read_is_told(reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("METRICS_TOKEN_FILE", str(private(tmp_path / "secret")))
    monkeypatch.setattr(secret_files.Path, "open", refuse)
    with pytest.raises(ImproperlyConfigured, match="cannot be read: Permission denied"):
        reader.text("METRICS_TOKEN")


def test_a_file_that_everybody_can_read_is_told_once(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = private(tmp_path / "secret")
    path.chmod(0o644)
    monkeypatch.setenv("METRICS_TOKEN_FILE", str(path))
    reader.text("METRICS_TOKEN")
    assert capsys.readouterr().err == "", "the folder above is closed to others"
    monkeypatch.setattr(secret_files, "_is_open_above", lambda path: True)
    reader.text("METRICS_TOKEN")
    reader.text("METRICS_TOKEN")
    told = capsys.readouterr().err
    assert told.count("everybody on this machine can read") == 1
    assert VALUE not in told
    path.chmod(0o640)
    monkeypatch.setattr(secret_files, "_warned", set())
    reader.text("METRICS_TOKEN")
    assert capsys.readouterr().err == ""


def test_the_site_starts_with_its_keys_in_files(tmp_path: Path) -> None:
    keys = {
        "SECRET_KEY": "a-good-key-0123456789-abcdefghijklmnopqrstuvwxyz",
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
    }
    for name, value in keys.items():
        private(tmp_path / name, f"{value}\n")
    named = {f"{name}_FILE": str(tmp_path / name) for name in keys}
    nothing: dict[str, str | None] = dict.fromkeys(keys)
    result = start(**nothing, **named)
    assert (result.returncode, result.stderr) == (0, "")
    result = start(**nothing, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    result = start(**nothing, **(named | {"SECRET_KEY_FILE": str(tmp_path / "gone")}))
    assert result.returncode != 0
    assert "SECRET_KEY_FILE names" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_first_start_with_a_key_in_a_file_writes_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", str(private(tmp_path / "key")))
    with pytest.raises(ImproperlyConfigured, match="does not exist"):
        env.load(tmp_path / ".env")
    assert not (tmp_path / ".env").exists()
    monkeypatch.setattr(home, "IN_SOURCE_TREE", False)
    monkeypatch.delenv("AUDITSITE_HOME", raising=False)
    monkeypatch.delenv("ENV_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert home.find() == tmp_path


def test_pages_read_the_seal_key_from_nowhere(reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(env, "_withheld", set())
    monkeypatch.setenv("SEAL_KEY_FILE", str(private(tmp_path / "SEAL_KEY")))
    env.become_web_process()
    assert "SEAL_KEY_FILE" not in os.environ
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert reader.text("SEAL_KEY") == ""
    private(tmp_path / ".env", f"SEAL_KEY_FILE={tmp_path / 'SEAL_KEY'}\nSECRET_KEY=x\n")
    env.load(tmp_path / ".env")
    assert "SEAL_KEY_FILE" not in os.environ
    assert os.environ.pop("SECRET_KEY") == "x"


def test_the_demo_takes_nobodys_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "KEYS", tmp_path / "demo.env")
    monkeypatch.setattr(os, "environ", dict(os.environ, DATABASE_URL_FILE="/nowhere"))
    environment.use_demo_environment()
    assert "DATABASE_URL_FILE" not in os.environ
