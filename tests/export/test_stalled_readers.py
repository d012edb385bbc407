"""Readers of exports and evidence packs that stall, on the site as it really runs: pages are answered meanwhile."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from auditsite.server import outlet
from tests.tools.processes import ROOT
from tests.tools.site import Site, start_site

PEOPLE, EVENTS = 4, 400
FILL = """
import json
from datetime import UTC, datetime
from django.contrib.auth import get_user_model
from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.nexmo.parse import parse_event
User = get_user_model()
names = ["leaver", *(f"person{n}" for n in range(PEOPLE))]
people = [User.objects.create_superuser(name, password="a-pass-word-of-tests") for name in names]
account = NexmoAccount.objects.create(owner=people[0], name="x", api_key="key00001", api_secret="secret")
context = {"filler": "x" * 20_000}
made = [
    {"id": f"event-{n}", "event_type": "NUMBER_UPDATED", "created_at": "2026-03-01T10:00:00", "context": context}
    for n in range(EVENTS)
]
add_events(account, [parse_event(json.dumps(one), UTC) for one in made], run=None, fetched_at=datetime.now(UTC))
""".replace("PEOPLE", str(PEOPLE)).replace("EVENTS", str(EVENTS))

PACK = """
import os
from datetime import timedelta
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone
from events.models import EvidencePack
person, now = get_user_model().objects.get(username="person0"), timezone.now()
pack = EvidencePack(requested_by=person, requested_at=now, name="pack.zip", state="ready", time_zone="UTC")
pack.language = "en"
pack.file, pack.size, pack.expires_at = f"{pack.pk}.0123abcd.zip", SIZE, now + timedelta(days=1)
pack.finished_at = now
pack.save()
settings.EVIDENCE_DIR.mkdir(exist_ok=True)
(settings.EVIDENCE_DIR / pack.file).write_bytes(os.urandom(SIZE))
print(pack.pk)
"""
SIZE = 8_000_000  # bytes: more than the server's outlet and the system's buffers hold


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("stalled")
    settings = {"WEB_PROCESSES": "2", "WEB_THREADS": "4", "EVIDENCE_DIR": str(folder / "evidence")}
    with start_site(folder, **settings) as running:
        run(running, FILL)
        yield running


def run(site: Site, code: str) -> str:
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", code]
    return subprocess.run(
        command, cwd=ROOT, env=site.environment, check=True, timeout=120, text=True, stdout=subprocess.PIPE
    ).stdout


class Person:
    """Somebody who is logged in."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.jar = site, http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        _, form = self.get("/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token
        data = {"csrfmiddlewaretoken": token[1], "login": name, "password": "a-pass-word-of-tests"}
        self.opener.open(f"{site.url}/login/", urllib.parse.urlencode(data).encode(), timeout=60).close()

    def get(self, path: str, seconds: float = 90) -> tuple[int, str]:
        try:
            with self.opener.open(f"{self.site.url}{path}", timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def stall(self, path: str, version: str = "1.1") -> tuple[socket.socket, int]:
        """Ask for a file and read no more than its status."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.site.port))
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)
        client.sendall(f"GET {path} HTTP/{version}\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n".encode())
        return client, int(client.recv(12)[9:12])


def test_slow_reader_who_loses_access_gets_a_reset_and_little_more(site: Site) -> None:
    off = "from django.contrib.auth.models import User; User.objects.filter(username='leaver').update(is_active=False)"
    client, status = Person(site, "leaver").stall("/events/export.ndjson", version="1.0")
    with client:
        assert status == 200
        run(site, off)  # while the server waits for the reader
        received = 0
        with pytest.raises(ConnectionResetError):  # an end without one would look like that of a whole file
            while part := client.recv(65_536):
                received += len(part)
                time.sleep(0.02)

    assert received < 3_000_000, "of 8 MB"
    log = site.log.read_text()
    assert "What is being sent is cut off" in log
    assert re.search(r"GET /events/export\.ndjson 403 .* leaver", log)
    assert "Traceback" not in log


def test_pages_are_answered_while_exports_stall(site: Site) -> None:
    people = [Person(site, f"person{number}") for number in range(PEOPLE)]
    with contextlib.ExitStack() as stack:
        statuses = []
        for round_ in range(4):
            for person in people:
                client, status = person.stall(f"/events/export.{('ndjson', 'csv')[round_ % 2]}")
                stack.enter_context(client)
                statuses.append(status)
        assert statuses.count(200) >= 3, statuses
        assert set(statuses) <= {200, 429, 503}, statuses
        assert len(statuses) - statuses.count(200) >= 8, "2 processes with 4 threads: 4 exports at most"

        began = time.monotonic()
        for person in people:
            for path in ("/events/", "/accounts/", "/healthz"):
                assert person.get(path)[0] == 200
        assert time.monotonic() - began < outlet.WITHIN, "before the readers that stall are given up"
        refusals = [person.get("/events/export.csv") for person in people]
        assert {status for status, _ in refusals} <= {429, 503, 200}
        assert any("Try again" in text for status, text in refusals if status != 200)

    # The readers are gone: their places are free again.
    deadline = time.monotonic() + 120
    while (answer := people[0].get("/events/export.ndjson", 60))[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert len([json.loads(line) for line in answer[1].splitlines()]) == EVENTS
    assert "Traceback" not in site.log.read_text()


def test_pages_are_answered_while_evidence_packs_stall(site: Site) -> None:
    address = f"/evidence/{run(site, PACK.replace('SIZE', str(SIZE))).split()[-1]}/pack.zip"
    people = [Person(site, f"person{number}") for number in range(PEOPLE)]
    with contextlib.ExitStack() as stack:
        statuses = []
        for person in people * 3:
            client, status = person.stall(address)
            stack.enter_context(client)
            statuses.append(status)
        assert statuses.count(200) >= 3, statuses
        assert set(statuses) <= {200, 429, 503}, statuses
        assert len(statuses) - statuses.count(200) >= 8, "2 processes with 4 threads: 4 files at most"

        began = time.monotonic()
        for person in people:
            for path in ("/events/", "/healthz"):
                assert person.get(path)[0] == 200
        assert time.monotonic() - began < outlet.WITHIN, "before the readers that stall are given up"
