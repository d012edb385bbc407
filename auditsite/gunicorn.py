"""How gunicorn serves the site, everywhere: `gunicorn -c python:auditsite.gunicorn auditsite.wsgi --bind ...`.

Used by `make run`, the systemd unit and the container alike; only the address to listen on is said by each.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from typing import Any

from auditsite.configuration import env
from auditsite.configuration.env import BASE_DIR
from auditsite.configuration.home import PACKAGE
from auditsite.monitoring import logs
from auditsite.server import web_worker


def _import_nothing_from_here() -> None:
    """Not from the directory the site runs in, where gunicorn looks first, unless our code is there."""
    here = os.getcwd()
    if here != str(PACKAGE.parent):
        sys.path[:] = [path for path in sys.path if path != here]


_import_nothing_from_here()
env.become_web_process()  # before the settings are read, which is the next line

from auditsite import settings as ours  # noqa: E402


def _hide_unused_drivers() -> None:
    """Libraries load the drivers of PostgreSQL and Redis wherever these are installed: 17 MB in each process of a site
    that uses neither. Before any of them is loaded."""
    used = f"{ours.DATABASES['default']['ENGINE']} {ours.QUEUE_URL} {ours.CACHES}".lower()
    for driver, service in (("psycopg", "postgres"), ("redis", "redis")):
        if service not in used:
            sys.modules.setdefault(driver, None)  # type: ignore[arg-type]  # as if it were not installed


_hide_unused_drivers()

workers = ours.WEB_PROCESSES
worker_class = "auditsite.server.web_worker.BufferingWorker"
threads = max(2, ours.WEB_THREADS)  # one of them may be at an export
worker_connections = 512  # of each process, so that files stay within the usual limit of 1,024
backlog = 512
# The worker's own limits come first, with a page that says what to do; 0: gunicorn sets none of its own.
limit_request_line = 0
limit_request_fields = 100
limit_request_field_size = web_worker.MAX_LINE + 1_024
# Nothing a client or proxy says changes scheme or path here: Django alone reads X-Forwarded-*, if TRUST_PROXY is set.
# gunicorn would believe everybody on this machine, and so whatever a proxy passes on.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
sendfile = False  # answers go through the worker's outlet
# A page that is being answered is finished; shorter than the patience of the supervisor, systemd and containers.
graceful_timeout = 10
keepalive = int(web_worker.IDLE_FOR)
control_socket_disable = True
loglevel = "warning"
accesslog = None  # auditsite.access says it, without query strings and with the request's id
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    **logs.console(ours.LOG_FORMAT),
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "gunicorn.error": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "gunicorn.access": {"handlers": [], "propagate": False},
    },
}


def on_starting(server: Any) -> None:
    """Give the processes to come an empty directory in which they count page times, before any of them starts."""
    # One for each site on this disk: the demo and `make run` may run side by side, and so may containers.
    address = "-".join((socket.gethostname(), *server.cfg.bind))
    directory = BASE_DIR / "var" / "metrics" / re.sub(r"[^A-Za-z0-9.-]+", "-", address)[:100]
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)


def pre_fork(server: Any, worker: Any) -> None:
    """Gunicorn adds the directory again after it has read this file."""
    _import_nothing_from_here()


def post_worker_init(worker: Any) -> None:
    """Once the site is loaded, and once for all its processes: tell how the first person gets in."""
    from django.db import connections

    from auditsite.login import first_run
    from auditsite.server import supervisor

    if worker.age == 1 and supervisor.LINK_IS_PRINTED not in os.environ:
        try:
            first_run.announce(worker.cfg.bind)
        finally:
            connections.close_all()  # pages are answered by other threads


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def child_exit(server: Any, worker: Any) -> None:
    """Forget what only a living process can tell. Its counts stay: a sum that falls would be read as a restart."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
