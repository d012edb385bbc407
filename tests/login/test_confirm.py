"""What asks again who is there, and what does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.login.confirm import ASKS, CHANGE, PAGE
from accounts.models import ApiToken, NexmoAccount
from auditsite.login import first_run
from auditsite.rights.addresses import MODELS, TABLE
from auditsite.rights.who import NO_ONE
from events.detection.rules import own_rules
from events.models import OwnRule, Suppression
from events.operations.demo_data import PASSWORD
from tests.conftest import NOON, add_numbered
from tests.tools.findings import make_finding
from tests.tools.rules import rule_text
from tests.tools.scope import names

Confirmed = Callable[[str], Client]
NO_PACK = "00000000-0000-4000-8000-000000000000"
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "events:account_evidence": ("demo0001",),
    "events:pack_file": (NO_PACK,),
    "events:pack_delete": (NO_PACK,),
    "events:access_export": ("csv",),
    "events:rule_switch": (NO_PACK,),
    "admin:events_ownrule_changelist": (),
}
# What else can be posted to, by the reason why it does not ask.
UNASKED = {
    "nobody is logged in, or no person": """csp_report account_login welcome events:report_stop sso:saml_acs
        mfa_authenticate mfa_login_webauthn events:api_acknowledge events:api_nothing events:nexmo_nothing""",
    "it is what asks": "account_reauthenticate mfa_reauthenticate mfa_reauthenticate_webauthn",
    "it asks for the password itself": "account_change_password",
    "it only leads elsewhere": """home admin_password_change account_signup account_reset_password account_set_password
        account_email admin:password_change admin:login admin:index admin:app_list""",
    "it only logs out, or takes a right away": """account_logout admin:logout accounts:token_revoke
        admin:accounts_apitoken_changelist""",
    "one's own way of reading, for those who see it anyway": """events:dismiss events:star events:accounts
        events:display events:view_new events:view_edit events:view_delete events:view_update events:view_unshare
        admin:events_savedview_delete""",
    "work on what is found: each step has its name and stays in the record": """events:triage
        events:suppression_end events:review_new events:review_retry events:review_discard
        events:review_schedule_new events:review_schedule_edit""",
    "it saves no rule yet": "events:rule_new events:rule_edit",
    "it looks for new events": """events:sync events:check admin:accounts_nexmoaccount_test
        admin:accounts_nexmoaccount_changelist""",
    "it sends only to where a confirmed channel or people with their own sight say": """events:alert_new
        events:alert_edit events:alert_channel_test events:alert_channel_resume events:alert_retry events:report_new
        events:report_edit events:report_pause events:report_resume events:report_preview events:report_receive
        events:stream_test""",
    "what is found goes on being told": "events:report_delete",
}


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def logged_in(cast: dict[str, Any], clock: Any) -> Callable[[str], Client]:
    """A browser in which somebody logged in a while ago, and confirmed nothing since."""

    def as_user(name: str) -> Client:
        client = Client()
        client.post("/login/", {"login": name, "password": PASSWORD})
        clock.shift(timedelta(minutes=15))
        return client

    return as_user


def address(name: str) -> str:
    for arguments in (ARGUMENTS.get(name, ()), (98765,)):
        try:
            return reverse(name, args=arguments)
        except Exception:  # noqa: BLE001, S112 - the other one fits
            continue
    raise AssertionError(name)


def asked(answer: Any) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/login/confirm/?next=")


def test_every_declared_path_asks(logged_in: Confirmed, confirmed: Confirmed) -> None:
    new, old = logged_in("admin"), confirmed("admin")

    assert set(ASKS) <= set(names()), "each is the name of a view"
    for name, methods in ASKS.items():
        path = address(name)
        for method in ("get", "post"):
            asks = method.upper() in methods
            assert asked(getattr(new, method)(path)) is asks, (method, path)
            assert not asked(getattr(old, method)(path)), (method, path)
    assert {PAGE, CHANGE} == set(ASKS.values())


def test_whatever_can_be_posted_to_asks_or_has_a_reason_not_to() -> None:
    changing = {name for name, changes in changelists().items() if changes}
    of_models = {f"admin:{model}_{page}" for model in MODELS for page in ("changelist", "history")}
    posted = {name for name, row in TABLE.items() if row.post and row.post is not NO_ONE}
    posted -= {name for name in posted if name.startswith("/")} | (of_models - changing)
    unasked = [name for listed in UNASKED.values() for name in listed.split()]

    assert len(unasked) == len(set(unasked))
    asks = {name for name, methods in ASKS.items() if "POST" in methods}
    assert asks.isdisjoint(unasked)
    assert posted - asks == set(unasked)


def changelists() -> dict[str, bool]:
    """The admin's lists, and whether anything can be changed from them."""
    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    return {
        f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist": bool(
            admin.get_actions(request) or admin.list_editable
        )
        for model, admin in site._registry.items()
    }


def test_several_rules_are_switched_after_a_confirmation(
    logged_in: Confirmed, confirmed: Confirmed, cast: dict[str, Any]
) -> None:
    own = own_rules.save(rule_text(), cast["admin"])
    own_rules.switch_own(own, cast["admin"], on=True)
    form = {"action": "disable", "_selected_action": [own.pk]}

    assert asked(logged_in("admin").post("/admin/events/ownrule/", form))
    assert OwnRule.objects.get().is_enabled
    confirmed("admin").post("/admin/events/ownrule/", form)
    assert not OwnRule.objects.get().is_enabled


def test_findings_are_suppressed_after_a_confirmation_and_nothing_typed_is_lost(
    confirmed: Confirmed, account: NexmoAccount, add_event: Any, clock: Any
) -> None:
    finding = make_finding([add_event(account, 1)])
    path, admin = f"/findings/{finding.pk}/suppress", confirmed("admin")
    mark = mark_on(admin.get(path))
    clock.shift(timedelta(hours=1))

    sent = admin.post(path, {"kept_form": mark, "fields_": ["user_email"], "span": "", "reason": "Our own office"})
    assert asked(sent)
    back = admin.post(sent["Location"], {"password": PASSWORD, "next": path})
    page = admin.get(back["Location"]).content.decode()

    assert "Our own office" in page
    assert "because you had to confirm who you are" in page
    assert not Suppression.objects.exists()


def test_form_that_is_too_long_to_be_kept_says_so(confirmed: Confirmed, clock: Any) -> None:
    admin = confirmed("admin")
    mark = mark_on(admin.get("/profile/tokens/new"))
    clock.shift(timedelta(hours=1))

    sent = admin.post("/profile/tokens/new", {"kept_form": mark, "name": "x" * 25_000})

    assert asked(sent)
    assert "could not be kept: it is longer than 20,000 characters" in admin.get(sent["Location"]).content.decode()


@pytest.mark.parametrize("path", ["totp/activate/", "webauthn/add/", "recovery-codes/generate/"])
def test_login_counts_for_a_time_before_ones_own_factors_too(
    db: None, cast: dict[str, Any], clock: Any, path: str
) -> None:
    client = Client()
    client.post("/login/", {"login": "bob", "password": PASSWORD})

    assert "/login/confirm/" not in client.get(f"/profile/second-factor/{path}").get("Location", "")
    clock.shift(timedelta(minutes=15))
    assert client.get(f"/profile/second-factor/{path}")["Location"].startswith("/login/confirm/?next=")


def test_confirmation_counts_for_a_time(logged_in: Confirmed, clock: Any) -> None:
    bob = logged_in("bob")
    assert asked(bob.get("/profile/tokens/new"))

    wrong = bob.post("/login/confirm/", {"password": "wrong", "next": "/profile/tokens/new"})
    assert (wrong.status_code, asked(bob.get("/profile/tokens/new"))) == (200, True)
    right = bob.post("/login/confirm/", {"password": PASSWORD, "next": "/profile/tokens/new"})
    assert right["Location"] == "/profile/tokens/new"

    clock.shift(timedelta(minutes=14))
    assert not asked(bob.get("/profile/tokens/new"))
    clock.shift(timedelta(minutes=1))
    assert asked(bob.get("/profile/tokens/new"))


def test_form_is_filled_in_again_and_not_sent(logged_in: Confirmed, confirmed: Confirmed, clock: Any) -> None:
    bob = confirmed("bob")
    mark = mark_on(bob.get("/profile/tokens/new"))
    clock.shift(timedelta(hours=1))

    sent = bob.post("/profile/tokens/new", {"kept_form": mark, "name": "Nightly report", "days": "30"})
    assert asked(sent)
    back = bob.post(sent["Location"], {"password": PASSWORD, "next": "/profile/tokens/new"})

    page = bob.get(back["Location"]).content.decode()
    assert "Nightly report" in page
    assert "because you had to confirm who you are" in page
    assert not ApiToken.objects.exists()


def mark_on(page: Any) -> str:
    text: str = page.content.decode()
    return text.split('name="kept_form" value="')[1].split('"')[0]


def test_admins_form_is_filled_in_again_without_its_secrets(
    confirmed: Confirmed, account: NexmoAccount, clock: Any
) -> None:
    admin = confirmed("admin")
    path = f"/admin/accounts/nexmoaccount/{account.pk}/change/"
    mark = mark_on(admin.get(path))
    clock.shift(timedelta(hours=1))
    fields = {"name": "Renamed shop", "api_key": "demo0001", "owner": account.owner_id, "is_active": "on"}

    sent = admin.post(path, fields | {"kept_form": mark, "api_secret": "a-new-secret-of-nexmo"})
    assert asked(sent)
    assert "a-new-secret" not in repr(dict(admin.session))
    back = admin.post(sent["Location"], {"password": PASSWORD, "next": path})
    page = admin.get(back["Location"]).content.decode()

    assert 'value="Renamed shop"' in page
    assert "a-new-secret" not in page
    assert "Enter secrets and passwords again" in page
    account.refresh_from_db()
    assert account.name != "Renamed shop"
    assert admin.post(path, fields | {"api_secret": "a-new-secret-of-nexmo"})["Location"].endswith("/nexmoaccount/")
    account.refresh_from_db()
    assert account.name == "Renamed shop"


@pytest.mark.parametrize(
    ("path", "kept", "secrets"),
    [
        ("/alerts/channels/new?kind=webhook", {"name": "On call"}, ("secret_address", "secret_signing")),
        ("/streams/new?kind=webhook", {"name": "To the SIEM", "format": "flat"}, ("address", "secret")),
        ("/streams/new?kind=splunk", {"name": "Splunk", "address": "https://splunk.example.com:8088"}, ("secret",)),
        ("/streams/new?kind=bulk", {"name": "Elastic", "index": "audit"}, ("address", "secret")),
    ],
)
def test_form_of_a_channel_or_stream_is_filled_in_again_without_its_secrets(
    confirmed: Confirmed, clock: Any, path: str, kept: dict[str, str], secrets: tuple[str, ...]
) -> None:
    admin = confirmed("admin")
    mark = mark_on(admin.get(path))
    clock.shift(timedelta(hours=1))
    typed = {name: f"https://user:s3cr3t-{name}@hooks.example.com/T0" for name in secrets}

    sent = admin.post(path, kept | typed | {"kept_form": mark})
    assert asked(sent)
    assert "s3cr3t" not in repr(dict(admin.session))
    back = admin.post(sent["Location"], {"password": PASSWORD, "next": path})
    assert back["Location"] == path
    page = admin.get(path).content.decode()

    for value in kept.values():
        assert f'value="{value}"' in page
    assert "s3cr3t" not in page
    assert "Enter secrets and passwords again" in page


def test_rights_are_changed_after_a_confirmation(confirmed: Confirmed, cast: dict[str, Any], clock: Any) -> None:
    admin = confirmed("admin")
    path = f"/admin/auth/user/{cast['bob'].pk}/change/"
    mark = mark_on(admin.get(path))
    clock.shift(timedelta(hours=1))

    sent = admin.post(path, {"kept_form": mark, "username": "bob", "is_active": "on", "is_superuser": "on"})
    assert asked(sent)
    assert not User.objects.get(username="bob").is_superuser
    admin.post(sent["Location"], {"password": PASSWORD, "next": path})

    (box,) = re.findall(r'<input[^>]*name="is_superuser"[^>]*>', admin.get(path).content.decode())
    assert "checked" in box
    assert not User.objects.get(username="bob").is_superuser


def test_button_is_pressed_again(logged_in: Confirmed) -> None:
    audrey = logged_in("audrey")

    sent = audrey.post(
        "/events/evidence.zip?source=CD", headers={"Referer": "http://testserver/events/export?source=CD"}
    )

    assert sent["Location"] == "/login/confirm/?next=%2Fevents%2Fexport%3Fsource%3DCD"
    page = audrey.get(sent["Location"]).content.decode()
    assert "press the button again" in page


def test_part_of_a_page_becomes_a_notice(logged_in: Confirmed) -> None:
    page = {"HX-Request": "true", "HX-Current-URL": "http://testserver/profile/tokens/"}

    answer = logged_in("bob").get("/profile/tokens/new", headers=page)

    assert (answer.status_code, answer["HX-Retarget"]) == (286, "#notice")
    assert b'href="/login/confirm/?next=%2Fprofile%2Ftokens%2F"' in answer.content


# --- exports ----------------------------------------------------------------------------------------------------------


def test_large_exports_ask_and_others_do_not(
    logged_in: Confirmed, confirmed: Confirmed, account: NexmoAccount, settings: Any
) -> None:
    settings.REAUTHENTICATE_ROWS = 20
    add_numbered(account, range(20))
    bob = logged_in("bob")
    assert body_of(bob.get("/events/export.csv"))
    add_numbered(account, range(20, 21))

    asking = bob.get("/events/export.csv?source=CD&columns=created_at&job=x")

    assert asking["Location"] == "/login/confirm/?next=%2Fevents%2Fexport%3Fsource%3DCD%26columns%3Dcreated_at"
    assert "Exports of more than 20 rows" in bob.get(asking["Location"]).content.decode()
    assert asked(bob.get("/accounts/demo0001/events/export.xlsx"))
    assert body_of(bob.get("/events/export.csv?source_ip=192.0.2.99")) is not None, "what matches little"
    assert bob.get("/events/").status_code == 200
    assert bob.get("/events/export").status_code == 200
    assert body_of(confirmed("bob").get("/events/export.csv"))


def body_of(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.get("Location")
    return b"".join(answer.streaming_content)


def test_what_cannot_be_counted_asks_as_if_it_were_all(
    logged_in: Confirmed, account: NexmoAccount, settings: Any
) -> None:
    settings.REAUTHENTICATE_ROWS = 20
    add_numbered(account, range(30))

    assert asked(logged_in("bob").get("/events/export.csv?search_text=number"))


# --- people without a password ----------------------------------------------------------------------------------------


def by_single_sign_on(person: User) -> Client:
    person.set_unusable_password()
    person.save()
    client = Client()
    client.force_login(person, backend="auditsite.login.Backend")
    session = client.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": NOON.timestamp()}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    return client


@pytest.mark.parametrize("path", ["/profile/tokens/new", "/profile/second-factor/totp/activate/"])
def test_login_by_single_sign_on_counts_for_as_long_and_then_no_more(
    cast: dict[str, Any], clock: Any, path: str
) -> None:
    bob = by_single_sign_on(cast["bob"])
    assert bob.get(path).status_code == 200
    clock.shift(timedelta(minutes=16))

    asking = bob.get(path)

    assert asked(asking), "never passed unasked"
    page = bob.get(asking["Location"])
    assert page.status_code == 403
    assert (
        "Log in again: that counts for 15 minutes from when your provider says that it asked you."
        in page.content.decode()
    )


def test_password_that_counts_for_nothing_is_not_asked_for(logged_in: Confirmed, settings: Any) -> None:
    bob, admin = logged_in("bob"), logged_in("admin")
    settings.LOCAL_LOGIN = "superusers"

    assert bob.get("/login/confirm/").status_code == 403
    assert admin.get("/login/confirm/").status_code == 200


def test_first_administrator_is_not_asked_for_what_they_typed_just_now(db: None) -> None:
    client = Client()
    password = "correct-horse-battery-9"
    form = {"username": "ada", "email": "ada@example.com", "password1": password, "password2": password}

    made = client.post(f"/welcome/?token={first_run.invite()}", form)

    assert made["Location"] == "/accounts/new"
    assert client.get("/accounts/new").status_code == 200
