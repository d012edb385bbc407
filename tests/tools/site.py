"""The site as it really runs: gunicorn in processes of its own, with settings from the environment only."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from tests.tools.processes import ROOT


@dataclass(frozen=True)
class Site:
    port: int
    log: Path
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def start_site(directory: Path, *, founded: bool = True, **settings: str) -> Iterator[Site]:
    """Serve a migrated database in a directory on a free port until the end of the block.

    Args:
        founded: somebody exists; without anybody every page leads to the one that makes the first administrator.
    """
    values = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "a-good-key-0123456789-abcdefghijklmnopqrstuvwxyz",
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": f"sqlite:///{directory}/site.sqlite3",
        "QUEUE_URL": f"sqlite:///{directory}/queue.sqlite3",
    } | settings
    site = Site(free_port(), directory / "site.log", values)
    for file in _databases(values, founded=founded).iterdir():
        shutil.copy(file, directory)
    with site.log.open("wb") as log:
        server = [sys.executable, "-m", "gunicorn", "-c", "python:auditsite.gunicorn", "auditsite.wsgi"]
        process = subprocess.Popen(
            [*server, f"--bind=127.0.0.1:{site.port}"], cwd=ROOT, env=values, stdout=log, stderr=log
        )
        try:
            _wait_for(site, process)
            yield site
        finally:
            process.terminate()
            process.wait(60)


def _databases(environment: dict[str, str], *, founded: bool) -> Path:
    """A folder with the databases of a site that nobody has used yet, kept for as long as no code changes.

    Whoever comes first makes it, with the commands that an operator gives; all others of this run, and of the next
    ones, copy it.
    """
    code = sorted(path for room in ("accounts", "auditsite", "events") for path in (ROOT / room).rglob("*.py"))
    packages = ROOT / "requirements.txt"
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in (*code, packages))).hexdigest()[:16]
    kept = ROOT / "var" / "test-sites"
    kept.mkdir(parents=True, exist_ok=True)
    ready = kept / f"{digest}-{'founded' if founded else 'migrated'}"
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            _forget(kept, but=digest)
            made = Path(tempfile.mkdtemp(dir=kept))
            _migrate(made, environment, founded=founded)
            made.rename(ready)
    return ready


def _migrate(directory: Path, environment: dict[str, str], *, founded: bool) -> None:
    values = environment | {
        "DATABASE_URL": f"sqlite:///{directory}/site.sqlite3",
        "QUEUE_URL": f"sqlite:///{directory}/queue.sqlite3",
        "DJANGO_SUPERUSER_PASSWORD": "of-nobody",
    }
    founder = ("createsuperuser", "-v0", "--noinput", "--username=founder", "--email=founder@example.com")
    for command in (("migrate", "-v0"), founder) if founded else (("migrate", "-v0"),):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=values, check=True, timeout=300)


def _forget(kept: Path, *, but: str) -> None:
    for folder in kept.iterdir():
        if folder.is_dir() and not folder.name.startswith(but):
            shutil.rmtree(folder)


def _wait_for(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{site.url}/healthz", timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, site.log.read_text()
            time.sleep(0.1)
