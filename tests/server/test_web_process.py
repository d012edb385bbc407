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


def held_by(entry: str, tmp_path: Path, *, in_file: bool) -> list[str]:
    file = tmp_path / "env"
    file.write_text(f"SEAL_KEY={KEY}\n" if in_file else "")
    code = f"import os, sys\ntry:\n    {ENTRIES[entry]}\nexcept SystemExit:\n    pass\n{TELL}"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": str(file),
            "SECRET_KEY": "a-good-key-0123456789-abcdefghijklmnopqrstuvwxyz",
            "CREDENTIAL_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
            "DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3",
            "QUEUE_URL": f"sqlite:///{tmp_path}/queue.sqlite3",
        }
        | ({} if in_file else {"SEAL_KEY": KEY}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout.split()[-2:]


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
