"""Every address with every method as every role: what happens is what the table of rights says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from accounts import permissions as permission_names
from auditsite.permissions import MODELS, ROLES, SITE, TABLE, Answer, Right, Row
from auditsite.permissions_page import page
from events.models import (
    AuditEvent,
)
from tests.tools.export import body
from tests.tools.processes import ROOT
from tests.tools.scope import names
from tests.tools.world import OWN, PEOPLE, SHARED, World

PAGE = ROOT / "docs" / "permissions.md"
STAFF = ("account admin", "auditor", "superuser")


def test_page_is_what_the_table_says() -> None:
    how = "run `manage.py permissions --output docs/permissions.md`"

    assert PAGE.read_text(encoding="utf-8") == page(), how


def test_command_writes_the_page(tmp_path: Path) -> None:
    call_command("permissions", "--output", str(tmp_path / "page.md"))

    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page()


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert set(names()) == set(TABLE)


@pytest.mark.django_db
def test_permissions_are_ones_that_django_knows() -> None:
    asked = {value for name, value in vars(permission_names).items() if name.isupper()}
    known = {f"{app}.{code}" for app, code in Permission.objects.values_list("content_type__app_label", "codename")}

    assert asked <= known
    assert {right.permission for row in TABLE.values() for right in (row.get, row.post) if right} - {""} <= asked


@pytest.fixture
def world(
    cast: dict[str, Any], events: dict[str, AuditEvent], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    monkeypatch.setattr("auditsite.ready.check", lambda: [])  # no worker runs
    # Who gets what is decided before a page is drawn, which would take most of the time.
    monkeypatch.setattr("django.template.backends.django.Template.render", lambda *_, **__: "")
    settings.EVIDENCE_DIR = tmp_path / "packs"
    return World(cast, events, settings.EVIDENCE_DIR)


def asked(world: World, client: Client, method: str, name: str, path: str) -> Any:
    """The answer; whatever it changed is undone, and somebody who logged out is in again."""
    session = client.cookies.get(settings.SESSION_COOKIE_NAME)
    with transaction.atomic():
        answer = client.generic(method, path) if method != "POST" else client.post(path, world.posted.get(name))
        body(answer)
        transaction.set_rollback(True)
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session.value
    return answer


def outcome(answer: Any, role: str) -> Answer | str:
    """What a role got, as the table calls it."""
    where = answer.get("Location", "")
    if answer.status_code == 302 and (where.startswith("/login/?") or (where == "/login/" and role not in PEOPLE)):
        return Answer.LOGIN
    to_index = where == "/admin/" and answer.request["PATH_INFO"] != "/admin/login/"
    if to_index and role in STAFF:
        return Answer.HIDDEN  # the admin's way to say that there is no such thing
    if answer.status_code == 302 and (to_index or where.startswith("/admin/login/")):
        return Answer.NO if role in PEOPLE else Answer.LOGIN  # to those who are no staff it says why they may not
    refusals = {401: Answer.TOKEN, 403: Answer.NO, 404: Answer.HIDDEN}
    if answer.status_code >= 500 or answer.status_code == 405:
        return str(answer.status_code)
    return refusals.get(answer.status_code, Answer.YES)


def expected(right: Right, role: str, whose: str) -> set[Answer | str]:
    answer = right.answers[role]
    if answer is Answer.OWN:
        answer = Answer.YES if whose == OWN else Answer.HIDDEN
    if answer is Answer.TEAM:
        answer = Answer.YES if whose == SHARED else Answer.HIDDEN
    return {answer, Answer.HIDDEN} if answer is Answer.YES and right.may_be_absent else {answer}


REFUSED: set[Answer | str] = {"405", Answer.LOGIN, Answer.TOKEN, Answer.HIDDEN, Answer.NO}


def wrong(world: World, role: str, table: dict[str, Row]) -> Iterator[str]:
    """What a role got otherwise than the table says."""
    client = world.client(role)
    for name, row in table.items():
        for whose, path in world.paths(name).items():
            for method, right in (("GET", row.get), ("POST", row.post)):
                answer = asked(world, client, method, name, path)
                got = outcome(answer, role)
                wanted = expected(right, role, whose) if right else REFUSED
                if got not in wanted:
                    yield f"{method} {path} ({name}) {whose}: {got} ({answer.status_code}), not {sorted(wanted)}"


@pytest.mark.parametrize("role", ROLES)
def test_every_address_answers_each_role_as_the_table_says(world: World, role: str) -> None:
    # People who are no staff are turned away before any page of the admin; one of each kind will do.
    some = {f"admin:{model}_{page}" for model in MODELS for page in ("add", "history", "delete")}
    table = {name: row for name, row in TABLE.items() if role in STAFF or name not in some}

    mistakes = list(wrong(world, role, table))

    assert not mistakes, "\n".join(mistakes)


def test_other_methods_are_refused_everywhere(world: World) -> None:
    client = world.client("superuser")
    answers = {
        (method, name): asked(world, client, method, name, next(iter(world.paths(name).values()))).status_code
        for name in SITE
        for method in ("PUT", "PATCH", "DELETE")
    }

    assert {key: status for key, status in answers.items() if status not in (401, 405)} == {}
