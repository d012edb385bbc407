"""Settings that point to other variables, hold a comment, or name what does not exist: refused, by name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from auditsite.configuration import checks, env, home
from auditsite.configuration.reader import Reader
from tests.configuration.test_settings import GOOD, start

SETTING_NAMES = sorted(env.SETTINGS)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    for name in (*env.SETTINGS, "OTHER", "PROD_DB", "tok"):
        monkeypatch.delenv(name, raising=False)
    return Reader(env.environ.Env())


@pytest.mark.parametrize("name", SETTING_NAMES)
@pytest.mark.parametrize("reference", ["$PROD_DB", "${PROD_DB}", " $PROD_DB "])
def test_unset_variable_is_named(reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str, reference: str) -> None:
    monkeypatch.setenv(name, reference)

    with pytest.raises(ImproperlyConfigured) as caught:
        reader.text(name)

    assert str(caught.value).startswith(f"{name} points to the variable PROD_DB, which is not set.")
    assert f"A $ at the beginning of {name} means another variable" in str(caught.value)


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_empty_variable_is_no_default(reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("OTHER", " ")
    monkeypatch.setenv(name, "$OTHER")

    with pytest.raises(ImproperlyConfigured, match=f"{name} points to the variable OTHER, which is empty"):
        reader.text(name)


def test_variable_that_is_set_is_used_through_others_too(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", "a-value")
    monkeypatch.setenv("PROD_DB", "${OTHER}")
    monkeypatch.setenv("SECRET_KEY", "$PROD_DB")

    assert reader.text("SECRET_KEY") == "a-value"


def test_circle_of_variables_is_refused(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", "$PROD_DB")
    monkeypatch.setenv("PROD_DB", "$OTHER")
    for setting, value in (("SECRET_KEY", "$OTHER"), ("TIME_ZONE", "$TIME_ZONE")):
        monkeypatch.setenv(setting, value)
        with pytest.raises(ImproperlyConfigured, match=f"{setting} points to .* points back"):
            reader.text(setting)


@pytest.mark.parametrize(
    "secret", ["$9qWfhTz-0123456789-abcdefghijklmnopqrstuvw", "$qWfhTzabcdefghijklmnopqrstuvwxyzabcdefghij", "$"]
)
@pytest.mark.parametrize("name", ["SECRET_KEY", "METRICS_TOKEN", "SEAL_KEY", "CREDENTIAL_KEYS"])
def test_secret_that_begins_with_a_dollar_is_explained_and_not_repeated(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str, secret: str
) -> None:
    monkeypatch.setenv(name, secret)

    with pytest.raises(ImproperlyConfigured, match=rf"^{name} .*write \\\$ for the character") as caught:
        reader.text(name)

    assert len(secret) < 2 or secret[1:] not in str(caught.value)


def test_dollar_can_be_meant(reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SECRET_KEY='$9qx'\nSEAL_KEY=\\$abc\nMETRICS_TOKEN=\"$tok\"\ntok=in-the-file\n")
    for name, value in env.read_env_file(file).items():
        monkeypatch.setenv(name, value)

    assert [reader.text(name) for name in ("SECRET_KEY", "SEAL_KEY", "METRICS_TOKEN")] == [
        "$9qx",
        "$abc",
        "in-the-file",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://user:$PASSWORD@host/db"),
        ("DATABASE_URL", "postgres://user:$hunter2@host/db"),
        ("DATABASE_URL", "postgres://user:secret@${DB_HOST}/db"),
        ("DATABASE_URL", "sqlite:///$HOME/x.sqlite3"),
        ("QUEUE_URL", "redis://$REDIS:6379/0"),
        ("CACHE_URL", "redis://${REDIS:-cache}/0"),
        ("NEXMO_AUDIT_URL", "https://$HOST/beta/audit"),
        ("ALLOWED_HOSTS", "a.example.com,$SITE_HOST"),
        ("SEAL_CHANNELS", "/var/$SITE/seals"),
        ("SEAL_CHANNELS", "jsons://user:pa$word@hooks.example/x,/tmp/$SITE.ndjson"),
        ("DATABASE_URL", "sqlite:////tmp/$SITE.sqlite3"),
        ("DATABASE_URL", "sqlite:////tmp/${SITE}.sqlite3"),
        ("DATABASE_URL", "postgres://user:pa$word@host/db_$ENV"),
        ("DATABASE_URL", "postgres://user:password@db-$ENV.internal/db"),
        ("DATABASE_URL", "postgres://user@host/db?sslrootcert=/etc/$ENV.pem"),
        ("EVIDENCE_DIR", "/tmp/ev-$SITE"),
        ("CACHE_URL", "redis://cache-$ENV:6379/0"),
        ("QUEUE_URL", "redis://:pa$word@cache-${ENV}:6379/0"),
        ("ALLOWED_HOSTS", "audit-$ENV.example.com"),
    ],
)
def test_variable_in_the_middle_is_refused(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=rf"^{name} holds (\$|a variable in place)") as caught:
        reader.text(name)

    assert "$hunter2" not in str(caught.value)
    assert "$word" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://us$er:pa$word@host/db"),
        ("DATABASE_URL", "postgres://user:pa${word}x@host/db"),
        ("DATABASE_URL", "postgres://host/db?user=x&password=pa$word&sslmode=require"),
        ("DATABASE_URL", "sqlite:////data/a%24b.sqlite3"),
        ("QUEUE_URL", "redis://:a,b$c@host:6379/0"),
        ("CACHE_URL", "redis://:pa$$word@host:6379/0"),
        ("SEAL_CHANNELS", "slack://to$ken/a/b,/var/seals.ndjson"),
        ("EVIDENCE_DIR", "/data/costs-in-$-2026"),
    ],
)
def test_dollar_that_names_no_variable_stays(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    assert reader.text(name) == value


def test_dollar_of_a_path_can_be_meant(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIDENCE_DIR", r"/data/a\$b")

    assert reader.text("EVIDENCE_DIR") == "/data/a$b"


def test_dollar_in_single_quotes_is_only_a_dollar(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("EVIDENCE_DIR='/data/a$b'\nDATABASE_URL='postgres://user:pa$word@host/db'\nSECRET_KEY='a$b\\$c'\n")
    for name, value in env.read_env_file(file).items():
        monkeypatch.setenv(name, value)

    assert [reader.text(name) for name in ("EVIDENCE_DIR", "DATABASE_URL", "SECRET_KEY")] == [
        "/data/a$b",
        "postgres://user:pa$word@host/db",
        "a$b\\$c",
    ]


def test_variable_within_what_a_variable_holds_is_refused(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_DB", "sqlite:////tmp/$SITE.sqlite3")
    monkeypatch.setenv("DATABASE_URL", "$PROD_DB")

    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL holds \$SITE"):
        reader.text("DATABASE_URL")


def test_dollar_within_a_password_is_only_a_dollar(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://user:pa$word@host/db")

    assert reader.database("DATABASE_URL")["PASSWORD"] == "pa$word"


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_comment_behind_a_value_is_refused(reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "value # prod")

    with pytest.raises(ImproperlyConfigured, match=f"{name} seems to end in a comment"):
        reader.text(name)


@pytest.mark.parametrize(
    "host",
    ["audit.example.com prod", "https://audit.example.com", "audit.example.com:8000", "audit.example.com/",
     "-a.example", "a..b", "audit_example.com;", "[audit.example.com]", "::1", "[::1", "a" * 64,
     "*.example.com", "ä.example"],
)  # fmt: skip
def test_what_is_not_a_host_is_refused(host: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^ALLOWED_HOSTS "):
        checks.hosts([host], debug=False, https=True)


@pytest.mark.parametrize("host", ["audit.example.com", ".example.com", "web", "web_1", "192.0.2.7", "[2001:db8::7]"])
def test_hosts_are_accepted(host: str) -> None:
    assert checks.hosts([host], debug=False, https=True) == [host]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": "$PROD_DB"}, "DATABASE_URL points to the variable PROD_DB, which is not set"),
        ({"SEAL_KEY": "$x"}, "SEAL_KEY points to the variable x, which is not set"),
        ({"METRICS_TOKEN": "$tok"}, "METRICS_TOKEN points to the variable tok, which is not set"),
        ({"ALLOWED_HOSTS": "$SITE_HOST"}, "ALLOWED_HOSTS points to the variable SITE_HOST, which is not set"),
        ({"ALLOWED_HOSTS": "audit.example.com # prod"}, "ALLOWED_HOSTS seems to end in a comment"),
        ({"EVIDENCE_DIR": ""}, "EVIDENCE_DIR must name a directory"),
        ({"EVIDENCE_DIR": "manage.py"}, "EVIDENCE_DIR must name a directory, not 'manage.py'"),
        ({"EVIDENCE_DIR": "/nosuch/place/packs"}, "EVIDENCE_DIR names '/nosuch/place/packs', but"),
        ({"SEAL_CHANNELS": "/nosuch/seals.ndjson"}, "SEAL_CHANNELS names '/nosuch/seals.ndjson'"),
        ({"SEAL_KEY": "!" * 44}, "SEAL_KEY is not a key"),
        ({"WEB_THREADS": "2.5"}, "WEB_THREADS must be a whole number"),
        ({"ENV_FILE": "/nosuch/env"}, "ENV_FILE names /nosuch/env, which does not exist"),
        ({"ENV_FILE": "/nosuch/env", "SECRET_KEY": None}, "ENV_FILE names /nosuch/env, which does not exist"),
        ({"DATABASE_URL": "sqlite:////nosuch/x.sqlite3"}, "DATABASE_URL names a file in /nosuch"),
        ({"DATABASE_URL": ""}, "DATABASE_URL cannot be read"),
        ({"QUEUE_URL": "sqlite:////nosuch/q.sqlite3"}, "QUEUE_URL names a file in /nosuch"),
        ({"QUEUE_URL": "sqlite://q.sqlite3"}, "QUEUE_URL needs three slashes"),
        ({"NEXMO_AUDIT_URL": "https://api_nexmo!/x"}, "NEXMO_AUDIT_URL names 'api_nexmo!', which is not a host"),
    ],
)
def test_site_refuses_to_start_and_says_which(changes: dict[str, str | None], said: str) -> None:
    result = start(**changes)

    assert result.returncode != 0
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not Path("/nosuch").exists()


def test_interrupted_first_start_leaves_no_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "fsync", interrupt)
        home.write_first_env_file(tmp_path / ".env")
    assert list(tmp_path.iterdir()) == []

    home.write_first_env_file(tmp_path / ".env")
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600]
    with pytest.raises(FileExistsError):
        home.write_first_env_file(tmp_path / ".env")
    assert GOOD["SECRET_KEY"] not in (tmp_path / ".env").read_text()
