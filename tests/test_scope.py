"""Who sees what: the whole cast over every path there is."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import NexmoAccount
from events import seals
from events.models import AuditEvent, Discrepancy, EventConflict, EventType, LegalHold, Removal, SyncRun, SyncState
from events.queue import QUEUE
from events.sync import state
from tests.conftest import NOON, PASSWORD
from tests.test_export import KINDS, body, exported_ids

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

CAST = ("nobody", "alice", "bob", "charlie", "audrey", "admin")
KEYS = ("demo0001", "demo0002", "demo0003", "demo0004", "demo0005")
SEES: dict[str, tuple[str, ...]] = {
    "alice": ("demo0001", "demo0002"),
    "bob": ("demo0001",),
    "charlie": ("demo0003",),
    "audrey": KEYS,
    "admin": KEYS,
}
SYNCS = SEES | {"audrey": ()}

Statuses = dict[str, tuple[int, ...]]


def everybody(status: int) -> tuple[int, ...]:
    """Who is logged in gets this; the others are asked to log in."""
    return (302, *(status for _ in CAST[1:]))


def by_account(template: str) -> Statuses:
    """200 for those who see the account, 404 for the others; an account of each kind, and one that does not exist."""
    return {
        template.format(key): (302, *(200 if key in SEES[person] else 404 for person in CAST[1:])) for key in KEYS[:3]
    } | {template.format("nosuchkey"): everybody(404)}


# For every name in the URLconf: paths, and the status of a GET for each of the cast, in the order of CAST.
EXPECTED: dict[str, Statuses] = {
    "home": {"/": everybody(302)},
    "healthz": {"/healthz": (200,) * 6},
    "admin_redirect": {"/admin/r/1/1/": everybody(404)},
    "events:evidence": {"/events/evidence.zip": everybody(405)},  # POST
    "events:account_evidence": {"/accounts/demo0001/events/evidence.zip": everybody(405)},
    "events:seals": by_account("/accounts/{}/seals.ndjson"),
    "events:check": {"/accounts/demo0001/events/of-demo0001/check": everybody(405)},
    "events:list": {"/events/": everybody(200)},
    "events:export": {f"/events/export.{kind}": everybody(200) for kind in KINDS}
    | {"/events/export.pdf": everybody(404)},
    # Found by its id alone, an event leads on to its own page.
    "events:find": {
        path: tuple(302 if status == 200 else status for status in row)
        for path, row in by_account("/events/of-{}/").items()
    },
    "events:accounts": {"/accounts/": everybody(200)},
    "events:account": by_account("/accounts/{}/"),
    "events:sync": {f"/accounts/{key}/sync/": everybody(405) for key in ("demo0001", "nosuchkey")},  # POST: see below
    "events:account_events": by_account("/accounts/{}/events/"),
    "events:account_export": {
        path: row for kind in KINDS for path, row in by_account(f"/accounts/{{}}/events/export.{kind}").items()
    },
    "events:event": by_account("/accounts/{0}/events/of-{0}/")
    | {"/accounts/demo0001/events/of-demo0002/": everybody(404)},
    "account_login": {"/login/": (200, 302, 302, 302, 302, 302)},
    "account_logout": {"/logout/": everybody(200)},
    "account_inactive": {"/login/inactive/": (200,) * 6},
    "account_reauthenticate": {"/login/confirm/": everybody(200)},
    "account_change_password": {"/profile/password/": everybody(200)},
    "account_signup": {"/login/none/": (302,) * 6},
    "account_reset_password": {"/login/none/": (302,) * 6},
    "account_set_password": {"/login/none/": (302,) * 6},
    "account_email": {"/login/none/": (302,) * 6},
    "mfa_index": {"/profile/second-factor/": everybody(200)},
    "mfa_authenticate": {"/profile/second-factor/authenticate/": (302,) * 6},
    "mfa_reauthenticate": {"/profile/second-factor/reauthenticate/": everybody(302)},
    "mfa_activate_totp": {"/profile/second-factor/totp/activate/": everybody(302)},
    # Nobody of the cast has a second factor yet.
    "mfa_deactivate_totp": {"/profile/second-factor/totp/deactivate/": everybody(404)},
    "mfa_view_recovery_codes": {"/profile/second-factor/recovery-codes/": everybody(404)},
    "mfa_generate_recovery_codes": {"/profile/second-factor/recovery-codes/generate/": everybody(302)},
    "mfa_download_recovery_codes": {"/profile/second-factor/recovery-codes/download/": everybody(404)},
}
OPEN = ("/login/", "/healthz", "/login/inactive/")


def names(patterns: Any = None, space: str = "") -> Iterator[str]:
    """The view name of every path in the URLconf."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns, space + (f"{pattern.namespace}:" if pattern.namespace else ""))
        elif isinstance(pattern, URLPattern):
            yield space + (pattern.name or "")


def status_of(client: Client, path: str) -> int:
    response = client.get(path)
    body(response)  # a file is closed once it is read
    return response.status_code


def shown_ids(response: Any) -> list[str]:
    """The ids of the rows on a list page, in order."""
    return [html.unescape(found) for found in re.findall(r'data-event-id="([^"]*)"', response.content.decode())]


def error_text(response: Any, name: str) -> str:
    """The error beside a field of the filter."""
    found = re.search(rf'<p class="error" id="error-{name}"[^>]*>(.*?)</p>', response.content.decode(), re.DOTALL)
    return html.unescape(found[1]) if found else ""


@pytest.fixture
def events(cast: dict[str, Any], add_event: Add) -> dict[str, AuditEvent]:
    """One event of each account, called after it."""
    return {
        found.api_key: add_event(found, number, id=f"of-{found.api_key}")
        for number, found in enumerate(NexmoAccount.objects.order_by("api_key"))
    }


def test_every_path_has_an_expectation() -> None:
    assert {name for name in names() if not name.startswith("admin:")} == set(EXPECTED)


@pytest.mark.parametrize("person", CAST)
def test_every_path_answers_each_of_the_cast_as_it_should(
    login: Login, events: dict[str, AuditEvent], person: str
) -> None:
    client = login(person)
    expected = {path: row[CAST.index(person)] for rows in EXPECTED.values() for path, row in rows.items()}

    answers = {path: status_of(client, path) for path in expected}

    assert answers == expected


def test_nobody_is_sent_to_the_login_from_everywhere(login: Login, events: dict[str, AuditEvent]) -> None:
    client = login("nobody")
    paths = {path for rows in EXPECTED.values() for path in rows} - set(OPEN)
    # Those of the second factor belong to the login: they lead there, but not back.
    leading = {path: client.get(path)["Location"] for path in paths}

    assert {path: target for path, target in leading.items() if not target.startswith("/login/")} == {}
    assert leading["/accounts/demo0001/events/of-demo0001/"] == "/login/?next=/accounts/demo0001/events/of-demo0001/"


@pytest.mark.parametrize("path", ["/events/", "/accounts/demo0001/sync/", "/accounts/", "/events/export.csv"])
def test_nobody_is_sent_to_the_login_when_posting(login: Login, events: dict[str, AuditEvent], path: str) -> None:
    response = login("nobody").post(path)

    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={path}"


def test_static_files_need_no_login(client: Client) -> None:
    response = client.get("/static/auditsite/site.css")

    assert response.status_code == 200
    assert body(response)


@pytest.mark.parametrize("person", CAST[1:])
def test_lists_show_the_events_of_visible_accounts_only(
    login: Login, events: dict[str, AuditEvent], person: str
) -> None:
    client = login(person)

    assert set(shown_ids(client.get("/events/"))) == {f"of-{key}" for key in SEES[person]}
    for key in SEES[person]:
        assert shown_ids(client.get(f"/accounts/{key}/events/")) == [f"of-{key}"]


@pytest.mark.parametrize("person", CAST[1:])
def test_exports_hold_the_events_of_visible_accounts_only(
    login: Login, events: dict[str, AuditEvent], person: str
) -> None:
    client = login(person)

    for kind in KINDS:
        merged = exported_ids(kind, body(client.get(f"/events/export.{kind}")))
        assert sorted(merged) == [f"of-{key}" for key in SEES[person]]
        for key in SEES[person][:3]:
            one = exported_ids(kind, body(client.get(f"/accounts/{key}/events/export.{kind}")))
            assert one == [f"of-{key}"]


@pytest.mark.parametrize("person", CAST[1:])
def test_overview_shows_visible_accounts_only(login: Login, cast: dict[str, Any], person: str) -> None:
    page = login(person).get("/accounts/").content.decode()

    assert re.findall(r'data-account="(\w+)"', page) == list(
        NexmoAccount.objects.filter(api_key__in=SEES[person]).values_list("api_key", flat=True)
    )
    assert not [key for key in KEYS if key in page and key not in SEES[person]]


@pytest.mark.parametrize("person", CAST[1:])
def test_filter_offers_visible_accounts_only(login: Login, events: dict[str, AuditEvent], person: str) -> None:
    page = login(person).get("/events/").content.decode()

    assert set(re.findall(r'name="account" value="(\w+)"', page)) == set(SEES[person])
    assert not [key for key in KEYS if key in page and key not in SEES[person]]


@pytest.mark.parametrize("person", CAST[1:])
def test_no_filter_widens_what_is_visible(login: Login, events: dict[str, AuditEvent], person: str) -> None:
    client = login(person)

    for query in ("search_text=of-", "source_ip=192.0.2.0/24", "date_from=2026-01-01", "size=200"):
        assert set(shown_ids(client.get(f"/events/?{query}"))) == {f"of-{key}" for key in SEES[person]}


def test_no_page_marker_widens_what_is_visible(login: Login, events: dict[str, AuditEvent]) -> None:
    client = login("bob")

    for marker in ("after=0.0", "before=253402300799999999.999999999999"):
        assert shown_ids(client.get(f"/events/?{marker}")) == ["of-demo0001"]


def test_two_memberships_do_not_double_the_rows(
    login: Login, events: dict[str, AuditEvent], cast: dict[str, Any], account: NexmoAccount
) -> None:
    second = cast["bob"].groups.create(name="Second team")
    cast["alice"].groups.add(second)
    account.teams.add(second)

    assert shown_ids(login("bob").get("/accounts/demo0001/events/")) == ["of-demo0001"]
    assert sorted(shown_ids(login("alice").get("/events/"))) == ["of-demo0001", "of-demo0002"]
    assert login("alice").get("/accounts/").content.decode().count('data-account="demo0001"') == 1


def test_leaving_the_team_ends_the_sight_at_once(
    login: Login, events: dict[str, AuditEvent], cast: dict[str, Any]
) -> None:
    client = login("bob")
    cast["bob"].groups.clear()

    assert shown_ids(client.get("/events/")) == []
    assert client.get("/accounts/demo0001/events/of-demo0001/").status_code == 404


@pytest.mark.parametrize("foreign", ["demo0003", "DEMO0003", "Demo0003"])
def test_foreign_account_in_a_filter_is_as_unknown_as_one_that_does_not_exist(
    login: Login, events: dict[str, AuditEvent], foreign: str
) -> None:
    client = login("alice")

    theirs = client.get(f"/events/?account={foreign}")
    nobodys = client.get("/events/?account=nosuchkey")

    assert error_text(theirs, "account") == f"There is no account {foreign} that you may see."
    assert error_text(theirs, "account").replace(foreign, "nosuchkey") == error_text(nobodys, "account")
    assert shown_ids(theirs) == shown_ids(nobodys) == []
    assert theirs.status_code == nobodys.status_code == 200


def test_foreign_account_beside_an_own_one_shows_no_rows_either(login: Login, events: dict[str, AuditEvent]) -> None:
    response = login("alice").get("/events/?account=demo0001,demo0003")

    assert shown_ids(response) == []
    assert "demo0003" in error_text(response, "account")


@pytest.mark.parametrize("kind", KINDS)
def test_foreign_account_in_an_export_is_refused(login: Login, events: dict[str, AuditEvent], kind: str) -> None:
    response = login("alice").get(f"/events/export.{kind}?account=demo0003")

    assert response.status_code == 400
    assert "There is no account demo0003 that you may see." in response.content.decode()
    assert "of-demo0003" not in response.content.decode()


def test_other_account_in_the_filter_of_an_accounts_own_page_is_told(
    login: Login, events: dict[str, AuditEvent]
) -> None:
    response = login("alice").get("/accounts/demo0001/events/?account=demo0002")

    assert shown_ids(response) == []
    assert error_text(response, "account") == "There is no account demo0002 that you may see."


def test_account_key_is_found_in_its_own_spelling(login: Login, events: dict[str, AuditEvent]) -> None:
    assert shown_ids(login("alice").get("/events/?account=DEMO0001")) == ["of-demo0001"]


def test_stranger_learns_nothing_from_the_page_that_says_404(login: Login, events: dict[str, AuditEvent]) -> None:
    client = login("charlie")

    theirs, nobodys = (
        re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", client.get(f"/accounts/{key}/").content.decode())
        for key in ("demo0001", "nosuchkey")
    )

    assert theirs.replace("demo0001", "nosuchkey") == nobodys
    assert "Nothing here" in theirs


@pytest.mark.parametrize("person", CAST)
def test_sync_is_for_those_who_see_the_account_and_are_no_auditors(
    login: Login, cast: dict[str, Any], person: str
) -> None:
    client = login(person)
    expected = {
        key: 302 if person == "nobody" or key in SYNCS[person] else 403 if key in SEES[person] else 404 for key in KEYS
    }

    assert {key: client.post(f"/accounts/{key}/sync/").status_code for key in KEYS} == expected
    wanted = set(SyncState.objects.exclude(wanted_at=None).values_list("account__api_key", flat=True))
    assert wanted == set(SYNCS.get(person, ()))
    assert QUEUE.pending_count() == len(wanted)


@pytest.mark.parametrize("person", CAST[1:])
def test_syncing_all_means_all_that_one_may_sync(login: Login, cast: dict[str, Any], person: str) -> None:
    response = login(person).post("/accounts/", follow=True)

    wanted = set(SyncState.objects.exclude(wanted_at=None).values_list("account__api_key", flat=True))
    assert wanted == set(SYNCS[person])
    nothing = "There is no account that you may sync."
    assert (nothing in response.content.decode()) == (not wanted)


def test_auditor_is_told_why_she_may_not_sync(login: Login, cast: dict[str, Any]) -> None:
    response = login("audrey").post("/accounts/demo0001/sync/")

    assert response.status_code == 403
    assert "Auditors read everything and change nothing" in response.content.decode()


def test_auditor_who_is_in_the_team_may_sync_its_account(
    login: Login, cast: dict[str, Any], account: NexmoAccount
) -> None:
    cast["audrey"].groups.add(account.teams.get())

    assert login("audrey").post("/accounts/demo0001/sync/").status_code == 302
    assert login("audrey").post("/accounts/demo0002/sync/").status_code == 403


@pytest.mark.parametrize("person", CAST[1:])
def test_pages_offer_a_sync_to_those_who_may(login: Login, cast: dict[str, Any], person: str) -> None:
    client = login(person)

    assert ("Sync all now" in client.get("/accounts/").content.decode()) == bool(SYNCS[person])
    for key in SEES[person]:
        page = client.get(f"/accounts/{key}/").content.decode()
        assert (f'action="/accounts/{key}/sync/"' in page) == (key in SYNCS[person])


@pytest.mark.parametrize(("person", "may"), [("alice", True), ("bob", False), ("audrey", False), ("admin", True)])
def test_account_page_offers_editing_to_those_who_may(
    login: Login, account: NexmoAccount, person: str, may: bool
) -> None:
    page = login(person).get("/accounts/demo0001/").content.decode()

    assert (f'href="/admin/accounts/nexmoaccount/{account.pk}/change/"' in page) == may


def test_event_is_found_by_its_id_alone(login: Login, events: dict[str, AuditEvent]) -> None:
    response = login("bob").get("/events/of-demo0001/")

    assert response["Location"] == "/accounts/demo0001/events/of-demo0001/"


def test_event_id_that_two_accounts_hold_asks_which(login: Login, cast: dict[str, Any], add_event: Add) -> None:
    for key in ("demo0001", "demo0002", "demo0003"):
        add_event(NexmoAccount.objects.get(api_key=key), 1, id="same")

    page = login("alice").get("/events/same/")

    assert page.status_code == 200
    links = re.findall(r'<a href="(/accounts/[^"]*/events/same/)"', page.content.decode())
    assert sorted(links) == ["/accounts/demo0001/events/same/", "/accounts/demo0002/events/same/"]
    assert "2 of your accounts" in page.content.decode()
    assert "Tannelhof" not in page.content.decode()
    # Bob sees one of the two, and so is not asked.
    assert login("bob").get("/events/same/")["Location"] == "/accounts/demo0001/events/same/"


@pytest.mark.parametrize("spelling", ["ABC-def", "abc-def", "ABC-DEF"])
def test_event_is_found_whatever_the_case_of_its_id(
    login: Login, account: NexmoAccount, add_event: Add, spelling: str
) -> None:
    add_event(account, 1, id="Abc-Def")
    client = login("alice")

    assert client.get(f"/events/{spelling}/")["Location"] == "/accounts/demo0001/events/Abc-Def/"
    assert client.get(f"/accounts/demo0001/events/{spelling}/").status_code == 200


@pytest.mark.parametrize(
    "event_id",
    [
        "a/b",
        "/a",
        "a/",
        "a?b=c#d",
        "a%2Fb",
        "a b+c",
        "ÄÖÜ",
        "İ",
        "Σας",
        "🎉",
        "..",
        "<b>&\"'",
        "export.csv",
        "line\nbreak",
        "tab\ttab",
        "x" * 255,
    ],
)
def test_event_with_an_unusual_id_is_archived_once_and_found(
    login: Login, account: NexmoAccount, add_event: Add, event_id: str
) -> None:
    add_event(account, 1, id=event_id)
    add_event(account, 1, id=event_id)  # a later sync reads it again
    client = login("alice")

    page = client.get("/events/")
    assert shown_ids(page) == [event_id]
    (link,) = re.findall(r'<a class="when" href="([^"]*)"', page.content.decode())
    assert client.get(html.unescape(link)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/events/a%00b/", "/accounts/a%00b/", "/accounts/demo0001/events/a%00b/", "/accounts/%00/events/"]
)
def test_nul_in_a_path_is_404(login: Login, cast: dict[str, Any], path: str) -> None:
    assert login("alice").get(path).status_code == 404


def test_deleted_account_in_a_shared_address_is_404(login: Login, cast: dict[str, Any]) -> None:
    NexmoAccount.objects.get(api_key="demo0005").delete()
    client = login("admin")

    for path in ("", "events/", "events/export.csv", "events/of-demo0005/"):
        assert client.get(f"/accounts/demo0005/{path}").status_code == 404
    assert client.post("/accounts/demo0005/sync/").status_code == 404
    assert error_text(client.get("/events/?account=demo0005"), "account") == (
        "There is no account demo0005 that you may see."
    )


def test_inactive_account_stays_readable(login: Login, events: dict[str, AuditEvent], account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    assert shown_ids(login("bob").get("/events/")) == ["of-demo0001"]


@pytest.mark.parametrize("person", CAST[1:])
def test_inactive_person_sees_nothing(
    login: Login, events: dict[str, AuditEvent], cast: dict[str, Any], person: str
) -> None:
    client = login(person)
    get_user_model().objects.filter(username=person).update(is_active=False)

    for path in ("/events/", "/accounts/", "/events/export.csv", "/accounts/demo0001/events/of-demo0001/", "/admin/"):
        response = client.get(path, follow=True)
        assert unquote(response.redirect_chain[-1][0]) == f"/login/?next={path}"


def test_querysets_give_nobody_and_inactive_people_nothing(events: dict[str, AuditEvent], cast: dict[str, Any]) -> None:
    for user in (AnonymousUser(), *cast.values()):
        user.is_active = False
        assert not NexmoAccount.objects.visible_to(user).exists()
        assert not NexmoAccount.objects.shared_with(user).exists()
        assert not NexmoAccount.objects.syncable_by(user).exists()
        assert not NexmoAccount.objects.manageable_by(user).exists()
        assert not AuditEvent.objects.visible_to(user).exists()


@pytest.mark.parametrize("person", CAST[1:])
def test_sync_records_are_scoped_like_events(cast: dict[str, Any], person: str) -> None:
    for account in NexmoAccount.objects.all():
        state.claim(account, SyncRun.Trigger.COMMAND)

    for model in (SyncRun, SyncState):
        seen = model.objects.visible_to(cast[person]).values_list("account__api_key", flat=True)
        assert sorted(seen) == list(SEES[person])


def test_conflicts_are_scoped_like_events(cast: dict[str, Any], events: dict[str, AuditEvent], add_event: Add) -> None:
    for key in KEYS:
        add_event(NexmoAccount.objects.get(api_key=key), 1, id=f"of-{key}", source="changed")

    for person, keys in SEES.items():
        seen = EventConflict.objects.visible_to(cast[person]).values_list("account__api_key", flat=True)
        assert sorted(seen) == list(keys)


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
    "auth/group": SUPERUSERS,
    "auth/user": SUPERUSERS,
    "mfa/authenticator": SUPERUSERS | {"add": (403,) * 3},
    "events/discrepancy": READ_ONLY,
    "events/removal": READ_ONLY,
    "events/seal": READ_ONLY,
    "events/legalhold": SUPERUSERS | {"delete": (403,) * 3},
}


def admin_expectations(objects: dict[str, Any]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Paths and statuses by view name; `objects` holds an object's key for each model."""
    kind = ContentType.objects.get_for_model(NexmoAccount).pk
    found: dict[str, dict[str, tuple[int, ...]]] = {
        "admin:index": {"/admin/": (200,) * 3},
        "admin:login": {"/admin/login/": (302,) * 3},
        "admin:logout": {"/admin/logout/": (405,) * 3},
        "admin:password_change": {"/admin/password_change/": (200,) * 3},
        "admin:password_change_done": {"/admin/password_change/done/": (200,) * 3},
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
    for model, pages in ADMIN_MODELS.items():
        for page, row in pages.items():
            part = {"changelist": "", "add": "add/"}.get(page, f"{objects[model]}/{page}/")
            found[f"admin:{model.replace('/', '_')}_{page}"] = {f"/admin/{model}/{part}": row}
    return found


@pytest.fixture
def admin_paths(events: dict[str, AuditEvent], cast: dict[str, Any]) -> dict[str, dict[str, tuple[int, ...]]]:
    from allauth.mfa.models import Authenticator

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
            "events/legalhold": LegalHold.objects.create(reason="x").pk,
            "events/syncrun": state.claim(account, SyncRun.Trigger.COMMAND).pk,
            "accounts/nexmoaccount": account.pk,
            "auth/group": account.teams.get().pk,
            "auth/user": cast["bob"].pk,
            "mfa/authenticator": Authenticator.objects.create(user=cast["bob"], type="totp", data={"secret": "x"}).pk,
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

    for rows in admin_paths.values():
        for path in rows:
            assert client.get(path, follow=True).status_code == (404 if "/admin/r/" in path else 403), path


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


def test_password_of_the_cast_logs_in(client: Client, cast: dict[str, Any]) -> None:
    response = client.post("/login/", {"login": "bob", "password": PASSWORD})

    assert response["Location"] == "/events/"
