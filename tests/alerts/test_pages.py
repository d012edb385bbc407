"""The pages of alerts: who may set up what, and what is told there; secrets are taken and never shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook

from accounts.models import NexmoAccount
from events.alerts import channels, deliver
from events.alerts.sending import send
from events.models import BackgroundJob, Channel, Delivery, SavedView, Subscription
from tests.alerts.conftest import SECRET
from tests.tools.scope import Login

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]
SLACK = "https://hooks.slack.com/services/T0/B0/hunter2hunter2"
WHOLE = {"what": "severity", "severity": "3", "all_accounts": "on", "pace": "at_once", "critical_always": "on"}


def text(response: Any) -> str:
    return response.content.decode()  # type: ignore[no-any-return]


def errors(response: Any) -> dict[str, str]:
    return dict(re.findall(r'id="error-(\w+)"[^>]*>(.*?)</p>', text(response), re.DOTALL))


# --- channels ---------------------------------------------------------------------------------------------------------


def add_channel(client: Client, kind: str, **fields: str) -> Any:
    return client.post(f"/alerts/channels/new?kind={kind}", {"name": "Hook", **fields})


def test_secret_parts_are_encrypted_and_never_come_back(login: Login) -> None:
    client = login("alice")
    assert add_channel(client, "slack", secret_address=SLACK).status_code == 302
    channel = Channel.objects.get()
    stored = Channel.objects.values_list("address", flat=True).get()
    assert "hunter2" not in repr(stored)
    assert channel.address == SLACK
    for path in ("/alerts/", f"/alerts/channels/{channel.pk}/", f"/alerts/channels/{channel.pk}/edit"):
        assert "hunter2" not in text(client.get(path))
    wrong = client.post(f"/alerts/channels/{channel.pk}/edit", {"name": "", "secret_address": SLACK})
    assert "hunter2" not in text(wrong)


def test_address_that_is_left_empty_stays(login: Login) -> None:
    client = login("alice")
    add_channel(client, "slack", secret_address=SLACK)
    pk = Channel.objects.get().pk
    client.post(f"/alerts/channels/{pk}/edit", {"name": "Other", "secret_address": "", "is_active": "on"})
    channel = Channel.objects.get()
    assert (channel.name, channel.address, channel.is_active) == ("Other", SLACK, True)


def test_another_address_begins_with_a_clean_record(login: Login, make_channel: Make) -> None:
    channel = make_channel(kind="slack", address=SLACK, failures=30, problem="http 404", paused_at=timezone.now())
    login("alice").post(
        f"/alerts/channels/{channel.pk}/edit", {"name": "X", "secret_address": SLACK + "x", "is_active": "on"}
    )
    channel.refresh_from_db()
    assert (channel.failures, channel.problem, channel.paused_at) == (0, "", None)


def test_webhooks_secret_is_shown_once(login: Login, httpserver: HTTPServer) -> None:
    client = login("alice")
    answer = add_channel(client, "webhook", secret_address=httpserver.url_for("/hook"))
    shown = re.search(r"whsec_[A-Za-z0-9+/=]+", text(answer))
    assert shown
    assert shown[0] == Channel.objects.get().secret
    pk = Channel.objects.get().pk
    for path in (f"/alerts/channels/{pk}/", f"/alerts/channels/{pk}/edit", "/alerts/"):
        assert "whsec_" not in text(client.get(path)).replace("whsec_ and", "")
    again = client.post(f"/alerts/channels/{pk}/secret")
    channel = Channel.objects.get()
    assert channel.secret in text(again)
    assert (channel.secret != shown[0], channel.old_secret) == (True, shown[0])


def test_webhooks_own_secret_can_be_given(login: Login) -> None:
    client = login("alice")
    answer = add_channel(client, "webhook", secret_address="https://h.example.com/", secret_signing="whsec_x")
    assert "secret_signing" in errors(answer)
    add_channel(client, "webhook", secret_address="https://h.example.com/", secret_signing=SECRET)
    assert Channel.objects.get().secret == SECRET


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("webhook", "http://hooks.example.com/"), ("webhook", "https://10.0.0.1/"), ("webhook", "https://localhost/"),
        ("webhook", "https://0x0a000001/"), ("webhook", "https://[::ffff:10.0.0.1]/"), ("webhook", "https://intranet/"),
        ("webhook", "https://u:p@hooks.example.com/"), ("webhook", "https://hooks.example.com:22/"),
        ("webhook", "ftp://hooks.example.com/"), ("webhook", "https://hooks.example.com:x/"),
        ("webhook", "https://a b.example.com/"),
        ("slack", "https://hooks.slack.com.evil.example/services/T/B/x"), ("slack", "https://example.com/"),
        ("teams", "https://logic.azure.com.evil.example/workflows/x"),
        ("teams", "http://x.logic.azure.com/workflows/x"),
        ("pagerduty", "short"), ("pagerduty", "asia:" + "a" * 32),
        ("other", "syslog://"), ("other", "dbus://"), ("other", "exec://x"), ("other", "no address"),
        ("other", "slack://T/B/x?template=/etc/passwd"), ("other", "jsons://h.example.com/?verify=no"),
    ],
)  # fmt: skip
def test_address_that_cannot_be_used_is_refused_with_a_reason(
    login: Login, monkeypatch: pytest.MonkeyPatch, settings: Any, kind: str, address: str
) -> None:
    settings.ALERT_TARGETS = ["chat.internal"]
    monkeypatch.setattr(send, "ask_apprise", lambda asked: {"known": False})
    answer = add_channel(login("alice"), kind, secret_address=address)
    assert "secret_address" in errors(answer)
    assert not Channel.objects.exists()


def test_other_address_is_shown_to_apprise_first(login: Login) -> None:
    """With the process itself."""
    client = login("alice")
    assert add_channel(client, "other", secret_address="ntfys://hunter2").status_code == 302
    channel = Channel.objects.get()
    assert (channel.address, channel.shown) == ("ntfys://hunter2", "ntfy (ntfys://)")


def test_mail_is_offered_where_there_is_a_server(login: Login, settings: Any) -> None:
    client = login("alice")
    assert "kind=mail" not in text(client.get("/alerts/channels/new"))
    settings.ALERT_MAIL_SERVER = "smtps://mail.example.com"
    assert "kind=mail" in text(client.get("/alerts/channels/new"))
    assert "secret_address" in errors(add_channel(client, "mail", secret_address="no address"))
    assert add_channel(client, "mail", secret_address="a@example.com").status_code == 302
    assert "a@example.com" in text(client.get("/alerts/"))


# --- whose they are ---------------------------------------------------------------------------------------------------

CHANGES = ("test", "resume", "secret")
PAGES = ("", "edit", "delete")


def statuses(client: Client, channel: Channel) -> set[int]:
    base = f"/alerts/channels/{channel.pk}/"
    return {client.get(base + page).status_code for page in PAGES} | {
        client.post(base + change).status_code for change in (*CHANGES, "edit", "delete")
    }


@pytest.mark.parametrize("person", ["bob", "charlie", "audrey", "admin"])
def test_own_channel_exists_for_nobody_else(login: Login, make_channel: Make, subscribe: Make, person: str) -> None:
    subscription = subscribe(make_channel("alice", name="Alices own"))
    client = login(person)
    assert statuses(client, subscription.channel) == {404}
    assert client.get(f"/alerts/{subscription.pk}/edit").status_code == 404
    assert client.post(f"/alerts/{subscription.pk}/delete").status_code == 404
    assert "Alices own" not in text(client.get("/alerts/")) + text(client.get("/alerts/log"))


def test_teams_channel_is_changed_by_members_who_may_triage_and_read_by_the_others(
    cast: Any, login: Login, team: Group, make_channel: Make, subscribe: Make
) -> None:
    channel = make_channel(team, name="Ours")
    subscription = subscribe(channel)
    cast["alice"].user_permissions.clear()
    alice, bob = login("alice"), login("bob")

    assert "Ours" in text(alice.get("/alerts/"))
    assert alice.get(f"/alerts/channels/{channel.pk}/").status_code == 200
    assert f'action="/alerts/channels/{channel.pk}/' not in text(alice.get(f"/alerts/channels/{channel.pk}/"))
    for change in (*CHANGES, "edit", "delete"):
        assert alice.post(f"/alerts/channels/{channel.pk}/{change}").status_code == 404
    assert alice.get(f"/alerts/{subscription.pk}/edit").status_code == 404
    assert bob.get(f"/alerts/channels/{channel.pk}/edit").status_code == 200
    assert bob.get(f"/alerts/{subscription.pk}/edit").status_code == 200
    for stranger in ("charlie", "audrey"):
        assert statuses(login(stranger), channel) == {404}


def test_whoever_may_not_triage_is_offered_no_team(login: Login, team: Group, cast: Any) -> None:
    assert 'name="holder"' in text(login("bob").get("/alerts/channels/new?kind=slack"))
    cast["bob"].user_permissions.clear()
    client = login("bob")
    assert 'name="holder"' not in text(client.get("/alerts/channels/new?kind=slack"))
    add_channel(client, "slack", secret_address=SLACK, holder=str(team.pk))
    assert Channel.objects.get().owner == cast["bob"]


def test_team_that_one_is_not_in_cannot_be_chosen(login: Login, team: Group, cast: Any) -> None:
    foreign = Group.objects.create(name="Foreign")
    answer = add_channel(login("bob"), "slack", secret_address=SLACK, holder=str(foreign.pk), language="en")
    assert "holder" in errors(answer)
    assert not Channel.objects.exists()


def test_auditor_may_have_personal_ones(login: Login, cast: Any) -> None:
    client = login("audrey")
    assert add_channel(client, "slack", secret_address=SLACK).status_code == 302
    channel = Channel.objects.get(owner=cast["audrey"])
    assert client.post("/alerts/new", {**WHOLE, "channel": channel.pk}).status_code == 302
    assert Subscription.objects.get().owner == cast["audrey"]


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_subscription_belongs_to_whom_its_channel_belongs_to(
    login: Login, team: Group, make_channel: Make, cast: Any
) -> None:
    channel = make_channel(team)
    login("bob").post("/alerts/new", {**WHOLE, "channel": channel.pk})
    subscription = Subscription.objects.get()
    assert (subscription.owner, subscription.team, subscription.severity) == (None, team, 3)


def test_foreign_channel_view_and_account_are_no_choices(login: Login, make_channel: Make, cast: Any) -> None:
    own, foreign = make_channel("alice"), make_channel("charlie")
    view = SavedView.objects.create(owner=cast["charlie"], name="Theirs", query="source=API")
    account = NexmoAccount.objects.get(api_key="demo0003")
    client = login("alice")
    page = text(client.get("/alerts/new"))
    assert "demo0003" not in page
    assert "Theirs" not in page
    for wrong in (
        {"channel": foreign.pk},
        {"what": "view", "view": view.pk},
        {"all_accounts": "", "accounts": [account.pk]},
        {"escalate_to": foreign.pk, "escalate_after": 5},
    ):
        answer = client.post("/alerts/new", {**WHOLE, "channel": own.pk, **wrong})
        assert answer.status_code == 200, wrong
    assert not Subscription.objects.exists()


def test_team_is_told_only_what_is_the_teams(login: Login, team: Group, make_channel: Make, cast: Any) -> None:
    channel, own = make_channel(team), make_channel("alice")
    view = SavedView.objects.create(owner=cast["alice"], name="Mine", query="source=API")
    alices = NexmoAccount.objects.get(api_key="demo0002")
    client = login("alice")
    for wrong, name in (
        ({"what": "view", "view": view.pk}, "view"),
        ({"all_accounts": "", "accounts": [alices.pk]}, "accounts"),
        ({"escalate_to": own.pk, "escalate_after": 5}, "escalate_to"),
    ):
        answer = client.post("/alerts/new", {**WHOLE, "channel": channel.pk, **wrong})
        assert name in errors(answer), wrong
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"what": "rule"}, "rule"),
        ({"what": "view"}, "view"),
        ({"all_accounts": ""}, "accounts"),
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"escalate_after": "5"}, "escalate_to"),
        ({"remind_every": "1"}, "remind_every"),
        ({"remind_every": "60", "pace": "daily"}, "remind_every"),
    ],
)
def test_what_does_not_fit_together_is_told_beside_the_field(
    login: Login, make_channel: Make, wrong: dict[str, str], name: str
) -> None:
    answer = login("alice").post("/alerts/new", {**WHOLE, "channel": make_channel().pk, **wrong})
    assert name in errors(answer)


def test_view_leads_to_a_subscription_that_follows_from_now_on(
    login: Login, make_channel: Make, cast: Any, account: NexmoAccount, add_event: Make
) -> None:
    add_event(account, 1)
    view = SavedView.objects.create(owner=cast["alice"], name="Mine", query="source=CD")
    channel, client = make_channel(), login("alice")
    assert f"/alerts/new?view={view.pk}" in text(client.get("/views/"))
    page = text(client.get(f"/alerts/new?view={view.pk}"))
    assert re.search(rf'<option value="{view.pk}" selected>', page)
    client.post("/alerts/new", {**WHOLE, "what": "view", "view": view.pk, "channel": channel.pk})
    subscription = Subscription.objects.get()
    assert subscription.cursors.get(account=account).seq == 1
    assert "Mine" in text(client.get("/alerts/"))


def test_rules_page_leads_to_a_subscription_to_it(login: Login, make_channel: Make) -> None:
    from events.detection.rules.ruleset import current_rules

    uid, rule = next(iter(current_rules().rules.items()))
    channel, client = make_channel(), login("alice")
    assert f"/alerts/new?rule={uid}" in text(client.get(f"/rules/{uid}/"))
    assert re.search(rf'<option value="{uid}" selected>', text(client.get(f"/alerts/new?rule={uid}")))
    client.post("/alerts/new", {**WHOLE, "what": "rule", "rule": uid, "channel": channel.pk})
    subscription = Subscription.objects.get()
    assert (subscription.rule, subscription.title) == (uid, rule.title)


def test_deleting_asks_first_and_takes_what_waits_along(
    login: Login, make_channel: Make, subscribe: Make, make_finding: Make, account: NexmoAccount
) -> None:
    from events.alerts import route

    channel = make_channel()
    subscription, client = subscribe(channel), login("alice")
    make_finding(account)
    route.route_findings()
    assert client.get(f"/alerts/{subscription.pk}/delete").status_code == 200
    assert Subscription.objects.exists()
    client.post(f"/alerts/{subscription.pk}/delete")
    assert not Delivery.objects.exists()
    client.post(f"/alerts/channels/{channel.pk}/delete")
    assert not Channel.objects.exists()


# --- tests, failures and the log --------------------------------------------------------------------------------------


def test_tests_result_is_shown_on_the_channels_page(
    login: Login, make_channel: Make, httpserver: HTTPServer, hook: str
) -> None:
    channel, client = make_channel(address=hook), login("alice")
    path = f"/alerts/channels/{channel.pk}/"
    client.post(path + "test")
    assert BackgroundJob.objects.filter(kind="send_alerts").exists()
    waiting = text(client.get(path))
    assert "The test is being sent." in waiting
    assert "No worker is running" in waiting
    assert "hx-get" in text(client.get(path, headers={"HX-Request": "true"}))
    deliver.serve(channel.pk)
    assert "The last test was accepted" in text(client.get(path))
    assert client.get(path, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    request = httpserver.log[0][0]
    assert Webhook(SECRET).verify(request.data, dict(request.headers))["type"] == "test"


def test_failed_test_says_why(login: Login, make_channel: Make, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data("", 403)
    channel, client = make_channel(address=httpserver.url_for("/hook")), login("alice")
    path = f"/alerts/channels/{channel.pk}/"
    client.post(path + "test")
    deliver.serve(channel.pk)
    page = text(client.get(path))
    assert "The last test failed" in page
    assert "The receiver answered 403." in page


def test_tests_are_limited(login: Login, make_channel: Make) -> None:
    channel, client = make_channel(), login("alice")
    for _ in range(channels.TESTS_A_MINUTE):
        client.post(f"/alerts/channels/{channel.pk}/test")
        Delivery.objects.update(state="sent", finished_at=timezone.now())
    answer = client.post(f"/alerts/channels/{channel.pk}/test", follow=True)
    assert "many tests in one minute" in text(answer)
    assert Delivery.objects.count() == channels.TESTS_A_MINUTE


def test_second_press_while_a_test_waits_sends_no_second(login: Login, make_channel: Make) -> None:
    channel, client = make_channel(), login("alice")
    for _ in range(2):
        client.post(f"/alerts/channels/{channel.pk}/test")
    assert Delivery.objects.count() == 1


def test_failure_and_pause_are_told_and_can_be_ended(login: Login, make_channel: Make) -> None:
    channel = make_channel(failures=20, problem="http 503", paused_at=timezone.now())
    client = login("alice")
    for path in ("/alerts/", f"/alerts/channels/{channel.pk}/"):
        page = text(client.get(path))
        assert "Paused" in page
        assert "The receiver answered 503." in page
    client.post(f"/alerts/channels/{channel.pk}/resume")
    channel.refresh_from_db()
    assert channel.paused_at is None


def test_log_tells_each_message_and_names_no_finding_that_is_not_visible(
    login: Login, make_channel: Make, subscribe: Make, make_finding: Make, account: NexmoAccount, cast: Any
) -> None:
    from events.alerts import route

    subscribe(make_channel("bob"))
    finding = make_finding(account, title="Rule of the finding")
    route.route_findings()
    Delivery.objects.update(state="failed", problem="http 404", attempts=3)
    client = login("bob")
    page = text(client.get("/alerts/log"))
    assert f"/findings/{finding.pk}/" in page
    assert "Rule of the finding" in page
    assert "3 attempts" in page
    assert "The receiver answered 404." in page
    cast["bob"].groups.clear()
    assert "Rule of the finding" not in text(login("bob").get("/alerts/log"))

    pk = Delivery.objects.get().pk
    assert login("charlie").post(f"/alerts/log/{pk}/retry").status_code == 404
    client.post(f"/alerts/log/{pk}/retry")
    assert Delivery.objects.get().state == "waiting"


def test_log_goes_on_page_by_page(login: Login, make_channel: Make) -> None:
    from events.alerts import log

    now, channel = timezone.now(), make_channel()
    for number in range(log.SIZE + 3):
        Delivery.objects.create(channel=channel, kind="test", occasion=str(number), created_at=now, due_at=now)
    client = login("alice")
    first = text(client.get("/alerts/log"))
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = text(client.get("/alerts/log" + older[1].replace("&amp;", "&")))
    assert (first.count("data-delivery="), second.count("data-delivery=")) == (log.SIZE, 3)
    assert text(client.get("/alerts/log?state=sent&channel=x&before=-1")).count("data-delivery=") == 0


def test_foreign_names_are_escaped(login: Login, make_channel: Make, subscribe: Make) -> None:
    channel = make_channel(name="<b>x</b>", shown="<i>y</i>")
    subscribe(channel, what="rule", rule="u", rule_title="<u>z</u>")
    client = login("alice")
    for path in ("/alerts/", f"/alerts/channels/{channel.pk}/", "/alerts/log", f"/alerts/channels/{channel.pk}/delete"):
        page = text(client.get(path))
        assert not {"<b>x", "<i>y", "<u>z"} & set(re.findall(r"<[biu]>[xyz]", page)), path
