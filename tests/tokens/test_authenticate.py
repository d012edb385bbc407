"""Who a request comes from, what it may see, and when it is refused."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from accounts.models import ApiToken, NexmoAccount
from accounts.tokens import authenticate as authenticate_module
from accounts.tokens import lifecycle, secret
from accounts.tokens.authenticate import BAD_GUESSES_PER_MINUTE, TokenAccess, TokenRefused, authenticate
from auditsite import urls as site_urls
from tests.tools.scope import KEYS, SEES
from tests.tools.tokens import basic, bearer, make_token

pytestmark = pytest.mark.django_db


def refused(**headers: Any) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        authenticate(RequestFactory().get("/api/v1/events", **headers))
    return caught.value


def access_with(**headers: Any) -> TokenAccess:
    return authenticate(RequestFactory().get("/api/v1/events", **headers))


def keys(access: TokenAccess) -> set[str]:
    """What an access sees, which both of its lists must agree on."""
    seen = set(access.accounts().values_list("api_key", flat=True))
    assert {account.api_key for account in access.account_list} == seen
    return seen


@pytest.mark.parametrize("send", [basic, bearer])
@pytest.mark.parametrize("person", ["alice", "bob", "charlie", "audrey", "admin"])
def test_token_for_all_accounts_sees_what_its_person_sees(cast: dict[str, Any], person: str, send: Any) -> None:
    token, credentials = make_token(cast[person])

    access = access_with(**send(credentials))

    assert (access.token, access.person) == (token, cast[person])
    assert keys(access) == set(SEES[person])
    assert not access.may_acknowledge


def test_token_for_some_accounts_sees_only_those_that_its_person_sees_too(cast: dict[str, Any]) -> None:
    _, credentials = make_token(cast["alice"], "demo0001", "demo0003")

    assert keys(access_with(**basic(credentials))) == {"demo0001"}


def test_scope_never_widens_when_its_account_is_deleted(cast: dict[str, Any]) -> None:
    _, credentials = make_token(cast["admin"], "demo0003")
    NexmoAccount.objects.get(api_key="demo0003").delete()

    assert keys(access_with(**basic(credentials))) == set()


def test_person_who_loses_an_account_takes_it_from_the_token_at_once(cast: dict[str, Any]) -> None:
    _, for_all = make_token(cast["bob"])
    _, for_one = make_token(cast["bob"], "demo0001")
    assert keys(access_with(**basic(for_all))) == keys(access_with(**basic(for_one))) == {"demo0001"}

    cast["bob"].groups.clear()

    assert keys(access_with(**basic(for_all))) == keys(access_with(**basic(for_one))) == set()


def test_auditor_who_is_none_any_more_sees_as_little_by_token(cast: dict[str, Any]) -> None:
    _, credentials = make_token(cast["audrey"])
    assert keys(access_with(**bearer(credentials))) == set(KEYS)

    cast["audrey"].groups.remove(Group.objects.get(name="Auditors"))

    assert keys(access_with(**bearer(credentials))) == set()


def test_unknown_and_wrong_get_the_same_answer_at_the_same_cost(cast: dict[str, Any]) -> None:
    token, credentials = make_token(cast["alice"])
    elsewhere = secret.make()
    check = secret._check(token.identifier, elsewhere.secret[:43])
    wrong = secret.Credentials(token.identifier, elsewhere.secret[:43] + check)
    assert secret.can_exist(wrong)
    found = []
    for given in (elsewhere, wrong):
        for send in (basic, bearer):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                answer = refused(**send(given))
            selects = [query["sql"] for query in queries if "accounts_apitoken" in query["sql"]]
            found.append((answer.status, answer.title, answer.detail, answer.headers, len(selects)))
    assert found == [found[0]] * 4
    assert (found[0][0], found[0][4]) == (401, 1)


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"alice:audit-demo").decode(),
        "Basic " + base64.b64encode("ünï:\x00".encode()).decode(),
        "Bearer",
        "Bearer auditsite_",
        "bearer \x00",
        "Bearer " + "x" * 10_000,
    ],
)
def test_what_cannot_be_read_is_wrong_and_asks_the_database_nothing(
    db: None, header: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        answer = refused(HTTP_AUTHORIZATION=header)
    assert (answer.status, answer.title) == (401, "Credentials are wrong")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": ""}, {"HTTP_AUTHORIZATION": "Negotiate abc"}])
def test_missing_credentials_are_asked_for_in_both_ways(db: None, headers: dict[str, str]) -> None:
    answer = refused(**headers)

    assert (answer.status, answer.title) == (401, "Credentials are missing")
    assert answer.headers == {
        "WWW-Authenticate": 'Basic realm="Auditsite API", charset="UTF-8", Bearer realm="Auditsite API"'
    }


def test_only_the_right_secret_is_told_why_it_no_longer_helps(cast: dict[str, Any]) -> None:
    revoked, expired, idle = (make_token(cast[name]) for name in ("alice", "bob", "charlie"))
    lifecycle.revoke(revoked[0], cast["alice"])
    ApiToken.objects.filter(pk=expired[0].pk).update(expires_at=timezone.now())
    cast["charlie"].is_active = False
    cast["charlie"].save()

    assert refused(**basic(revoked[1])).title == "Token revoked"
    assert refused(**basic(expired[1])).title == "Token expired"
    assert refused(**basic(idle[1])).title == "Owner cannot log in"
    for token, credentials in (revoked, expired, idle):
        assert refused(**basic(credentials)).status == 401
        other = secret.make().secret[:43]
        wrong = secret.Credentials(token.identifier, other + secret._check(token.identifier, other))
        assert refused(**basic(wrong)).title == "Credentials are wrong"


def test_token_ends_at_its_moment(cast: dict[str, Any]) -> None:
    token, credentials = make_token(cast["alice"], days=1)

    with time_machine.travel(token.expires_at - timedelta(seconds=1), tick=False):
        assert access_with(**basic(credentials)).token == token
    with time_machine.travel(token.expires_at, tick=False):
        assert refused(**basic(credentials)).title == "Token expired"


def test_use_is_noted_once_a_minute(cast: dict[str, Any]) -> None:
    token, credentials = make_token(cast["alice"])
    now = timezone.now().replace(second=5)
    noted = []
    for seconds, address in ((0, "192.0.2.1"), (20, "192.0.2.2"), (59, "192.0.2.3"), (60, "2001:db8::1")):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            access_with(**basic(credentials), REMOTE_ADDR=address)
        token.refresh_from_db()
        noted.append((token.last_used_at, token.last_used_address))
    assert noted == [(now, "192.0.2.1")] * 3 + [(now + timedelta(minutes=1), "2001:db8::1")]

    with time_machine.travel(now - timedelta(days=1), tick=False):  # a clock that went wrong, and was put right
        access_with(**basic(credentials), REMOTE_ADDR="192.0.2.9")
    token.refresh_from_db()
    assert token.last_used_address == "192.0.2.9"


def test_refused_token_is_not_noted_as_used(cast: dict[str, Any]) -> None:
    token, credentials = make_token(cast["alice"])
    lifecycle.revoke(token, cast["admin"])

    refused(**basic(credentials))

    token.refresh_from_db()
    assert (token.last_used_at, token.revoked_by) == (None, cast["admin"])


def test_a_request_costs_one_query_and_its_accounts_two_more(
    cast: dict[str, Any], django_assert_num_queries: Any
) -> None:
    _, credentials = make_token(cast["alice"], "demo0001")
    access_with(**basic(credentials))

    with django_assert_num_queries(1):
        access = access_with(**basic(credentials))
    with django_assert_num_queries(3):  # permissions, accounts, what the token is for
        assert [account.api_key for account in access.account_list] == ["demo0001"]
    with django_assert_num_queries(0):
        assert access.account_list


def test_requests_of_a_token_are_limited_and_others_go_on(cast: dict[str, Any], settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    _, credentials = make_token(cast["alice"])
    _, other = make_token(cast["alice"])
    at = timezone.now().replace(second=20, microsecond=0)
    with time_machine.travel(at, tick=False):
        for _ in range(3):
            access_with(**basic(credentials))
        answer = refused(**basic(credentials))
        assert (answer.status, answer.headers) == (429, {"Retry-After": "40"})
        access_with(**basic(other))
    with time_machine.travel(at + timedelta(seconds=40), tick=False):
        access_with(**basic(credentials))


def test_guesses_of_an_address_are_limited_and_good_tokens_pass_beside_them(cast: dict[str, Any]) -> None:
    _, credentials = make_token(cast["alice"])
    with time_machine.travel(timezone.now().replace(second=1), tick=False):
        for _ in range(BAD_GUESSES_PER_MINUTE):
            assert refused(**basic(secret.make()), REMOTE_ADDR="2001:db8::1").status == 401
        answer = refused(**basic(secret.make()), REMOTE_ADDR="2001:db8::2")  # the same machine may have both
        assert (answer.status, list(answer.headers)) == (429, ["Retry-After"])
        assert refused(**basic(secret.make()), REMOTE_ADDR="192.0.2.1").status == 401
        assert access_with(**basic(credentials), REMOTE_ADDR="2001:db8::1")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"HTTP_ORIGIN": "http://testserver", "HTTP_SEC_FETCH_SITE": "same-origin"}, 200),
        ({"HTTP_ORIGIN": "https://evil.example"}, 403),
        ({"HTTP_ORIGIN": "null"}, 403),
        ({"HTTP_ORIGIN": "http://["}, 403),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
    ],
)
def test_foreign_pages_change_nothing(cast: dict[str, Any], headers: dict[str, str], status: int) -> None:
    _, credentials = make_token(cast["alice"])
    request = RequestFactory().post("/api/v1/findings/1", **basic(credentials), **headers)
    try:
        authenticate(request)
        found = 200
    except TokenRefused as error:
        found = error.status
    assert found == status


# --- in a view --------------------------------------------------------------------------------------------------------


@login_not_required
def _view(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"by": authenticate(request).person.username})


@login_not_required
def _failing(request: HttpRequest) -> HttpResponse:
    authenticate(request)
    raise RuntimeError("it broke")


def _broken(*_: Any) -> Any:
    raise RuntimeError("it broke")


urlpatterns = [path("api/working", _view), path("api/failing", _failing), *site_urls.urlpatterns]


def test_browsers_login_does_not_count_and_refusals_are_never_redirects(cast: dict[str, Any]) -> None:
    _, credentials = make_token(cast["alice"])
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["admin"], backend="auditsite.login.Backend")

    assert client.get("/api/v1/token", **basic(credentials)).json()["person"] == "alice"
    for method in (client.get, client.post):
        answer = method("/api/v1/token")
        assert answer.status_code in (401, 405)
        assert "no-store" in answer["Cache-Control"]
    assert client.get("/api/v1/token")["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.urls("tests.tokens.test_authenticate")
def test_access_log_names_the_token_and_neither_log_nor_error_page_has_the_secret(
    cast: dict[str, Any], caplog: pytest.LogCaptureFixture, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, credentials = make_token(cast["alice"])
    client = Client(raise_request_exception=False)
    caplog.set_level("DEBUG")
    pages = []
    for settings.DEBUG in (False, True):
        client.get("/api/working", **basic(credentials))
        for headers in (basic(credentials), bearer(credentials)):
            for failing in ("_failing", "_genuine", "_note_use"):
                if failing != "_failing":
                    monkeypatch.setattr(authenticate_module, failing, _broken)
                answer = client.get("/api/failing", **headers)
                monkeypatch.undo()
                assert answer.status_code == 500
                pages.append(answer.content.decode())
    said = "\n".join([caplog.text, *(record.getMessage() for record in caplog.records), *pages])
    assert f"alice/{token.identifier}" in said
    assert "in _failing" in said  # Django's own page, with what each step knew
    for hidden in (credentials.secret, basic(credentials)["HTTP_AUTHORIZATION"].split()[1]):
        assert hidden not in said
