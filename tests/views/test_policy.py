"""What no page contains: nothing that its content security policy forbids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent, SyncRun
from events.nexmo.errors import CredentialsRefused
from events.sync import state
from tests.conftest import PASSWORD
from tests.tools.export import add_many, body
from tests.tools.pages import Add, Login, _Watcher, finished, violations


def test_watcher_sees_what_it_watches_for() -> None:
    watcher = _Watcher()
    watcher.feed(
        '<style>x</style><script>1</script><script src="/a.js"></script><p onclick="x" style="y">'
        '<img src="data:image/png;base64,x"/><a href="javascript:x">a</a><a href="//evil.example/">a</a>'
        '<script type="application/json">{"a": 1}</script><a href="/ok?x=1#y">'
    )

    assert watcher.found == [
        "<style>",
        "<script> without src",
        "inline script 1",
        "p onclick=x",
        "p style=y",
        "img src=data:image/png;base64,x",
        "a href=javascript:x",
        "a href=//evil.example/",
    ]


def every_page(cast: dict[str, Any], event: AuditEvent, login: Login) -> Iterator[tuple[str, Any]]:
    """Each kind of page of the site, in as many states as can be had at once."""
    admin, bob, nobody = login("admin"), login("bob"), Client()
    account, run = event.account, SyncRun.objects.first()
    assert run
    for path in ("/login/", "/login/inactive/", "/nonsense"):
        yield f"nobody {path}", nobody.get(path)
    yield "wrong login", nobody.post("/login/", {"login": "x", "password": "y"})
    for path in (
        "/events/",
        "/events/?size=1&event_type=USER_LOGIN,NUMBER_UPDATED&period=90d",
        "/events/?source_ip=x&event_type=x&size=x",
        "/events/?before=x",
        "/events/export.csv?period=x",
        f"/events/{event.event_id}/",
        event.get_absolute_url(),
        "/accounts/",
        account.get_absolute_url(),
        f"{account.get_absolute_url()}events/",
        "/accounts/demo0003/",
        "/logout/",
        "/profile/second-factor/",
        "/profile/password/",
        "/login/confirm/",
        "/accounts/nosuchkey/",
        "/accounts/new",
        "/admin/",
        "/admin/accounts/",
        "/admin/accounts/nexmoaccount/",
        "/admin/accounts/nexmoaccount/?q=x&is_active__exact=1",
        "/admin/accounts/nexmoaccount/add/",
        f"/admin/accounts/nexmoaccount/{account.pk}/change/",
        f"/admin/accounts/nexmoaccount/{account.pk}/delete/",
        f"/admin/accounts/nexmoaccount/{account.pk}/history/",
        "/admin/events/auditevent/",
        f"/admin/events/auditevent/{event.pk}/change/",
        "/admin/events/eventtype/",
        "/admin/events/syncrun/",
        f"/admin/events/syncrun/{run.pk}/change/",
        "/admin/auth/user/",
        "/admin/auth/user/add/",
        f"/admin/auth/user/{cast['bob'].pk}/change/",
        f"/admin/auth/user/{cast['bob'].pk}/password/",
        "/admin/auth/group/add/",
        "/admin/mfa/authenticator/",
    ):
        yield f"admin {path}", admin.get(path)
    yield "refused", login("audrey").post("/accounts/demo0001/sync/")
    yield "no staff", bob.get("/admin/login/")
    bob.post("/login/confirm/", {"password": PASSWORD})
    activate = bob.get("/profile/second-factor/totp/activate/")
    assert activate.status_code == 200
    yield "second factor", activate
    strict = Client(enforce_csrf_checks=True)
    yield "without token", strict.post("/login/", {})


def test_every_page_keeps_to_its_content_security_policy(
    login: Login, cast: dict[str, Any], account: NexmoAccount, add_event: Add
) -> None:
    event = add_event(account, 1, source={"odd": 1}, account_id="x", id="same")
    add_event(account, 1, source="changed", id="same")
    add_event(NexmoAccount.objects.get(api_key="demo0002"), 1, id="same")
    add_many(account, range(2, 5))
    finished(NexmoAccount.objects.get(api_key="demo0003"), CredentialsRefused("x", status=401))
    state.claim(account, SyncRun.Trigger.SCHEDULE)

    wrong = {name: violations(page) for name, page in every_page(cast, event, login)}

    assert {name: found for name, found in wrong.items() if found} == {}


def test_no_answer_may_be_framed_sniffed_or_leak_its_address(client: Client) -> None:
    response = client.get("/events/")

    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_exports_and_health_carry_the_policy_too(client: Client) -> None:
    for path in ("/events/export.csv", "/events/export.xlsx", "/healthz", "/"):
        response = client.get(path)
        body(response)
        assert "default-src 'self'" in response["Content-Security-Policy"]
