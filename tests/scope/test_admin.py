"""The admin: every path for its staff, and foreign objects do not exist in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.contenttypes.models import ContentType

from accounts.models import NexmoAccount
from events.archive import seals
from events.models import (
    AuditEvent,
    Discrepancy,
    EventType,
    LegalHold,
    OwnRule,
    Removal,
    Report,
    SavedView,
    Stream,
    SyncRun,
)
from events.sync import state
from tests.conftest import NOON
from tests.tools.reviews import make_statement
from tests.tools.scope import KEYS, SEES, Login, names
from tests.tools.tokens import make_token

# --- the admin: paths and, for its staff (alice, audrey, admin), the status of a GET -------------------------------
STAFF = ("alice", "audrey", "admin")
READ_ONLY = {
    "changelist": (200,) * 3,
    "add": (403,) * 3,
    "history": (200,) * 3,
    "change": (200,) * 3,
    "delete": (403,) * 3,
}
SUPERUSERS = dict.fromkeys(READ_ONLY, (403, 403, 200))
ADMIN_MODELS: dict[str, dict[str, tuple[int, int, int]]] = {
    "events/auditevent": READ_ONLY,
    "events/eventtype": READ_ONLY,
    "events/syncrun": READ_ONLY,
    "accounts/nexmoaccount": {
        "changelist": (200, 200, 200),
        "add": (200, 403, 200),
        "history": (200, 200, 200),
        "change": (200, 200, 200),
        "delete": (200, 403, 200),
    },
    "accounts/apitoken": SUPERUSERS | {"add": (403,) * 3, "delete": (403,) * 3},
    "auth/group": SUPERUSERS,
    "auth/user": SUPERUSERS,
    "mfa/authenticator": SUPERUSERS | {"add": (403,) * 3},
    "socialaccount/socialaccount": SUPERUSERS,
    "events/discrepancy": READ_ONLY,
    "events/removal": READ_ONLY,
    "events/seal": READ_ONLY,
    "events/reviewstatement": READ_ONLY,
    "events/legalhold": SUPERUSERS | {"delete": (403,) * 3},
    "events/savedview": SUPERUSERS | {"add": (403,) * 3},
    # Written and read on the site's own pages.
    "events/ownrule": SUPERUSERS | dict.fromkeys(("add", "history", "change"), (403, 403, 302)),
    "events/report": SUPERUSERS | dict.fromkeys(("add", "delete"), (403, 403, 403)),  # set up on the site's own pages
    # Set up on the site's own pages; alice is shown only streams of hers.
    "events/stream": {
        "changelist": (200, 403, 200),
        **dict.fromkeys(("add", "delete"), (403, 403, 403)),
        "history": (302, 302, 200),
        "change": (302, 403, 200),
    },
}


def admin_expectations(objects: dict[str, Any]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Paths and statuses by view name; `objects` holds an object's key for each model."""
    kind = ContentType.objects.get_for_model(NexmoAccount).pk
    found: dict[str, dict[str, tuple[int, ...]]] = {
        "admin:index": {"/admin/": (200,) * 3},
        "admin:login": {"/admin/login/": (302,) * 3},
        "admin:logout": {"/admin/logout/": (405,) * 3},
        "admin:password_change": {"/admin/password_change/": (302,) * 3},
        "admin:password_change_done": {"/admin/password_change/done/": (404,) * 3},
        "admin:jsi18n": {"/admin/jsi18n/": (200,) * 3},
        # The account form's choice of owners, which only superusers have.
        "admin:autocomplete": {
            "/admin/autocomplete/?app_label=accounts&model_name=nexmoaccount&field_name=owner&term=": (403, 403, 200)
        },
        "admin:app_list": {
            "/admin/events/": (200,) * 3,
            "/admin/accounts/": (200,) * 3,
            "/admin/auth/": (404, 404, 200),
        },
        "admin:view_on_site": {f"/admin/r/{kind}/{objects['accounts/nexmoaccount']}/": (404,) * 3},
        "admin:auth_user_password_change": {f"/admin/auth/user/{objects['auth/user']}/password/": (403, 403, 200)},
        "admin:": {"/admin/nonsense/": (404,) * 3},  # the last resort, and each model's old addresses
    }
    for model, action in (
        ("accounts/nexmoaccount", "test"),
        ("accounts/nexmoaccount", "switch-off"),
        ("auth/user", "switch-off"),
        ("auth/user", "end-sessions"),
        ("events/legalhold", "release"),
    ):
        name = f"admin:{model.replace('/', '_')}_{action.replace('-', '_')}"
        found[name] = {f"/admin/{model}/{objects[model]}/{action}/": (405,) * 3}  # POST
    for model, pages in ADMIN_MODELS.items():
        for page, row in pages.items():
            part = {"changelist": "", "add": "add/"}.get(page, f"{objects[model]}/{page}/")
            found[f"admin:{model.replace('/', '_')}_{page}"] = {f"/admin/{model}/{part}": row}
    return found


@pytest.fixture
def admin_paths(events: dict[str, AuditEvent], cast: dict[str, Any]) -> dict[str, dict[str, tuple[int, ...]]]:
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount

    account = NexmoAccount.objects.get(api_key="demo0001")
    return admin_expectations(
        {
            "events/auditevent": events["demo0001"].pk,
            "events/eventtype": EventType.objects.get().pk,
            "events/discrepancy": Discrepancy.objects.create(
                account=account, event=events["demo0001"], kind="late", noticed_at=NOON
            ).pk,
            "events/removal": Removal.objects.create(
                account=account, removed_at=NOON, older_than=NOON, reason="x", count=0
            ).pk,
            "events/seal": seals.seal(account).pk,
            "events/reviewstatement": make_statement(account, cast["alice"]).pk,
            "events/legalhold": LegalHold.objects.create(reason="x").pk,
            "events/savedview": SavedView.objects.first().pk,
            "events/ownrule": OwnRule.objects.create(uid=str(UUID(int=0)), title="x", text="x", changed_at=NOON).pk,
            "events/report": Report.objects.create(
                view=SavedView.objects.first(),
                owner=cast["bob"],
                at="08:00",
                starts_at=NOON,
                look_at=NOON,
                looked_at=NOON,
            ).pk,
            "events/stream": Stream.objects.create(name="x", kind="webhook", owner=cast["bob"]).pk,
            "events/syncrun": state.claim(account, SyncRun.Trigger.COMMAND).pk,
            "accounts/nexmoaccount": account.pk,
            "accounts/apitoken": make_token(cast["bob"])[0].pk,
            "auth/group": account.teams.get().pk,
            "auth/user": cast["bob"].pk,
            "mfa/authenticator": Authenticator.objects.create(user=cast["bob"], type="totp", data={"secret": "x"}).pk,
            "socialaccount/socialaccount": SocialAccount.objects.create(user=cast["bob"], provider="x", uid="x").pk,
        }
    )


def test_every_path_of_the_admin_has_an_expectation(admin_paths: dict[str, Any]) -> None:
    assert {name for name in names() if name.startswith("admin:")} == set(admin_paths)


@pytest.mark.parametrize("person", STAFF)
def test_every_path_of_the_admin_answers_staff_as_it_should(
    login: Login, admin_paths: dict[str, dict[str, tuple[int, ...]]], person: str
) -> None:
    client = login(person)
    expected = {path: row[STAFF.index(person)] for rows in admin_paths.values() for path, row in rows.items()}

    assert {path: client.get(path).status_code for path in expected} == expected


@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_admin_is_closed_to_those_who_are_no_staff(
    login: Login, admin_paths: dict[str, dict[str, tuple[int, ...]]], person: str
) -> None:
    client = login(person)
    # The own password is everybody's, on the profile's page; the others are addresses of nothing.
    elsewhere = {"/admin/password_change/": 200, "/admin/password_change/done/": 404}

    for rows in admin_paths.values():
        for path in rows:
            expected = elsewhere.get(path, 404 if "/admin/r/" in path else 403)
            assert client.get(path, follow=True).status_code == expected, path


FOREIGN = (
    "accounts/nexmoaccount/{account}/change/",
    "accounts/nexmoaccount/{account}/history/",
    "accounts/nexmoaccount/{account}/delete/",
    "events/auditevent/{event}/change/",
    "events/auditevent/{event}/history/",
    "events/syncrun/{run}/change/",
    "events/syncrun/{run}/history/",
)


def test_foreign_objects_do_not_exist_in_the_admin(login: Login, events: dict[str, AuditEvent]) -> None:
    account = NexmoAccount.objects.get(api_key="demo0003")
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    client = login("alice")

    for path in FOREIGN:
        theirs = client.get("/admin/" + path.format(account=account.pk, event=events["demo0003"].pk, run=run.pk))
        nobodys = client.get("/admin/" + path.format(account=98765, event=98765, run=98765))
        assert (theirs.status_code, theirs.get("Location")) == (nobodys.status_code, nobodys.get("Location")), path
        assert theirs.status_code != 200, path


@pytest.mark.parametrize("model", [NexmoAccount, AuditEvent])
def test_admins_way_to_the_site_does_not_name_foreign_objects(
    login: Login, events: dict[str, AuditEvent], model: Any
) -> None:
    theirs = events["demo0003"] if model is AuditEvent else events["demo0003"].account
    kind = ContentType.objects.get_for_model(model).pk

    response = login("alice").get(f"/admin/r/{kind}/{theirs.pk}/")

    assert "demo0003" not in response.get("Location", "")
    assert response.status_code == 404


def test_admins_lists_are_scoped(login: Login, events: dict[str, AuditEvent]) -> None:
    for account in NexmoAccount.objects.all():
        state.claim(account, SyncRun.Trigger.COMMAND)

    for person in STAFF:
        client = login(person)
        for path in ("/admin/accounts/nexmoaccount/", "/admin/events/auditevent/", "/admin/events/syncrun/"):
            page = client.get(path).content.decode()
            assert {key for key in KEYS if key in page} == set(SEES[person]), (person, path)


def test_admins_filter_by_a_foreign_account_shows_nothing(login: Login, events: dict[str, AuditEvent]) -> None:
    page = login("alice").get("/admin/events/auditevent/?account=demo0003").content.decode()

    assert "0 events" in page
    assert "Tannelhof" not in page
