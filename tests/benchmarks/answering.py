"""The child process of a `Partner`: answers requests within the process and says how long each took.

Lines of JSON in, lines of JSON out. Which site it is, and on which database, its environment says.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from time import perf_counter
from typing import Any

import django

from tests.benchmarks.partner import SUPERUSER
from tests.benchmarks.quiet import undisturbed

ROW = b"data-event-id="


class Site:
    """Whatever Django site the settings describe, with a logged-in reader."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model
        from django.test import RequestFactory
        from django.utils.crypto import get_random_string

        get_user_model().objects.get_or_create(username=SUPERUSER, defaults={"is_superuser": True})
        self.users = {user.username: user for user in get_user_model().objects.all()}
        self.factory = RequestFactory(SERVER_NAME="localhost")
        self.csrf_secret = get_random_string(32)  # whoever is logged in has one
        self.sessions: dict[str, Any] = {}
        self.clients: dict[str, Any] = {}
        self.raw: Any = None

    def client(self, name: str) -> Any:
        """A logged-in test client: the way through every middleware."""
        from django.conf import settings
        from django.test import Client

        if name not in self.clients:
            client = Client(SERVER_NAME="localhost")
            client.force_login(self.users[name], backend=settings.AUTHENTICATION_BACKENDS[0])
            self.clients[name], self.sessions[name] = client, client.session.session_key
        return self.clients[name]

    def request(self, path: str, name: str, headers: dict[str, str]) -> Any:
        """A request as the view would find it: the user as the site's login brings them, with session and cookies."""
        from django.conf import settings
        from django.contrib.auth import load_backend
        from django.contrib.messages.storage import default_storage
        from django.contrib.sessions.backends.db import SessionStore
        from django.urls import resolve
        from django_htmx.middleware import HtmxDetails

        self.client(name)
        request: Any = self.factory.get(path, headers=headers)
        request.user = load_backend(settings.AUTHENTICATION_BACKENDS[0]).get_user(self.users[name].pk)
        request.META["CSRF_COOKIE"] = self.csrf_secret
        request.session = SessionStore(self.sessions[name])
        request.session.get("")
        request._messages = default_storage(request)
        request.htmx = HtmxDetails(request)
        request.resolver_match = resolve(request.path_info)
        return request

    def visit(self, path: str, user: str, headers: dict[str, str], through: str) -> tuple[float, Any]:
        """One page: milliseconds, and the response."""
        if through == "middleware":
            client = self.client(user)
            began = perf_counter()
            response = client.get(path, headers=headers)
            return (perf_counter() - began) * 1000, response
        request = self.request(path, user, headers)
        match = request.resolver_match
        began = perf_counter()
        response = match.func(request, *match.args, **match.kwargs)
        if hasattr(response, "render"):
            response.render()
        _ = response.content
        return (perf_counter() - began) * 1000, response

    def backend(self) -> int | None:
        """The process that serves Django's connection, where the server is PostgreSQL."""
        from django.db import connection

        return connection.connection.info.backend_pid if connection.vendor == "postgresql" else None

    def raw_connection(self) -> Any:
        """The driver's own connection, as fast as it can be had."""
        from django.db import connection

        if self.raw is None:
            if connection.vendor == "postgresql":
                import psycopg

                parameters = connection.get_connection_params()
                wanted = ("dbname", "user", "password", "host", "port")
                self.raw = psycopg.connect(
                    **{name: parameters[name] for name in wanted if parameters.get(name)}, autocommit=True
                )
            else:
                import sqlite3

                self.raw = sqlite3.connect(connection.settings_dict["NAME"])
                self.raw.execute("PRAGMA cache_size=-32000")  # as the site has it
        return self.raw


def do_visit(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """Visit a page once unmeasured (its rows then lie in memory) and `times` times measured."""
    how = (asked["path"], asked["user"], asked.get("headers", {}), asked.get("through", "view"))
    for _ in range(asked.get("warm", 1)):
        site.visit(*how)
    visits = undisturbed(lambda: site.visit(*how), asked.get("times", 1), site.backend())
    response = visits[-1][1]
    content = response.content
    return {
        "ms": [ms for ms, _ in visits],
        "status": response.status_code,
        "bytes": len(content),
        "rows": content.count(ROW),
    }


def do_queries(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """The statements of a page and their times, of the visit that took the median of all `times`."""
    from tests.benchmarks.internals import ENDED_EARLY
    from tests.benchmarks.timedsql import timed_sql

    how = (asked["path"], asked["user"], asked.get("headers", {}), asked.get("through", "view"))

    def watched() -> tuple[float, Any]:
        with timed_sql() as spent:
            _, response = site.visit(*how)
        return sum(spent.ms), (spent, response.content)

    visits = undisturbed(watched, asked.get("times", 1), site.backend())
    total, (spent, content) = sorted(visits, key=lambda visit: visit[0])[len(visits) // 2]
    slowest = max(range(len(spent.ms)), key=spent.ms.__getitem__, default=None)
    return {
        "ms": total,
        "count": len(spent.ms),
        "rows": content.count(ROW),
        "ended early": ENDED_EARLY in content,
        "slowest": "" if slowest is None else spent.statements[slowest][:2_000],
        "slowest ms": 0.0 if slowest is None else spent.ms[slowest],
    }


def do_calls(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """How many Python functions a page calls, once its templates and statements are ready."""
    from tests.tools.calls import python_calls

    how = (asked["path"], asked["user"], asked.get("headers", {}), asked.get("through", "view"))
    for _ in range(2):
        site.visit(*how)
    return {"count": python_calls(lambda: site.visit(*how))}


def do_floor(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """The newest rows by the driver alone."""
    from tests.benchmarks.stock import floor

    raw = site.raw_connection()

    def once() -> tuple[float, None]:
        began = perf_counter()
        floor(raw)
        return (perf_counter() - began) * 1000, None

    once()
    return {"ms": [ms for ms, _ in undisturbed(once, asked.get("times", 1))]}


def do_sql(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """A statement of the benchmark's own by the driver alone: milliseconds, and the rows it found."""
    cursor = site.raw_connection().cursor()
    times, rows = [], []
    for _ in range(asked.get("times", 1)):
        began = perf_counter()
        cursor.execute(asked["sql"], asked.get("params", []))
        rows = cursor.fetchall()
        times.append((perf_counter() - began) * 1000)
    return {"ms": times, "rows": [[str(cell) for cell in row] for row in rows]}


def do_cursor(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """The `before=` value of the page that begins after so many events, newest first."""
    from events.models import AuditEvent
    from tests.benchmarks import internals

    place = AuditEvent.objects.order_by("-created_at", "-id").values_list("created_at", "pk")[asked["offset"]]
    return {"cursor": internals.cursor(*place)}


def do_session(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """A session cookie for a reader, to visit the same archive's site over HTTP."""
    from django.conf import settings

    site.client(asked["user"])
    return {"cookie": f"{settings.SESSION_COOKIE_NAME}={site.sessions[asked['user']]}"}


def do_stream(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    """A file from the site within the process, thrown away piece by piece: seconds and bytes."""
    request = site.request(asked["path"], asked["user"], {})
    match = request.resolver_match
    began = perf_counter()
    response = match.func(request, *match.args, **match.kwargs)
    size = sum(len(piece) for piece in response)
    seconds = perf_counter() - began
    response.close()
    return {"seconds": seconds, "bytes": size}


COMMANDS = {
    "visit": do_visit,
    "queries": do_queries,
    "calls": do_calls,
    "floor": do_floor,
    "sql": do_sql,
    "cursor": do_cursor,
    "session": do_session,
    "stream": do_stream,
}


def serve(commands: dict[str, Any], make: Any) -> None:
    """Answer until there are no more questions. `make` makes what every command gets first, once Django is set up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then asks no more
    # Answers go to what was standard output; whatever else is printed goes to standard error.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    django.setup()
    made = make()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = commands[asked.pop("do")](made, asked)
        except Exception as error:  # the parent decides what becomes of the section
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(COMMANDS, Site)
