"""Running the site's processes together: start, watch, stop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditsite.configuration import secret_files
from auditsite.configuration.env import BASE_DIR, WORKER_ONLY
from auditsite.configuration.home import IN_SOURCE_TREE, PACKAGE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# A home that is not the code's own directory may hold anything: what lies in it is never imported.
PYTHON = (sys.executable,) if PACKAGE.parent == BASE_DIR else (sys.executable, "-P")
LINK_IS_PRINTED = "AUDITSITE_LINK_IS_PRINTED"  # tells the web server that its starter prints the link of the first run
PATIENCE = 15.0  # seconds between asking a process to stop and ending it


class ProcessEnded(Exception):
    """A process that should run on has ended."""


@dataclass
class Supervisor:
    """Child processes that live and die together. Use it as a context manager."""

    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, arguments: Sequence[str], *, quiet: bool = False, without: Collection[str] = ()) -> None:
        """Start a process of this project under a name.

        Args:
            quiet: drop what it prints, not its errors.
            without: variables of our environment that it does not get.
        """
        environment = {variable: value for variable, value in os.environ.items() if variable not in without}
        if IN_SOURCE_TREE and PACKAGE.parent != BASE_DIR:  # AUDITSITE_HOME: the code is not where the processes run
            paths = [str(PACKAGE.parent), environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        self.processes[name] = subprocess.Popen(  # noqa: S603 - our own commands
            arguments,
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else None,
            # Its own group: Ctrl-C reaches only us, and we stop the children in order.
            start_new_session=True,
        )

    def start_command(self, *arguments: str, quiet: bool = False) -> None:
        """Start one of our management commands."""
        self.start(arguments[0], [*PYTHON, "-m", "auditsite", *arguments], quiet=quiet)

    def start_site(self, port: int, *, quiet: bool = False, announces: bool = True) -> None:
        """Start the web server on loopback only.

        Args:
            announces: whether it prints the link of the first run itself.
        """
        self.start(
            "site",
            [
                *PYTHON,
                "-m",
                "gunicorn",
                "--config=python:auditsite.gunicorn",
                "auditsite.wsgi",
                f"--bind=127.0.0.1:{port}",
                f"--pid={BASE_DIR / 'var' / f'site-{port}.pid'}",
                *([] if announces else [f"--env={LINK_IS_PRINTED}=true"]),
            ],
            quiet=quiet,
            without=secret_files.variables(WORKER_ONLY),
        )

    def wait_for(self, name: str, url: str, seconds: float = 30) -> None:
        """Wait until a process answers at an address. Raises ProcessEnded if it ends or never does."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
                    return
            except urllib.error.HTTPError:
                return  # it answers, if only that we may not
            except OSError:
                time.sleep(0.1)
        raise ProcessEnded(f"The {name} did not answer within {seconds:g} seconds.")

    def check(self) -> None:
        """Raise ProcessEnded when one of the processes has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise ProcessEnded(f"The {name} ended with exit code {process.returncode}; see its messages above.")

    def watch(self) -> None:
        """Return when asked to stop. Raises ProcessEnded when one of the processes ends by itself."""
        while True:
            self.check()
            time.sleep(0.5)

    def __enter__(self) -> Supervisor:
        # SIGTERM (from make, systemd, a container) stops as Ctrl-C does.
        # Both are set, because a shell starts background jobs with SIGINT ignored.
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, _interrupt)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave children behind
        for process in reversed(self.processes.values()):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + PATIENCE
        for process in self.processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def port_is_free(port: int) -> bool:
    """Whether nobody on this machine listens on a port."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
