"""Writing a rule: what is wrong is told beside the text, what it finds is shown first, and nothing is lost."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import NexmoAccount
from events.detection.evaluation import jobs as detection_jobs  # noqa: F401 - declares jobs
from events.detection.evaluation.follow import follow
from events.detection.rules import own_rules
from events.models import BackgroundJob, Finding, Hunt, OwnRule
from events.operations import jobs
from tests.conftest import NOON
from tests.tools.pages import Add, Login, text_of, violations
from tests.tools.rules import ONE, TWO, rule_text

pytestmark = pytest.mark.django_db

SYNC_RULE = f"""\
title: Silent account
id: {ONE}
logsource: {{product: vonage, service: sync}}
detection:
    selection: {{problem: silent}}
    condition: selection
level: low
"""
OF_ITSELF = f"""\
title: Of itself
id: {ONE}
name: mirror
correlation:
    type: event_count
    rules: mirror
    timespan: 1h
    condition: {{gte: 2}}
level: low
"""
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.fixture
def client(login: Login) -> Client:
    return login("admin")


@pytest.fixture
def own(cast: dict[str, Any]) -> OwnRule:
    return own_rules.save(rule_text(), cast["admin"], enable=True)


def typed(page: Any) -> str:
    """What stands in the editor."""
    return html.unescape(re.findall(r"<textarea[^>]*>\n?(.*?)</textarea>", page.content.decode(), re.DOTALL)[0])


def tried(client: Client, text: str, path: str = "/rules/new", **fields: Any) -> str:
    """Have a rule tried, and return the address of its page."""
    response = client.post(path, {"text": text} | fields)
    assert response.status_code == 302, text_of(response)
    return str(response["Location"])


def work() -> None:
    """What a worker does until nothing is due."""
    while jobs.run_next():
        pass


def trial() -> Hunt:
    return Hunt.objects.latest("pk")


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (rule_text().replace("event_type:", "event_typ:"), 10, "Did you mean event_type?"),
        (rule_text().replace("event_type: NUMBER_ASSIGN", r"user_email|re: '(?<!a)b'"), 10, ""),
        (rule_text().replace("event_type: NUMBER_ASSIGN", "user_email|re: '^(a+)+$'"), 10, "in many ways"),
        (BOMB, 1, "Anchors and aliases"),
        (OF_ITSELF, 6, ""),
        ("", 1, ""),
    ],
    ids=["unknown field", "look-behind", "catastrophic expression", "bomb", "of itself", "empty"],
)
def test_what_is_wrong_stands_beside_the_text_with_its_line(client: Client, text: str, line: int, message: str) -> None:
    page = client.post("/rules/new", {"text": text.replace("\n", "\r\n")})

    assert page.status_code == 200
    assert typed(page).replace("\r\n", "\n") == text
    assert violations(page) == []
    if text:
        assert f'data-lines="{line}"' in page.content.decode()
        assert f'href="#id_text" data-line="{line}"' in page.content.decode()
        assert f"<mark>{line} " in page.content.decode()
        assert message in text_of(page)
    else:
        assert "There is no rule to check yet." in text_of(page)
    assert not Hunt.objects.exists()


def test_wrong_text_of_a_change_stays_in_the_editor_with_its_version(client: Client, own: OwnRule) -> None:
    page = client.post(f"/rules/{ONE}/edit", {"text": rule_text(TWO), "version": 1})

    assert f"It is {ONE} ." in text_of(page)
    assert typed(page) == rule_text(TWO)
    assert '<input type="hidden" name="version" value="1"' in page.content.decode()


# --- trying -----------------------------------------------------------------------------------------------------------


def test_trial_shows_what_would_have_been_found_with_its_events_and_saves_nothing(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    for number, minutes in enumerate((1, 2, 300)):
        add_event(account, minutes, id=f"bought-{number}", event_type="NUMBER_ASSIGN")
    address = tried(client, rule_text())
    assert "Waiting for a worker" in text_of(client.get(address))
    work()
    page = client.get(address)
    text = text_of(page)

    assert "It would have found 2 cases" in text
    assert "The whole archive was searched, from 2026-03-15 to" in text
    assert "3 of 3 events had to be examined." in text
    for number in range(3):
        assert f'href="/accounts/demo0001/events/bought-{number}/"' in page.content.decode()
    assert re.search(r"2026-03 2 ", text)
    assert violations(page) == []
    assert not Finding.objects.exists()
    assert not OwnRule.objects.exists()


def test_trial_says_which_types_of_event_nobody_knows(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, event_type="NUMBER_NEW_AT_NEXMO")
    pages = []
    for code in ("NUMBER_ASSIGN", "number_new_at_nexmo", "NUMBER_ASIGN"):
        address = tried(client, rule_text(event_type=code))
        work()
        pages.append(text_of(client.get(address)))

    assert ["is known." in page for page in pages] == [False, False, True]
    assert "No event type NUMBER_ASIGN is known. Did you mean NUMBER_ASSIGN?" in pages[2]


def test_page_of_a_trial_asks_for_itself_until_it_is_done(client: Client, cast: dict[str, Any]) -> None:
    address = tried(client, rule_text())
    page = client.get(address).content.decode()

    assert f'hx-get="{address}" hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh" content="3; url=?by_itself=1"></noscript>' in page
    assert "No worker is running" in page
    part = client.get(address, headers={"hx-request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="trial" data-state="waiting"')
    Hunt.objects.update(state="running", done=1234, total=5000)
    running = client.get(address)
    assert "1,234 of 5,000 events looked at" in text_of(running)
    assert '<progress aria-labelledby="trial-stage" max="100" value="24">' in running.content.decode()
    work()
    for done in (client.get(address), client.get(address, headers={"hx-request": "true"})):
        assert b"hx-trigger" not in done.content
        assert b"http-equiv" not in done.content


def test_failed_trial_says_why(client: Client) -> None:
    address = tried(client, rule_text())
    Hunt.objects.update(state="failed", problem="It matches more than 200,000 events.")

    assert "It matches more than 200,000 events." in text_of(client.get(address))


def test_next_trial_takes_the_place_of_one_that_is_not_finished(client: Client) -> None:
    first = tried(client, rule_text())
    second = tried(client, rule_text(level="high"))

    assert client.get(first).status_code == 404
    work()
    assert "It would have found nothing" in text_of(client.get(second))


def test_rule_about_syncing_has_nothing_to_preview_but_can_be_saved(client: Client) -> None:
    address = tried(client, SYNC_RULE)

    assert "which the archive does not record." in text_of(client.get(address))
    assert b"replay" not in client.get(address).content
    assert not BackgroundJob.objects.exists()
    client.post(f"/rules/trial/{trial().pk}/save")
    assert OwnRule.objects.get().title == "Silent account"


# --- saving -----------------------------------------------------------------------------------------------------------


def test_rule_is_saved_off_or_on(client: Client, cast: dict[str, Any]) -> None:
    tried(client, rule_text())
    saved = client.post(f"/rules/trial/{trial().pk}/save", follow=True)
    assert "was saved. It is off." in text_of(saved)
    tried(client, rule_text(TWO))
    saved = client.post(f"/rules/trial/{trial().pk}/save", {"enable": "1"}, follow=True)
    assert "was saved and is on" in text_of(saved)

    assert set(OwnRule.objects.values_list("uid", "is_enabled", "version", "changed_by__username")) == {
        (ONE, False, 1, "admin"),
        (TWO, True, 1, "admin"),
    }
    assert not Finding.objects.exists()


def test_what_was_found_goes_into_the_inbox_if_asked_for_exactly_as_it_was_shown(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    for minutes in (1, 300, 600):
        add_event(account, minutes, event_type="NUMBER_ASSIGN")
    tried(client, rule_text())
    work()
    shown = {one["key"] for one in trial().result["newest"]}
    response = client.post(f"/rules/trial/{trial().pk}/save", {"enable": "1", "replay": "1"})
    work()

    assert len(shown) == 3
    assert set(Finding.objects.values_list("key", flat=True)) == shown
    assert "3 findings are in the inbox" in text_of(client.get(response["Location"]))
    client.post(f"/rules/trial/{trial().pk}/save", {"enable": "1", "version": "1", "replay": "1"})
    work()
    assert Finding.objects.count() == 3  # a replay adds nothing


def test_a_part_of_the_archive_goes_into_the_inbox_if_asked_for(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    for minutes in (0, 24 * 60, 48 * 60):
        add_event(account, minutes, event_type="NUMBER_ASSIGN")
    follow(rules=[])
    tried(client, rule_text())
    work()
    day = f"{NOON + timedelta(days=1):%Y-%m-%d}"
    part = {"date_from": day, "date_to": day, "account": account.api_key}
    response = client.post(f"/rules/trial/{trial().pk}/save", {"enable": "1", "replay": "1", **part})
    assert f"goes into the inbox: {account.name}, from {day} 00:00:00" in text_of(client.get(response["Location"]))
    work()
    assert [f"{finding.first_at:%Y-%m-%d}" for finding in Finding.objects.filter(rule=ONE)] == [day]
    assert "Only a part of the archive was searched" in text_of(client.get(response["Location"]))


def test_part_that_cannot_be_meant_is_told_and_nothing_is_saved(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, event_type="NUMBER_ASSIGN")
    tried(client, rule_text())
    work()
    wrong = {"date_from": "2026-02-02", "date_to": "2026-02-01"}
    page = client.post(f"/rules/trial/{trial().pk}/save", {"enable": "1", "replay": "1", **wrong})
    assert "This is before the start: swap the two dates." in text_of(page)
    assert 'value="2026-02-02"' in page.content.decode()
    assert not OwnRule.objects.exists()


def test_replay_says_how_many_findings_are_written(client: Client, cast: dict[str, Any]) -> None:
    tried(client, rule_text())
    Hunt.objects.update(state="running", replay=True, result={"written": [1500, 20_000]})
    page = text_of(client.get(f"/rules/trial/{trial().pk}/"))
    assert "Putting findings into the inbox" in page
    assert "1,500 of 20,000 findings are in the inbox" in page


def test_rule_that_stays_off_puts_nothing_into_the_inbox(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, event_type="NUMBER_ASSIGN")
    tried(client, rule_text())
    client.post(f"/rules/trial/{trial().pk}/save", {"replay": "1"})
    work()

    assert not Hunt.objects.filter(replay=True).exists()
    assert not Finding.objects.exists()


def test_change_of_a_rule_is_tried_and_saved_as_its_next_version(client: Client, own: OwnRule) -> None:
    assert typed(client.get(f"/rules/{ONE}/edit")) == rule_text()
    address = tried(client, rule_text(level="high"), f"/rules/{ONE}/edit", version=1)
    page = client.get(address).content.decode()
    assert "Save and keep on" in page
    (back,) = re.findall(r'href="([^"]*trial=[^"]*)"', page)
    assert typed(client.get(html.unescape(back))) == rule_text(level="high")
    client.post(f"/rules/trial/{trial().pk}/save", {"version": "1"})

    own.refresh_from_db()
    assert (own.version, own.is_enabled, "level: high" in own.text) == (2, True, True)


def test_work_of_somebody_else_is_not_replaced_unseen_and_nothing_is_lost(
    client: Client, own: OwnRule, cast: dict[str, Any]
) -> None:
    tried(client, rule_text(level="high"), f"/rules/{ONE}/edit", version=1)
    own_rules.save(rule_text(level="low"), cast["audrey"], own=own)
    page = client.post(f"/rules/trial/{trial().pk}/save", {"version": "1"})

    assert "audrey saved version 2 of this rule while you were writing." in text_of(page)
    assert typed(page) == rule_text(level="high")
    assert OwnRule.objects.get().text == rule_text(level="low")
    tried(
        client,
        typed(page),
        f"/rules/{ONE}/edit",
        version=re.findall(r'name="version" value="(\d+)"', page.content.decode())[0],
    )
    client.post(f"/rules/trial/{trial().pk}/save", {"version": "2"})
    assert OwnRule.objects.get().version == 3


def test_id_that_was_taken_meanwhile_keeps_the_text_in_the_editor(client: Client, cast: dict[str, Any]) -> None:
    tried(client, rule_text(title="Mine"))
    own_rules.save(rule_text(title="Theirs"), cast["audrey"])
    page = client.post(f"/rules/trial/{trial().pk}/save", {"enable": "1"})

    assert "“Theirs” has this id already" in text_of(page)
    assert typed(page) == rule_text(title="Mine")
    assert OwnRule.objects.get().title == "Theirs"


# --- beginning --------------------------------------------------------------------------------------------------------


def test_new_rule_begins_with_an_example_that_can_be_tried(client: Client, cast: dict[str, Any]) -> None:
    page = client.get("/rules/new")

    assert violations(page) == []
    tried(client, typed(page))


def test_new_rule_begins_with_another_one(client: Client, own: OwnRule) -> None:
    copy = typed(client.get(f"/rules/new?copy={ONE}"))

    assert "title: 'Copy of Numbers bought'" in copy
    assert ONE not in copy
    tried(client, copy)


def test_earlier_version_is_gone_back_to_through_the_editor(client: Client, own: OwnRule, cast: dict[str, Any]) -> None:
    own_rules.save(rule_text(level="high"), cast["admin"], own=own)

    page = client.get(f"/rules/{ONE}/edit?from=1")

    assert typed(page) == rule_text()
    assert 'name="version" value="2"' in page.content.decode()
    for number in ("7", "x", "9" * 30):
        assert typed(client.get(f"/rules/{ONE}/edit?from={number}")) == rule_text(level="high")


def test_what_a_rule_can_ask_for_stands_beside_it(client: Client, cast: dict[str, Any]) -> None:
    text = text_of(client.get("/rules/new"))

    for word in (
        "context_hosts",
        "NUMBER_ASSIGN Number assigned",
        "startswith",
        "value_count",
        "first_seen: history",
        "problem",
    ):
        assert word in text


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["alice", "bob", "charlie", "audrey"])
def test_nobody_else_writes_or_tries_rules(login: Login, own: OwnRule, client: Client, person: str) -> None:
    tried(client, rule_text(TWO))
    other = login(person)

    for path in ("/rules/new", f"/rules/{ONE}/edit"):
        assert other.get(path).status_code == 403
        assert other.post(path, {"text": rule_text(), "version": 1}).status_code == 403
    assert other.get(f"/rules/trial/{trial().pk}/").status_code == 403
    assert other.post(f"/rules/trial/{trial().pk}/save", {"enable": "1"}).status_code == 403
    assert OwnRule.objects.count() == Hunt.objects.count() == 1


def test_permission_without_seeing_all_accounts_shows_no_findings_of_others(login: Login, cast: dict[str, Any]) -> None:
    cast["alice"].user_permissions.add(Permission.objects.get(codename="change_ownrule"))
    alice = login("alice")

    assert alice.get("/rules/new").status_code == 403
    assert alice.post("/rules/new", {"text": rule_text()}).status_code == 403
    assert not Hunt.objects.exists()


def test_trial_is_seen_by_who_asked_for_it_alone(login: Login, client: Client, cast: dict[str, Any]) -> None:
    address = tried(client, rule_text())
    cast["audrey"].user_permissions.add(Permission.objects.get(codename="change_ownrule"))
    audrey = login("audrey")

    assert audrey.get(address).status_code == 404
    assert audrey.post(f"/rules/trial/{trial().pk}/save").status_code == 404
    assert typed(audrey.get(f"/rules/new?trial={trial().pk}")) != rule_text()
