"""The cast and the tools that all tests share.

Alice owns two accounts and shares demo0001 with the messaging team; Bob is her teammate; Charlie is a stranger with
demo0003; Audrey audits; admin may do everything. They are the demo's own people (`events.operations.demo_data`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.access import signals
from accounts.models import NexmoAccount
from accounts.tokens import authenticate
from auditsite.access_log import recent
from auditsite.configuration import env
from events.archive.add import add_events
from events.evidence import packs
from events.models import AuditEvent
from events.nexmo.parse import parse_event
from events.operations import tasks
from events.operations.demo_data import PASSWORD, make_demo_data
from events.operations.garbage import collect_seldom
from events.operations.queue import QUEUE, STOP
from events.sandbox import Sandbox
from events.storage import triggers
from tests.tools import skips
from tests.tools.scope import log_in_for_good

LATER_ROLES = (
    "accounts.migrations.0008_view_sensitive",
    "events.migrations.0002_default_roles",
    "events.migrations.0015_detection",
    "events.migrations.0022_reviews",
    "accounts.access.migrations.0001_entries",
)
NOON = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine's pauses are no failures
hypothesis.settings.load_profile("suite")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was not run and how to have it, a line a kind."""
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    for line in skips.lines(reason.removeprefix("Skipped: ") for _, _, reason in skipped):
        terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Half surrogates in a test's log or message as codes: a worker can send no others, and the whole run would end."""
    return _sendable((yield))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for garbage seldom, and never in what was loaded so far: it takes a twentieth of the suite's time."""
    collect_seldom()


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_sendable(name): _sendable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_sendable, value))
    return value


@pytest.fixture(autouse=True, scope="session")
def _tables_can_be_emptied() -> Iterator[None]:
    """A test with real transactions is followed by emptying all tables, which the archive's triggers refuse."""
    teardown = TransactionTestCase._fixture_teardown

    def emptied(self: Any) -> None:
        connection.ensure_connection()
        # DELETE is quick where rows are few; on PostgreSQL TRUNCATE makes each table and index a new file. What Django
        # makes again after a flush stays.
        tables = {*connection.introspection.django_table_names(only_existing=True, include_views=False)}
        tables -= {"django_content_type", "auth_permission"}
        statements = [f'DELETE FROM "{table}"' for table in tables]
        if connection.vendor == "sqlite":
            triggers.remove(connection)
            with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            triggers.install(connection)
        elif connection.connection.info.parameter_status("is_superuser") == "on":
            # A superuser can tell PostgreSQL to leave triggers and references alone.
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("; ".join(["SET LOCAL session_replication_role = replica", *statements]))
        else:
            triggers.remove(connection)
            teardown(self)  # ends with post_migrate, which makes the triggers again

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptied)
        yield


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_found_once() -> Iterator[None]:
    """Each test client loads the middleware anew, and WhiteNoise would look at every file of every package again."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def once(self: WhiteNoiseMiddleware) -> None:
        key = (self.static_prefix, self.max_age, self.allow_all_origins, *map(str, settings.STATICFILES_DIRS))
        of_the_root = self.files
        if key not in found:
            self.files = {}
            find(self)
            found[key] = self.files
        self.files = of_the_root | found[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        yield


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    yield
    QUEUE.flush()
    STOP.clear()
    for limit in (tasks._requests, packs._requests, signals._flood, authenticate._requests, authenticate._guesses):
        limit.forget()
    recent.forget()
    for cache in caches.all(initialized_only=True):
        if isinstance(cache, LocMemCache):
            cache.clear()


@pytest.fixture
def cast(db: None) -> dict[str, Any]:
    """The demo's users by name, with their accounts and team."""
    make_cast()
    return {user.username: user for user in get_user_model().objects.all()}


def make_cast() -> None:
    """Put the cast into an empty database."""
    # A test with real transactions empties every table afterwards, also of what migrations put there.
    if not Group.objects.filter(permissions__isnull=False).exists():
        for migration in ("accounts.migrations.0002_default_roles", *LATER_ROLES):
            import_module(migration).grant(apps, None)
    make_demo_data()


@pytest.fixture
def login(cast: dict[str, Any]) -> Callable[[str], Client]:
    """A test client logged in as one of the cast; "nobody" is not logged in.

    They have confirmed who they are for good: what asks for it has tests of its own (tests/login/test_confirm).
    """

    def as_user(name: str) -> Client:
        client = Client()
        if name != "nobody":
            log_in_for_good(client, cast[name])
        return client

    return as_user


@pytest.fixture
def account(cast: dict[str, Any]) -> NexmoAccount:
    """Alice's account that the team shares."""
    return NexmoAccount.objects.get(api_key="demo0001")


def event_json(number: int = 1, **fields: Any) -> dict[str, Any]:
    """An event as Nexmo sends it; a field given as `...` is left out."""
    event = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "event_type": "NUMBER_UPDATED",
        "event_type_description": "Number updated",
        "created_at": (NOON + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S"),
        "user_email": "yourname@example.com",
        "user_id": 1234567,
        "account_id": "demo0001",
        "source": "CD",
        "source_ip": "192.0.2.1",
        "source_description": "Customer dashboard",
        "source_country": "GB",
        "context": {"country": "GB", "msisdn": "447700900000"},
    } | fields
    return {name: value for name, value in event.items() if value is not ...}


@pytest.fixture
def add_event(db: None) -> Callable[..., AuditEvent]:
    """Archive an event the way a sync does, and return its row."""

    def add(account: NexmoAccount, number: int = 1, **fields: Any) -> AuditEvent:
        event = parse_event(json.dumps(event_json(number, **fields)), UTC)
        add_events(account, [event], run=None, fetched_at=NOON + timedelta(days=1))
        return AuditEvent.objects.with_id(event.event_id).get(account=account)

    return add


def add_numbered(account: NexmoAccount, numbers: Iterable[int], **fields: Any) -> None:
    """Archive what `add_event` would for each of the numbers, in one go; a field may be a function of the number."""
    events = []
    for number in numbers:
        values = {name: value(number) if callable(value) else value for name, value in fields.items()}
        events.append(parse_event(json.dumps(event_json(number, **values)), UTC))
    add_events(account, events, run=None, fetched_at=NOON + timedelta(days=1))


@pytest.fixture
def make_sandbox(settings: Any) -> Iterator[Callable[..., Sandbox]]:
    """Start a sandbox and point the settings at it."""
    started: list[Sandbox] = []

    def start(**options: Any) -> Sandbox:
        sandbox = Sandbox(**({"accounts": 3, "events": 0, "seed": 1} | options))
        sandbox.start()
        started.append(sandbox)
        settings.NEXMO_AUDIT_URL = sandbox.url
        return sandbox

    yield start
    for sandbox in started:
        sandbox.stop()


@pytest.fixture
def events(cast: dict[str, Any], add_event: Callable[..., AuditEvent]) -> dict[str, AuditEvent]:
    """One event of each account, called after it."""
    return {
        found.api_key: add_event(found, number, id=f"of-{found.api_key}")
        for number, found in enumerate(NexmoAccount.objects.order_by("api_key"))
    }


@pytest.fixture
def gunicorn(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The server's configuration, whose import makes a process one that serves pages."""
    monkeypatch.setattr(env, "_withheld", set())
    monkeypatch.setenv("SEAL_KEY", "")  # so that it is back afterwards
    return import_module("auditsite.gunicorn")


__all__ = ["PASSWORD", "add_numbered", "event_json", "make_cast"]
