"""Every address with every method as every role: what happens is what the table of rights says."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import resolve

from accounts import permissions as permission_names
from auditsite.login import first_run
from auditsite.login.middleware import METHODS
from auditsite.rights.addresses import TABLE, Row
from auditsite.rights.document import addresses, page
from auditsite.rights.who import ROLES, Answer, Right
from events.models import AuditEvent
from tests.tools.export import body
from tests.tools.processes import ROOT
from tests.tools.scope import routes
from tests.tools.tokens import bearer, make_token
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
    assert {name for name, _address in addresses()} == set(TABLE)


@pytest.mark.django_db
def test_permissions_are_ones_that_django_knows() -> None:
    asked = {value for name, value in vars(permission_names).items() if name.isupper()}
    known = {f"{app}.{code}" for app, code in Permission.objects.values_list("content_type__app_label", "codename")}

    assert asked <= known
    assert {right.permission for row in TABLE.values() for right in (row.get, row.post) if right} - {""} <= asked


@pytest.fixture
def world(
    cast: dict[str, Any], events: dict[str, AuditEvent], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.setattr("auditsite.monitoring.ready.check", lambda: [])  # no worker runs
    # Who gets what is decided before a page is drawn, which would take most of the time.
    monkeypatch.setattr("django.template.backends.django.Template.render", lambda *_, **__: "")
    settings.EVIDENCE_DIR = tmp_path / "packs"
    settings.API_REQUESTS_PER_MINUTE = 100_000
    logging.disable()  # thousands of lines, each of which takes as long as an answer
    yield World(cast, events, settings.EVIDENCE_DIR)
    logging.disable(logging.NOTSET)


def test_every_pattern_is_asked(world: World) -> None:
    asked = {resolve(urlsplit(path).path).route for name in TABLE for path in world.paths(name).values()}

    # Another pattern comes first, which knows no scope to go wrong: see auditsite/urls.py.
    assert sorted(set(routes()) - asked) == ["admin/r/<path:content_type_id>/<path:object_id>/"]


def asked(world: World, client: Client, method: str, name: str, path: str, **headers: str) -> Any:
    """The answer; whatever it changed is undone, and somebody who logged out is in again."""
    session = client.cookies.get(settings.SESSION_COOKIE_NAME)
    with transaction.atomic():
        answer = (
            client.post(path, world.posted.get(name), **headers)
            if method == "POST"
            else client.generic(method, path, **headers)  # type: ignore[arg-type]
        )
        body(answer)
        transaction.set_rollback(True)
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session.value
    return answer


def outcome(answer: Any, role: str) -> Answer | str:
    """What a role got, as the table calls it."""
    where = answer.get("Location", "")
    if answer.status_code == 286:  # part of a page: a notice leads to the login
        return Answer.LOGIN
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
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/events/"}
# Pages that answer htmx otherwise than a whole page.
IN_PARTS = {
    *("events:account", "events:accounts", "events:alert_channel", "events:event", "events:export_page"),
    *("events:news", "events:pack", "events:review", "events:rule_trial", "events:stream", "events:summary"),
}


def wrong(world: World, role: str, table: Mapping[str, Row]) -> Iterator[str]:
    """What a role got otherwise than the table says."""
    client = world.client(role)
    for name, row in table.items():
        # Nobody who is not logged in gets a part of any page; others are asked where the answer is another one.
        in_parts = name in IN_PARTS or role == "anonymous"
        for whose, path in world.paths(name).items():
            for method, right, headers in (
                ("GET", row.get, {}),
                ("POST", row.post, {}),
                *([("GET", row.get, HTMX)] if row.get and in_parts else []),
                *([("HEAD", row.get, {})] if row.get and role == "stranger" else []),  # as GET, whoever asks
            ):
                answer = asked(world, client, method, name, path, **headers)
                got = outcome(answer, role)
                wanted = expected(right, role, whose) if right else REFUSED
                if got not in wanted:
                    yield f"{method} {path} ({name}) {whose}: {got} ({answer.status_code}), not {sorted(wanted)}"


@pytest.mark.parametrize("role", ROLES)
def test_every_address_answers_each_role_as_the_table_says(world: World, role: str) -> None:
    mistakes = list(wrong(world, role, TABLE))

    assert not mistakes, "\n".join(mistakes)


@pytest.mark.parametrize("role", ROLES)
def test_other_methods_are_refused_everywhere(world: World, role: str) -> None:
    """Before anybody is looked up: each role asks every address by one of them, and every address is asked by each."""
    client, wrong, turn = world.client(role), {}, count(list(ROLES).index(role))
    for name, row in TABLE.items():
        is_program = any(right and right.title.startswith("token") for right in (row.get, row.post))
        allow = ", ".join(METHODS if name.startswith("/") else row.methods)
        for path in world.paths(name).values():
            method = ("PUT", "PATCH", "DELETE")[next(turn) % 3]
            answer = client.generic(method, path)
            is_right = answer.status_code == 405 and (is_program or answer["Allow"] == allow)
            if not is_right and not (is_program and answer.status_code in (401, 404)):
                wrong[method, path] = answer.status_code, answer.get("Allow")

    assert wrong == {}


# --- what none of the roles has by itself, and what is there only where it is set up ----------------------------------


def test_every_right_lets_in_somebody() -> None:
    """Those of which this is not so are for nobody, or have a test of their own here."""
    rights = {right.title: right for row in TABLE.values() for right in (row.get, row.post) if right}
    let_in = {Answer.YES, Answer.TEAM, Answer.OWN}

    assert {title for title, right in rights.items() if not let_in & set(right.answers.values())} == {
        *("nobody", "no one", "staff, for nothing", "token, for nothing"),
        *("unshares the view", "token that acknowledges"),
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_manages_teams_takes_a_view_from_theirs(world: World, method: str) -> None:
    bob = world.people["bob"]
    bob.user_permissions.add(Permission.objects.get(codename="change_group"))
    client = world.client("member")
    paths = world.paths("events:view_unshare")

    def got() -> dict[str, Answer | str]:
        return {
            whose: outcome(asked(world, client, method, "events:view_unshare", path), "member")
            for whose, path in paths.items()
        }

    assert got() == {OWN: Answer.HIDDEN, SHARED: Answer.HIDDEN}, "the permission alone is for nothing"
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    assert got() == {OWN: Answer.HIDDEN, SHARED: Answer.YES}


def test_token_that_may_acknowledge_does_for_who_triages(world: World) -> None:
    for person, may, wanted in (("rita", True, Answer.YES), ("rita", False, Answer.NO), ("bob", True, Answer.NO)):
        token, credentials = make_token(world.people[person])
        token.may_acknowledge = may
        token.save()
        client = Client(**bearer(credentials))
        for path in world.paths("events:api_acknowledge").values():
            answer = asked(world, client, "POST", "events:api_acknowledge", path)
            assert outcome(answer, "token") == wanted, (person, may, path)


def test_welcome_is_there_until_somebody_exists(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/welcome/?token={first_run.invite()}"

    assert [Client().get(address).status_code, Client().post(address).status_code] == [200, 200]
