"""A process that serves pages cannot sign, wherever the key may stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auditsite.configuration import env
from auditsite.server import supervisor
from tests.tools.processes import ROOT

KEY = "c2VhbHMtb2YtdGhlLXRlc3RzLXNlYWxzLW9mLXRlc3Q="
TELL = (
    "import os; from django.conf import settings; "
    "print('held' if settings.SEAL_KEY else 'none', 'SEAL_KEY' in os.environ)"
)
ENTRIES = {
    "wsgi": "import auditsite.wsgi",
    "gunicorn": "import auditsite.gunicorn; os.environ['DJANGO_SETTINGS_MODULE'] = 'auditsite.settings'",
    "runserver": "sys.argv[1:] = ['runserver', '--version']; import manage; manage.main()",
    "worker": "sys.argv[1:] = ['worker', '--version']; import manage; manage.main()",
    "seal_archive": "sys.argv[1:] = ['seal_archive', '--version']; import manage; manage.main()",
}


def said_by(code: str, file: Path, **settings: str) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": str(file),
            "SECRET_KEY": "a-good-key-0123456789-abcdefghijklmnopqrstuvwxyz",
            "CREDENTIAL_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
            "DATABASE_URL": f"sqlite:///{file.parent}/x.sqlite3",
            "QUEUE_URL": f"sqlite:///{file.parent}/queue.sqlite3",
        }
        | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout.split()


def held_by(entry: str, tmp_path: Path, *, in_file: bool) -> list[str]:
    file = tmp_path / "env"
    file.write_text(f"SEAL_KEY={KEY}\n" if in_file else "")
    code = f"import os, sys\ntry:\n    {ENTRIES[entry]}\nexcept SystemExit:\n    pass\n{TELL}"
    return said_by(code, file, **({} if in_file else {"SEAL_KEY": KEY}))[-2:]


@pytest.mark.parametrize("in_file", [True, False])
@pytest.mark.parametrize("entry", ["wsgi", "gunicorn", "runserver"])
def test_site_does_not_hold_the_key_that_signs(entry: str, tmp_path: Path, in_file: bool) -> None:
    assert held_by(entry, tmp_path, in_file=in_file) == ["none", "False"]


@pytest.mark.parametrize("entry", ["worker", "seal_archive"])
def test_worker_and_commands_hold_it(entry: str, tmp_path: Path) -> None:
    assert held_by(entry, tmp_path, in_file=True)[0] == "held"


def test_site_is_started_without_the_key_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    started: dict[str, dict[str, str]] = {}

    def start(arguments: list[str], *, env: dict[str, str], **_: Any) -> None:
        started["site" if "gunicorn" in arguments else "worker"] = env

    monkeypatch.setenv("SEAL_KEY", KEY)
    monkeypatch.setattr(supervisor.subprocess, "Popen", start)
    processes = supervisor.Supervisor()
    processes.start_site(1)
    processes.start_command("worker")
    assert started["worker"]["SEAL_KEY"] == KEY
    assert not env.WORKER_ONLY & started["site"].keys()
    assert started["site"]["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [
        ({}, []),
        ({"CACHE_URL": "redis://127.0.0.1:1/0"}, ["redis"]),
        ({"QUEUE_URL": "redis://127.0.0.1:1/0"}, ["redis"]),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "QUEUE_URL": "auto"}, ["psycopg"]),
    ],
)
def test_drivers_of_services_that_are_not_used_are_not_loaded(
    tmp_path: Path, settings: dict[str, str], loaded: list[str]
) -> None:
    """They are 17 MB of each process, and come with libraries that look whether they are installed."""
    (tmp_path / "env").write_text("")
    code = (
        f"import os, sys\n{ENTRIES['gunicorn']}\nimport django; django.setup()\nimport auditsite.urls\n"
        "print(*(name for name in ('psycopg', 'redis') if sys.modules.get(name)))"
    )
    assert said_by(code, tmp_path / "env", **settings) == loaded
