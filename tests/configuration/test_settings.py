"""Settings: refused with a sentence when missing or unsafe, written at the first start, documented."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from auditsite.configuration import checks, env, home

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "SECRET_KEY": "a-good-key-0123456789-abcdefghijklmnopqrstuvwxyz",
    "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "audit.example.com",
    "ENV_FILE": os.devnull,
}


def start(arguments: tuple[str, ...] = ("check",), **changes: str | None) -> subprocess.CompletedProcess[str]:
    values = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **values},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_good_settings_start() -> None:
    result = start()
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is not random enough"),
        ({"SECRET_KEY": "django-insecure-0123456789-abcdefghijklmnopqrstuvwxyz"}, "SECRET_KEY is not random enough"),
        ({"CREDENTIAL_KEYS": None}, "CREDENTIAL_KEYS is missing"),
        ({"CREDENTIAL_KEYS": "not-a-key"}, "CREDENTIAL_KEYS holds no Fernet key at position 1"),
        ({"CREDENTIAL_KEYS": GOOD["CREDENTIAL_KEYS"] + ",zzz"}, "at position 2"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must not contain *"),
        ({"DEBUG": "true"}, "DEBUG must be false"),
        ({"DEBUG": "maybe"}, "DEBUG must be true or false"),
        ({"HTTPS": "false"}, "HTTPS must be true"),
        ({"NEXMO_AUDIT_URL": "http://api.nexmo.com/beta/audit"}, "NEXMO_AUDIT_URL must use https"),
        ({"NEXMO_AUDIT_URL": "https://key:secret@api.nexmo.com/"}, "must hold no user name"),
        ({"NEXMO_AUDIT_URL": "ftp://api.nexmo.com/"}, "NEXMO_AUDIT_URL must be an address"),
        ({"NEXMO_REQUESTS_PER_SECOND": "-1"}, "NEXMO_REQUESTS_PER_SECOND must lie between"),
        ({"NEXMO_TIMEOUT": "soon"}, "NEXMO_TIMEOUT must be a number"),
        ({"SYNC_INTERVAL": "often"}, "SYNC_INTERVAL must be a time"),
        ({"EVENT_TIME_ZONE": "Mars/Base"}, "EVENT_TIME_ZONE must be a time zone"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL cannot be read"),
        ({"QUEUE_URL": "carrier-pigeon:"}, "QUEUE_URL must be auto, or begin with"),
        ({"CACHE_URL": "memcached://host"}, "CACHE_URL must be database"),
        ({"DATABASE_POOL": "3"}, "DATABASE_POOL must be auto, 0 (no pool), or a number of at least 6"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN must be at least 20 random letters"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be one of line, json"),
        ({"DETECTION_RULES": "no/such/folder"}, "DETECTION_RULES must name a folder, not 'no/such/folder'"),
        ({"WEB_THREADS": "0"}, "WEB_THREADS must lie between"),
    ],
)
def test_unsafe_setting_is_refused_with_its_name_and_no_traceback(changes: dict[str, str | None], said: str) -> None:
    result = start(**changes)
    assert result.returncode != 0
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    secret = changes.get("CREDENTIAL_KEYS") or ""
    assert not secret or secret not in result.stderr


def test_password_in_a_bad_database_address_is_not_repeated() -> None:
    assert "hunter2" not in start(DATABASE_URL="nosuch://user:hunter2@host/x").stderr


def test_malformed_line_is_told_by_number_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DEBUG=false\nSECRET_KEY hunter2\n")
    with pytest.raises(ImproperlyConfigured, match="line 2: expected NAME=value") as caught:
        env.read_env_file(file)
    assert "hunter2" not in str(caught.value)


def test_env_file_takes_comments_quotes_and_export(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\n\nexport A='one'\nB=\"two = 2\"\nC=three\n")
    assert env.read_env_file(file) == {"A": "one", "B": "two = 2", "C": "three"}


def test_first_start_writes_fresh_keys_for_the_owner_only(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / ".env", tmp_path / "b" / ".env"
    home.write_first_env_file(first)
    home.write_first_env_file(second)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    values = env.read_env_file(first)
    assert checks.secret_key(values["SECRET_KEY"])
    assert checks.credential_keys([values["CREDENTIAL_KEYS"]])
    assert values != env.read_env_file(second)


def test_first_start_says_what_to_do_next(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    result = start(SECRET_KEY=None, CREDENTIAL_KEYS=None, ALLOWED_HOSTS=None, ENV_FILE=str(file))
    assert result.returncode == 0
    assert "Back it up" in result.stderr
    assert "Next: `make run`" in result.stderr
    assert "createsuperuser" not in result.stderr, "the site's own first page does that"
    assert file.exists()
    again = start(SECRET_KEY=None, CREDENTIAL_KEYS=None, ALLOWED_HOSTS=None, ENV_FILE=str(file))
    assert (again.returncode, again.stderr) == (0, "")


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("AUDITSITE_TEST=file\nAUDITSITE_TEST_2=file\n")
    monkeypatch.setenv("AUDITSITE_TEST", "environment")
    monkeypatch.delenv("AUDITSITE_TEST_2", raising=False)
    env.load(file)
    assert os.environ["AUDITSITE_TEST"] == "environment"
    assert os.environ.pop("AUDITSITE_TEST_2") == "file"


@pytest.mark.parametrize("document", [".env.example", "docs/reference.md"])
def test_every_setting_is_documented_and_nothing_else(document: str) -> None:
    text = (ROOT / document).read_text()
    pattern = r"^#?\s?([A-Z][A-Z_]+)=" if document == ".env.example" else r"^\| `([A-Z][A-Z_]+)` \|"
    assert set(re.findall(pattern, text, re.MULTILINE)) == set(env.SETTINGS)


def test_every_setting_is_read() -> None:
    text = (ROOT / "auditsite" / "settings.py").read_text()
    read = set(re.findall(r'read\.\w+\("([A-Z_]+)"', text))
    assert read == set(env.SETTINGS)
