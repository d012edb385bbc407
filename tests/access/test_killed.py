"""Whenever a server is killed: what it had answered has its entry."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from itertools import count
from pathlib import Path

from tests.tools.processes import ROOT
from tests.tools.services import only_sqlite
from tests.tools.site import Site, start_site

TOKEN = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from accounts.tokens import lifecycle
print(lifecycle.make(User.objects.get(), "killer", timezone.now() + timedelta(days=1), accounts=None)[1].token)
"""


@only_sqlite  # the site has a database of its own
def test_killed_server_has_answered_nothing_without_its_entry(tmp_path: Path) -> None:
    with start_site(tmp_path, WEB_PROCESSES="1", API_REQUESTS_PER_MINUTE="100000") as site:
        answered: list[str] = []
        token, over = _token(site), threading.Event()
        readers = [threading.Thread(target=_read, args=(site, token, who, answered, over)) for who in "abc"]
        for reader in readers:
            reader.start()
        for _ in range(3):
            time.sleep(0.4)
            for worker in _workers(site):
                os.kill(worker, signal.SIGKILL)
        time.sleep(0.4)
        over.set()
        for reader in readers:
            reader.join()

    with sqlite3.connect(tmp_path / "site.sqlite3") as database:
        rows = database.execute("SELECT detail FROM access_accessentry WHERE via = 'token'").fetchall()
    told = {json.loads(detail)["filter"] for (detail,) in rows}
    assert answered
    assert set(answered) - told == set()


def _token(site: Site) -> str:
    made = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", TOKEN],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return made.stdout.split()[-1]


def _read(site: Site, token: str, who: str, answered: list[str], over: threading.Event) -> None:
    """Ask again and again, each time for something else, so that every answer has an entry of its own."""
    for number in count():
        if over.is_set():
            return
        query = f"user_email={who}{number}"
        address = f"{site.url}/api/v1/events?{query}"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10):
                answered.append(query)
        except (OSError, urllib.error.URLError):
            time.sleep(0.02)


def _workers(site: Site) -> list[int]:
    """The processes that answer: children of the one that this test started."""
    found: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"--bind=127.0.0.1:{site.port}" in (folder / "cmdline").read_text().split("\0"):
                found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return [process for process, parent in found.items() if parent in found]
