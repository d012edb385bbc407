"""REQUIRE_MFA: on every path, after a time that is told, for those whom it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from environ import Env

from accounts.encryption import encrypt
from accounts.login.second_factor import OPEN, SET_UP
from accounts.models import FactorGrace, NexmoAccount
from auditsite.configuration.reader import Reader
from auditsite.login.adapters import FACTORS_KEPT_IN
from auditsite.rights.addresses import TABLE
from events.models import AuditEvent
from tests.conftest import NOON
from tests.tools.scope import Login, names
from tests.tools.tokens import basic, bearer, make_token
from tests.tools.world import World

LEADS_THERE = (302, "/profile/second-factor/")


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def everyone(settings: Any) -> Any:
    settings.REQUIRE_MFA, settings.REQUIRE_MFA_GRACE = "everyone", timedelta(days=7)
    return settings


def past_grace(login: Login, cast: dict[str, Any], name: str) -> Client:
    """The browser of somebody whose time is over."""
    FactorGrace.objects.update_or_create(user=cast[name], defaults={"since": NOON - timedelta(days=8)})
    return login(name)


def give_factor(person: Any) -> None:
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})


def led(client: Client, path: str, **headers: str) -> tuple[int, str]:
    answer = client.get(path, headers=headers)
    return answer.status_code, answer.get("Location", "")


def test_every_path_leads_to_the_set_up_once_the_time_is_over(
    everyone: Any, login: Login, cast: dict[str, Any], events: dict[str, AuditEvent], tmp_path: Path
) -> None:
    admin, world = past_grace(login, cast, "admin"), World(cast, events, tmp_path)
    open_ = OPEN | SET_UP | {name for name in TABLE if name.startswith(("sso:", "events:api_", "events:nexmo_"))}
    open_ -= {"events:api_reference"}
    paths = {path for name in TABLE if name not in open_ for path in world.paths(name).values()}
    assert len(paths) > 250

    assert {path: answer for path in sorted(paths) if (answer := led(admin, path)) != LEADS_THERE} == {}
    assert {path: answer for path in sorted(paths) if (answer := posted(admin, path)) != LEADS_THERE} == {}


def test_there_may_be_no_time_at_all(
    everyone: Any, login: Login, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_MFA_GRACE", "0s")
    everyone.REQUIRE_MFA_GRACE = Reader(Env()).duration("REQUIRE_MFA_GRACE", may_be_none=True)

    assert led(login("bob"), "/views/") == LEADS_THERE


def posted(client: Client, path: str) -> tuple[int, str]:
    answer = client.post(path)
    return answer.status_code, answer.get("Location", "")


def test_names_of_open_paths_exist() -> None:
    assert set(names()) >= OPEN | SET_UP


def test_setting_a_factor_up_and_logging_out_stay_open(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    bob = past_grace(login, cast, "bob")

    assert bob.get("/profile/second-factor/").status_code == 200
    assert bob.get("/profile/second-factor/totp/activate/").status_code == 200
    assert bob.get("/login/confirm/").status_code == 200
    assert b"requires a second factor. Set one up here" in bob.get("/profile/second-factor/").content
    assert bob.post("/logout/").status_code == 302
    assert led(bob, "/events/")[1].startswith("/login/")


def test_time_begins_with_the_first_page_and_is_told_on_every_one(
    everyone: Any, login: Login, cast: dict[str, Any], clock: Any
) -> None:
    bob, admin = login("bob"), login("admin")

    for client, path in ((bob, "/events/"), (bob, "/profile/display"), (admin, "/admin/")):
        page = client.get(path)
        assert page.status_code == 200
        assert "Set one up by 2026-03-22 12:00:00" in page.content.decode()
    clock.shift(timedelta(days=6, hours=23))
    for client in (bob, admin):
        client.force_login(cast["bob" if client is bob else "admin"], backend="auditsite.login.Backend")
        assert client.get("/events/").status_code == 200
    clock.shift(timedelta(hours=2))
    assert [led(client, "/events/") for client in (bob, admin)] == [LEADS_THERE] * 2


def test_who_has_a_factor_is_told_nothing(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    give_factor(cast["bob"])
    Authenticator.objects.create(user=cast["alice"], type="recovery_codes", data={})

    assert "second factor." not in login("bob").get("/events/").content.decode()
    assert led(past_grace(login, cast, "bob"), "/events/")[0] == 200
    assert led(past_grace(login, cast, "alice"), "/events/") == LEADS_THERE, "codes alone are no factor"


def test_who_loses_a_factor_gets_no_time_for_it(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    give_factor(cast["bob"])
    bob = login("bob")
    assert led(bob, "/events/")[0] == 200

    Authenticator.objects.filter(user=cast["bob"]).delete()

    assert led(bob, "/events/") == LEADS_THERE


def test_token_is_made_with_a_factor_alone(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    """It would go on without one when the time is over."""
    bob = login("bob")

    assert bob.get("/events/").status_code == 200
    assert led(bob, "/profile/tokens/new") == posted(bob, "/profile/tokens/new") == LEADS_THERE
    assert "before you make one" in bob.get("/profile/second-factor/").content.decode()
    give_factor(cast["bob"])
    assert led(bob, "/profile/tokens/new")[0] == 200


def test_rule_for_staff_is_for_whoever_may_enter_the_admin(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    everyone.REQUIRE_MFA = "staff"
    cast["charlie"].is_superuser = True
    cast["charlie"].save()
    cast["bob"].is_staff = False
    cast["bob"].save()
    cast["audrey"].is_staff, cast["audrey"].is_superuser = True, False
    cast["audrey"].save()

    concerned = {name for name in cast if led(past_grace(login, cast, name), "/events/") == LEADS_THERE}

    assert {"admin", "charlie", "audrey"} <= concerned
    assert "bob" not in concerned


def test_rule_that_is_off_asks_nothing(login: Login, cast: dict[str, Any]) -> None:
    assert led(past_grace(login, cast, "admin"), "/events/")[0] == 200


def sso_login(client: Client, person: Any) -> None:
    session = client.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": NOON.timestamp()}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()


def test_logins_by_single_sign_on_are_exempt_if_so_set(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    bob = past_grace(login, cast, "bob")
    sso_login(bob, cast["bob"])

    assert led(bob, "/events/") == LEADS_THERE
    everyone.REQUIRE_MFA_EXCEPT_SSO = True
    assert led(bob, "/events/")[0] == 200
    assert led(login("bob"), "/events/") == LEADS_THERE, "with a password the same person is not"


def test_part_of_a_page_becomes_a_notice(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    answer = past_grace(login, cast, "bob").get("/events/summary", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Retarget"]) == (286, "#notice")
    assert b'href="/profile/second-factor/"' in answer.content


def test_posted_form_is_kept(everyone: Any, login: Login, cast: dict[str, Any], clock: Any) -> None:
    bob = login("bob")
    page = bob.get("/views/new?query=source%3DCD").content.decode()
    mark = page.split('name="kept_form" value="')[1].split('"')[0]
    past_grace(login, cast, "bob")
    answer = bob.post("/views/new", {"kept_form": mark, "name": "Half done", "query": "source=CD"})
    assert (answer.status_code, answer["Location"]) == LEADS_THERE

    give_factor(cast["bob"])
    filled = bob.get("/views/new?query=source%3DCD").content.decode()

    assert "Half done" in filled
    assert "because you needed a second factor first" in filled


def test_programs_go_on(everyone: Any, login: Login, cast: dict[str, Any], account: NexmoAccount) -> None:
    past_grace(login, cast, "bob")
    _token, credentials = make_token(cast["bob"])

    for headers in (basic(credentials), bearer(credentials)):
        assert Client().get("/api/v1/accounts", **headers).status_code == 200


def test_rule_takes_no_further_query(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    give_factor(cast["bob"])
    everyone.REQUIRE_MFA = "off"
    counted = []
    for rule in ("off", "everyone"):
        everyone.REQUIRE_MFA = rule
        client = login("bob")
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert client.get("/views/").status_code == 200
        counted.append(len(queries))

    assert counted[0] == counted[1]


def test_recovery_codes_go_with_the_last_factor(login: Login, cast: dict[str, Any]) -> None:
    give_factor(cast["bob"])
    Authenticator.objects.create(user=cast["bob"], type="recovery_codes", data={})
    Authenticator.objects.create(user=cast["alice"], type="recovery_codes", data={})
    (key,) = Authenticator.objects.filter(type="totp")
    path = f"/admin/mfa/authenticator/{key.pk}/delete/"
    assert "Their recovery codes are removed too." in login("admin").get(path).content.decode()

    login("admin").post(path, {"post": "yes"})

    assert [left.user.username for left in Authenticator.objects.all()] == ["alice"]


def test_whoever_has_codes_alone_confirms_with_them(everyone: Any, login: Login, cast: dict[str, Any]) -> None:
    """Who came by single sign-on and has no password: the way to a new factor stays open."""
    cast["bob"].set_unusable_password()
    cast["bob"].save()
    Authenticator.objects.create(
        user=cast["bob"], type="recovery_codes", data={"seed": encrypt("00", FACTORS_KEPT_IN), "used_mask": 0}
    )
    bob = past_grace(login, cast, "bob")

    asked = bob.get("/login/confirm/")

    assert asked["Location"].startswith("/profile/second-factor/reauthenticate/")
    assert bob.get(asked["Location"]).status_code == 200


def test_lost_factor_is_reset_by_command(cast: dict[str, Any]) -> None:
    give_factor(cast["bob"])
    give_factor(cast["alice"])
    said = StringIO()

    call_command("reset_second_factor", "bob", stdout=said)

    assert list(Authenticator.objects.values_list("user__username", flat=True)) == ["alice"]
    assert "bob now logs in with the password alone" in said.getvalue()
    call_command("reset_second_factor", "bob", stdout=said)
    assert "bob has no second factor." in said.getvalue()
    with pytest.raises(CommandError, match="nobody called nobody"):
        call_command("reset_second_factor", "nobody")
