"""`pip install .` gives a command that needs no source tree: tried from a built wheel in an empty folder."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.install.project import PATIENCE, ROOT

PACKAGES = ("accounts", "auditsite", "events")
OFFLINE = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `pip install .` builds it, with the pinned backend and without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    done = subprocess.run(
        [*build, str(ROOT)], env=os.environ | OFFLINE, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("auditsite-*.whl")
    return built


@dataclass(frozen=True)
class Installed:
    """The wheel in a directory of its own, and an empty folder to call its command in."""

    target: Path
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.target), "PYTHONDONTWRITEBYTECODE": "1", **more}

    def command(self, *arguments: str) -> list[str]:
        return [str(self.target / "bin" / "auditsite"), *arguments]

    def call(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.home,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def files(self) -> set[Path]:
        return {path for path in self.target.rglob("*") if path.is_file()}


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Installed:
    target, home = tmp_path / "target", tmp_path / "home"
    home.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", str(target)]
    subprocess.run([*install, str(wheel)], env=os.environ | OFFLINE, timeout=PATIENCE, check=True)
    return Installed(target, home)


@contextlib.contextmanager
def running(installed: Installed) -> Iterator[str]:
    """`auditsite run`; the link that it prints. Stopped as by Ctrl-C."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = installed.home.parent / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            installed.command("run", f"--port={port}"),
            cwd=installed.home,
            env=installed.environment(),
            stdout=output,
            stderr=output,
        )
        try:
            deadline = time.monotonic() + 180
            while not (links := re.findall(rf"http://127\.0\.0\.1:{port}/welcome/\S+\n", log.read_text())):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield links[0].strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    assert process.returncode == 0, log.read_text()
    assert "Stopped." in log.read_text()


def get(address: str, language: str = "en") -> str:
    request = urllib.request.Request(address, headers={"Accept-Language": language})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def test_wheel_holds_all_the_site_needs_and_nothing_else(wheel: Path) -> None:
    """The files of the source tree, templates and translations within the package."""
    needed = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } | {
        f"auditsite/{path.relative_to(ROOT)}"
        for folder in ("templates", "locale")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert names == needed
    assert {name for name in names if name.endswith((".html", ".mo", ".css", ".js"))}


def test_wheel_asks_for_what_the_project_asks_for(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    required = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra ==)", metadata, re.MULTILINE)

    assert len(required) == len(project["dependencies"])
    assert f"Requires-Python: {project['requires-python']}" in metadata


def test_installed_command_runs_the_site_in_an_empty_folder(installed: Installed) -> None:
    before = installed.files()
    (installed.home / "accounts.py").write_text("raise SystemExit('imported what lies in the home')")

    with running(installed) as link:
        address = link.partition("/welcome/")[0]
        page = get(link)
        assert "Welcome to Auditsite" in page
        assert "Le damos la bienvenida a Auditsite" in get(link, "es")
        for kind in ("css", "js"):
            (asset,) = re.findall(rf'(?:href|src)="(/assets/site-\w+\.{kind})"', page)
            assert len(get(address + asset)) > 10_000
        (icon,) = set(re.findall(r'(?:href|src)="(/static/[^"]*icon\.svg)"', page))
        assert get(address + icon).startswith("<svg")
        assert "migrations: ok" in ready(address)
        assert "worker: ok" in ready(address), "the worker runs too"

    assert installed.files() == before, "nothing is written beside the code"
    assert stat.S_IMODE((installed.home / ".env").stat().st_mode) == 0o600
    assert "`auditsite reference` describes every setting" in (installed.home / ".env").read_text()
    assert (installed.home / "var" / "auditsite.sqlite3").is_file()
    checked = installed.call("check")
    assert (checked.returncode, checked.stderr) == (0, ""), "once begun, every command works there"


def ready(address: str) -> str:
    """What /readyz says, once the worker was seen."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return get(f"{address}/readyz")
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
            if time.monotonic() > deadline:
                return text
            time.sleep(0.3)


@pytest.mark.parametrize("arguments", [["check"], ["migrate"], ["worker"], ["createsuperuser", "--noinput"]])
def test_other_commands_begin_no_site_where_they_are_called(installed: Installed, arguments: list[str]) -> None:
    refused = installed.call(*arguments)

    assert refused.returncode == 1
    assert refused.stderr == (
        f"Auditsite cannot start: there is no .env in {installed.home}. Change to the directory of your site, or name "
        "it in AUDITSITE_HOME; `auditsite run` begins a new site in the directory it is called in.\n"
    )
    assert list(installed.home.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "sync_events"),
        (["help"], "sync_events"),
        (["--help"], "sync_events"),
        (["help", "worker"], "usage: auditsite worker"),
        (["run", "--help"], "usage: auditsite run"),
        (["--version"], "."),
    ],
)
def test_help_is_given_anywhere_and_leaves_nothing(installed: Installed, arguments: list[str], said: str) -> None:
    passing = installed.home.parent / "passing"
    passing.mkdir()
    helped = installed.call(*arguments, TMPDIR=str(passing))

    assert (helped.returncode, helped.stderr) == (0, "")
    assert said in helped.stdout
    assert [*installed.home.iterdir(), *passing.iterdir()] == []


def test_settings_of_the_environment_need_no_env_file(installed: Installed) -> None:
    keys = {"SECRET_KEY": "a-good-key-0123456789-abcdefghijklmnopqrstuvwxyz", "CREDENTIAL_KEYS": f"{'A' * 43}="}

    assert installed.call("check", **keys).returncode == 0
    assert not (installed.home / ".env").exists()


def test_home_can_be_elsewhere(installed: Installed, tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()

    assert installed.call("check", AUDITSITE_HOME=str(home)).returncode == 0
    assert (home / ".env").is_file()
    assert list(installed.home.iterdir()) == []

    wrong = installed.call("check", AUDITSITE_HOME=str(tmp_path / "nowhere"))
    assert wrong.returncode == 1
    assert "AUDITSITE_HOME names" in wrong.stderr and "Traceback" not in wrong.stderr


def test_source_tree_can_have_its_home_elsewhere_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "AUDITSITE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".env").is_file()


def test_module_is_the_same_command(installed: Installed) -> None:
    (installed.home / "accounts.py").write_text("raise SystemExit('imported what lies in the current directory')")
    command = [sys.executable, "-m", "auditsite", "help", "--commands"]
    module = subprocess.run(
        command, cwd=installed.home, env=installed.environment(), capture_output=True, text=True, timeout=60, check=True
    )

    assert module.stdout == installed.call("help", "--commands").stdout
    assert {"run", "demo", "worker", "sync_events"} <= set(module.stdout.split())
