"""The whole cast over every path there is, and how an event's path finds it."""

from __future__ import annotations

import html
import posixpath
import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent
from tests.conftest import PASSWORD
from tests.tools.export import KINDS, body
from tests.tools.scope import CAST, KEYS, SEES, Add, Login, error_text, names, shown_ids

NO_PACK = NO_RULE = "00000000-0000-4000-8000-000000000000"
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
    "readyz": {"/readyz": (503,) * 6},  # no worker runs
    "metrics": {"/metrics": (401, 401, 401, 401, 200, 200)},  # who sees everything, without a token
    "admin_redirect": {"/admin/r/1/1/": everybody(404)},
    "events:evidence": {"/events/evidence.zip": everybody(405)},  # POST
    "events:account_evidence": {"/accounts/demo0001/events/evidence.zip": everybody(405)},
    # Packs that somebody asked for have tests of their own: tests/evidence/test_pages.
    "events:packs": {"/evidence/": (302, 403, 403, 403, 200, 200)},
    "events:pack": {f"/evidence/{NO_PACK}/": everybody(404)},
    "events:pack_file": {f"/evidence/{NO_PACK}/pack.zip": everybody(404)},
    "events:pack_delete": {f"/evidence/{NO_PACK}/delete": everybody(405)},  # POST
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
    "events:summary": {"/events/summary": everybody(200)},
    "events:account_summary": by_account("/accounts/{}/events/summary"),
    "events:export_page": {"/events/export": everybody(200)},
    "events:account_export_page": by_account("/accounts/{}/events/export"),
    "events:export_progress": {"/events/export/progress?job=0123456789abcdef0123456789abcdef": everybody(404)},
    "events:news": {"/events/news": everybody(200)},
    "events:account_news": by_account("/accounts/{}/events/news"),
    "events:suggest": {"/events/suggest": everybody(200)},
    "events:account_suggest": by_account("/accounts/{}/events/suggest"),
    "events:dismiss": {"/events/worth-a-look/dismiss": everybody(405)},  # POST
    "events:display": {"/profile/display": everybody(200)},
    "events:access": {"/access/": (302, 403, 403, 403, 200, 200)},
    "events:access_export": {
        "/access/export.csv": (302, 403, 403, 403, 200, 200),
        "/access/export.pdf": (302, 403, 403, 403, 404, 404),
    },
    "events:activity": {"/profile/activity/": everybody(200)},
    "asset": {f"/assets/site-0123456789ab.{kind}": (200,) * 6 for kind in ("css", "js")},
    # Views that somebody made have tests of their own: test_scope_views.
    "events:views": {"/views/": everybody(200)},
    "events:view_new": {"/views/new": everybody(200), "/views/new?query=source%3DCD": everybody(200)},
    "events:star": {"/views/star": everybody(405)},  # POST
    "events:view": {f"/views/{pk}/": everybody(404) for pk in (98765, "9" * 30)},
    "events:view_edit": {"/views/98765/edit": everybody(404)},
    "events:view_update": {"/views/98765/update": everybody(405)},  # POST: see tests/scope/test_views
    # What a rule's pages show to whom: tests/views/test_rules and test_rule_editor.
    "events:rules": {"/rules/": everybody(200)},
    "events:rule": {f"/rules/{NO_RULE}/": everybody(404)},
    "events:rule_switch": {f"/rules/{NO_RULE}/switch": everybody(405)},  # POST
    "events:rule_version": {f"/rules/{NO_RULE}/versions/{number}/": everybody(404) for number in (1, "9" * 30)},
    "events:rule_new": {"/rules/new": (302, 403, 403, 403, 403, 200)},
    "events:rule_edit": {f"/rules/{NO_RULE}/edit": (302, 403, 403, 403, 403, 404)},
    "events:rule_trial": {f"/rules/trial/{pk}/": (302, 403, 403, 403, 403, 404) for pk in (98765, "9" * 30)},
    "events:rule_save": {"/rules/trial/98765/save": everybody(405)},  # POST
    # Findings that there are have tests of their own: tests/scope/test_findings.
    "events:findings": {"/findings/": everybody(200), "/findings/?account=demo0005&state=all": everybody(200)},
    "events:finding": {f"/findings/{number}/": everybody(404) for number in (98765, "9" * 30)},
    "events:triage": {"/findings/triage": everybody(405)},  # POST
    "events:suppress": {"/findings/98765/suppress": everybody(404)},
    "events:suppressions": {"/findings/suppressions/": everybody(200)},
    "events:suppression_end": {"/findings/suppressions/98765/end": everybody(405)},  # POST
    "events:search_help": {"/help/search/": everybody(200)},
    "events:view_delete": {"/views/98765/delete": everybody(404)},
    "events:view_unshare": {"/views/98765/unshare": everybody(404)},
    # Reviews that somebody signed off, and schedules, have tests of their own: tests/reviews.
    "events:reviews": {"/reviews/": everybody(200), "/reviews/?person=x&before=nonsense": everybody(200)},
    "events:review_new": {
        "/reviews/new": everybody(200),
        "/reviews/new?account=demo0005": (302, 400, 400, 400, 200, 200),
        **{f"/reviews/new?due={pk}": everybody(404) for pk in (98765, "9" * 30)},
    },
    "events:review_schedules": {"/reviews/schedules/": everybody(200)},
    "events:review_schedule_new": dict.fromkeys(
        ("/reviews/schedules/new", "/reviews/schedules/new?view=98765"), everybody(200)
    ),
    "events:review_schedule_edit": {f"/reviews/schedules/{pk}/edit": everybody(404) for pk in (98765, "9" * 30)},
    "events:review": {f"/reviews/{NO_PACK}/": everybody(404)},
    "events:review_file": {f"/reviews/{NO_PACK}/review.ndjson": everybody(404)},
    "events:review_retry": {f"/reviews/{NO_PACK}/retry": everybody(405)},  # POST
    "events:review_discard": {f"/reviews/{NO_PACK}/discard": everybody(405)},  # POST
    # Channels and subscriptions that somebody made have tests of their own: tests/alerts/test_pages.
    "events:alerts": {"/alerts/": everybody(200)},
    "events:alert_log": {"/alerts/log": everybody(200)},
    "events:alert_retry": {"/alerts/log/98765/retry": everybody(405)},  # POST
    "events:alert_new": {"/alerts/new": everybody(200)},
    "events:alert_edit": {"/alerts/98765/edit": everybody(404)},
    "events:alert_delete": {"/alerts/98765/delete": everybody(404)},
    "events:alert_channel_new": {
        "/alerts/channels/new": everybody(200),
        "/alerts/channels/new?kind=slack": everybody(200),
    },
    "events:alert_channel": {f"/alerts/channels/{pk}/": everybody(404) for pk in (98765, "9" * 30)},
    "events:alert_channel_edit": {"/alerts/channels/98765/edit": everybody(404)},
    "events:alert_channel_test": {"/alerts/channels/98765/test": everybody(405)},  # POST
    "events:alert_channel_resume": {"/alerts/channels/98765/resume": everybody(405)},  # POST
    "events:alert_channel_secret": {"/alerts/channels/98765/secret": everybody(405)},  # POST
    "events:alert_channel_delete": {"/alerts/channels/98765/delete": everybody(404)},
    # Reports that somebody made have tests of their own: tests/reports/test_pages.
    "events:reports": {"/reports/": everybody(200)},
    "events:report_new": dict.fromkeys(("/reports/new", "/reports/new?view=98765"), everybody(200)),
    "events:report": {f"/reports/{pk}/": everybody(404) for pk in (98765, "9" * 30)},
    "events:report_edit": {"/reports/98765/edit": everybody(404)},
    "events:report_preview": {"/reports/98765/preview": everybody(405)},  # POST
    "events:report_pause": {"/reports/98765/pause": everybody(405)},  # POST
    "events:report_resume": {"/reports/98765/resume": everybody(405)},  # POST
    "events:report_receive": {"/reports/98765/receive": everybody(405)},  # POST
    "events:report_delete": {"/reports/98765/delete": everybody(404)},
    "events:report_stop": {"/reports/stop/1-1:forged": (404,) * 6},  # the link is what it takes
    # Streams that somebody made have tests of their own: tests/streams/test_pages.
    "events:streams": {"/streams/": (302, 200, 403, 403, 403, 200)},
    "events:stream_new": dict.fromkeys(("/streams/new", "/streams/new?kind=webhook"), (302, 200, 403, 403, 403, 200)),
    "events:stream": {f"/streams/{pk}/": everybody(404) for pk in (98765, "9" * 30)},
    "events:stream_edit": {"/streams/98765/edit": everybody(404)},
    "events:stream_test": {"/streams/98765/test": everybody(405)},  # POST
    "events:stream_pause": {"/streams/98765/pause": everybody(405)},  # POST
    "events:stream_resume": {"/streams/98765/resume": everybody(405)},  # POST
    "events:stream_replay": {"/streams/98765/replay": everybody(405)},  # POST
    "events:stream_delete": {"/streams/98765/delete": everybody(404)},
    # All events of the fixture are of one user, address and number.
    "events:about": {
        path: everybody(200)
        for path in ("/about/user/yourname@example.com", "/about/ip/192.0.2.1", "/about/number/447700900000")
    }
    | {"/about/application/none-such": everybody(404), "/about/account/demo0001": everybody(404)},
    "events:session": {path: everybody(200) for path in ("/session/user/yourname@example.com", "/session/ip/192.0.2.1")}
    | {"/session/number/447700900000": everybody(404), "/session/user/none@example.com": everybody(404)},
    # For programs: whoever is logged in is nobody there. What tokens see: tests/api/test_scope.
    "events:api_reference": {"/api/": everybody(200)},
    "events:api_document": {"/api/openapi.json": (200,) * 6},
    **{
        f"events:{name}": {path: (401,) * 6}
        for name, path in {
            "nexmo_events": "/beta/audit/events",
            "nexmo_event": "/beta/audit/events/of-demo0001",
            "nexmo_nothing": "/beta/audit/nonsense",
            "api_events": "/api/v1/events",
            "api_accounts": "/api/v1/accounts/",
            "api_account": "/api/v1/accounts/demo0001",
            "api_findings": "/api/v1/findings/",
            "api_finding": "/api/v1/findings/98765",
            "api_views": "/api/v1/views/",
            "api_view_events": "/api/v1/views/numbers/events",
            "api_token": "/api/v1/token",
            "api_nothing": "/api/nonsense",
        }.items()
    },
    "events:api_acknowledge": {"/api/v1/findings/98765/acknowledge": (405,) * 6},  # POST
    "events:accounts": {"/accounts/": everybody(200)},
    "events:account_new": {"/accounts/new": (302, 200, 403, 403, 403, 200)},
    # Teams that somebody is in have tests of their own: tests/scope/test_teams.
    "accounts:teams": {"/teams/": everybody(200)},
    "accounts:team": {f"/teams/{pk}/": everybody(404) for pk in (98765, "9" * 30)},
    # Tokens that somebody has have tests of their own: tests/tokens/test_pages.
    "accounts:tokens": {"/profile/tokens/": everybody(200)},
    "accounts:token_new": {"/profile/tokens/new": everybody(302)},  # asks for the password first
    "accounts:others_tokens": {"/tokens/": everybody(200)},
    "accounts:token_revoke": {"/tokens/abcdefghjkmn/revoke": everybody(404)},
    "accounts:account_tokens": {
        "/accounts/demo0001/tokens/": (302, 200, 404, 404, 200, 200),  # its owner, and who sees everything
        "/accounts/demo0003/tokens/": (302, 404, 404, 200, 200, 200),
        "/accounts/nosuchkey/tokens/": everybody(404),
    },
    "events:account": by_account("/accounts/{}/"),
    "events:sync": {f"/accounts/{key}/sync/": everybody(405) for key in ("demo0001", "nosuchkey")},  # POST: see below
    "events:account_list": by_account("/accounts/{}/events/"),
    "events:account_export": {
        path: row for kind in KINDS for path, row in by_account(f"/accounts/{{}}/events/export.{kind}").items()
    },
    "events:event": by_account("/accounts/{0}/events/of-{0}/")
    | {"/accounts/demo0001/events/of-demo0002/": everybody(404)},
    "welcome": {"/welcome/": (404,) * 6},  # somebody exists: see tests/auditsite/test_first_run
    "account_login": {"/login/": (200, 302, 302, 302, 302, 302)},
    "account_logout": {"/logout/": everybody(200)},
    "account_inactive": {"/login/inactive/": (200,) * 6},
    "account_reauthenticate": {"/login/confirm/": everybody(200)},
    "account_change_password": {"/profile/password/": everybody(200)},
    "admin_password_change": {"/admin/password_change/": everybody(302)},
    "admin_password_change_done": {"/admin/password_change/done/": everybody(404)},
    "account_signup": {"/login/none/": (302,) * 6},
    "account_reset_password": {"/login/none/": (302,) * 6},
    "account_set_password": {"/login/none/": (302,) * 6},
    "account_email": {"/login/none/": (302,) * 6},
    # No provider is set up here: see tests/sso.
    "csp_report": {"/csp-report": (405,) * 6},  # POST
    "sso:openid": {"/sso/openid/": (404,) * 6},
    "sso:openid_callback": {"/sso/openid/callback/": (404,) * 6},
    "sso:saml": {"/sso/saml/": (404,) * 6},
    "sso:saml_acs": {"/sso/saml/acs/": (404,) * 6},
    "sso:saml_finish": {"/sso/saml/finish/": (404,) * 6},
    "sso:saml_metadata": {"/sso/saml/metadata/": (404,) * 6},
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
OPEN = (
    "/csp-report",
    *(path for name, rows in EXPECTED.items() if name.startswith("sso:") for path in rows),
    "/api/openapi.json",
    "/assets/site-0123456789ab.css",
    "/assets/site-0123456789ab.js",
    "/login/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/login/inactive/",
    "/welcome/",
    "/reports/stop/1-1:forged",
)


def status_of(client: Client, path: str) -> int:
    response = client.get(path)
    body(response)  # a file is closed once it is read
    return response.status_code


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
    paths = {
        path for rows in EXPECTED.values() for path in rows if not path.startswith(("/beta/", "/api/v1/", "/api/n"))
    } - set(OPEN)
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
    response = client.get("/static/auditsite/tokens.css")

    assert response.status_code == 200
    assert body(response)


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


def as_proxies_read(address: str) -> str:
    """The path, with its percent signs read, steps back taken and slashes merged."""
    path = unquote(address.partition("?")[0])
    return posixpath.normpath(path) + ("/" if path.endswith("/") else "")


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
        ".",
        "x/../../../login/",
        "/../",
        "a//b",
        "%2e%2e/x",
        "a/%2e%2e/x",
        "~2F",
        "~7E2F/../~",
        "x/../check",
        "\\..\\x",
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
    event = AuditEvent.objects.select_related("account").get()
    for address in (html.unescape(link), event.get_absolute_url()):
        assert as_proxies_read(address) == unquote(address.partition("?")[0])
        opened = client.get(address)
        assert (opened.status_code, opened.context["event"].event_id) == (200, event_id)


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
    assert error_text(client.get("/events/?account=demo0005"), "account") == ("No account demo0005 is visible to you.")


def test_password_of_the_cast_logs_in(client: Client, cast: dict[str, Any]) -> None:
    response = client.post("/login/", {"login": "bob", "password": PASSWORD})

    assert response["Location"] == "/events/"
