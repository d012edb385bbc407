"""The pages of detection rules: who reads what, what each rule found as far as one may see, and the switch."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from accounts.models import NexmoAccount
from events.alerts.subscription_form import SubscriptionForm
from events.detection.rules import own_rules
from events.models import Finding, FindingAccount, OwnRule, RuleSwitch, Subscription
from tests.conftest import NOON
from tests.tools.pages import Login, text_of
from tests.tools.rules import ONE, TWO, rule_text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """A folder with one rule, and one file that cannot be read."""
    (tmp_path / "calls.yml").write_text(rule_text(TWO, "Calls abroad", level="high"))
    (tmp_path / "broken.yml").write_text("title: Broken\nnothing: known\n")
    settings.DETECTION_RULES = tmp_path
    return tmp_path


@pytest.fixture
def own(cast: dict[str, Any]) -> OwnRule:
    return own_rules.save(rule_text(), cast["admin"], enable=True)


def found(rule: str, *keys: str, minutes: int = 0, state: str = "open") -> Finding:
    """A finding in some accounts."""
    at = NOON + timedelta(minutes=minutes)
    finding: Finding = Finding.objects.create(
        key=f"{rule}{minutes}",
        rule=rule,
        title="x",
        severity=2,
        group={},
        first_at=at,
        last_at=at,
        found_at=at,
        state=state,
    )
    for key in keys:
        FindingAccount.objects.create(
            finding=finding,
            account=NexmoAccount.objects.get(api_key=key),
            first_at=at,
            last_at=at,
            found_at=at,
            rule=rule,
            state=state,
            severity=2,
        )
    return finding


def row(client: Client, uid: str) -> str:
    """A rule's line in the list, as text."""
    page = client.get("/rules/").content.decode()
    (line,) = re.findall(rf'<tr data-rule="{uid}">.*?</tr>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", line).split())


def listed(client: Client, query: str) -> set[str]:
    return set(re.findall(r'<tr data-rule="([^"]*)">', client.get(f"/rules/?{query}").content.decode())) & {ONE, TWO}


# --- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["audrey", "admin"])
def test_who_sees_all_accounts_reads_which_rules_there_are(login: Login, own: OwnRule, person: str) -> None:
    client = login(person)

    assert re.match(r"Medium Numbers bought .*Own 0 never On by admin", row(client, ONE))
    assert "High Calls abroad" in row(client, TWO)
    assert "From the folder" in row(client, TWO)


@pytest.mark.parametrize("path", ["/rules/", "/findings/", f"/rules/{ONE}/", f"/rules/{TWO}/"])
def test_what_people_wrote_is_told_where_it_found_something(login: Login, own: OwnRule, path: str) -> None:
    """Its title may name somebody. Who reads its findings reads it there anyway."""

    def told(person: str) -> list[bool]:
        page = login(person).get(path)
        return [page.status_code == 200 and uid in page.content.decode() for uid in (ONE, TWO)]

    of_page = {f"/rules/{ONE}/": [True, False], f"/rules/{TWO}/": [False, True]}.get(path, [True, True])
    assert [told("alice"), told("charlie"), told("audrey")] == [[False, False], [False, False], of_page]
    found(ONE, "demo0001")
    found(TWO, "demo0001", minutes=1)
    caches["local"].clear()

    assert [told("alice"), told("charlie"), told("audrey")] == [of_page, [False, False], of_page]


def test_alerts_offer_the_rules_that_one_may_read(own: OwnRule, cast: dict[str, Any]) -> None:
    found(ONE, "demo0001")

    offered = {
        name: {ONE, TWO}
        & {uid for uid, _ in SubscriptionForm(user=cast[name], instance=Subscription())["rule"].field.choices}
        for name in ("alice", "charlie", "admin")
    }

    assert offered == {"alice": {ONE}, "charlie": set(), "admin": {ONE, TWO}}


def test_list_is_narrowed_by_words_severity_origin_and_state(client: Client, own: OwnRule) -> None:
    found(ONE, "demo0001")
    found(TWO, "demo0001", minutes=1)
    assert listed(client, "q=numbers") == {ONE}
    assert listed(client, "q=attack.impact") == {ONE, TWO}
    assert listed(client, "q=NUMBER_ASSIGN+abroad") == {TWO}
    assert listed(client, "severity=high") == {TWO}
    assert listed(client, "origin=own") == {ONE}
    assert listed(client, "state=off") == set()
    page = client.get("/rules/?severity=urgent")
    assert "There is no severity “urgent”." in text_of(page)
    assert b"data-rule" not in page.content


def test_findings_are_counted_as_far_as_one_may_see(login: Login, own: OwnRule) -> None:
    found(ONE, "demo0001", "demo0003", minutes=1)
    found(ONE, "demo0003", minutes=2)
    found(ONE, "demo0001", minutes=3, state="withdrawn")

    for person, count, last in (("admin", 2, "12:02"), ("audrey", 2, "12:02"), ("bob", 1, "12:01")):
        client = login(person)
        assert f"Own {count} 2026-03-15 {last}:00" in row(client, ONE)
        assert re.search(
            rf"{count} findings? ?, the last one found 2026-03-15 {last}", text_of(client.get(f"/rules/{ONE}/"))
        )


def test_files_that_cannot_be_read_are_told_to_who_sees_all_accounts(login: Login, cast: dict[str, Any]) -> None:
    for person, is_told in (("admin", True), ("audrey", True), ("alice", False), ("charlie", False)):
        text = text_of(login(person).get("/rules/"))
        assert ("broken.yml , line" in text) is is_told, person


def test_switched_off_rule_says_who_did_it(login: Login, cast: dict[str, Any]) -> None:
    found(TWO, "demo0003")
    own_rules.switch(TWO, "Calls abroad", cast["admin"], on=False)

    assert re.search(r"Off by admin, 20\d\d-", row(login("charlie"), TWO))


def test_list_costs_the_same_whatever_the_number_of_rules(
    login: Login, own: OwnRule, cast: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        own_rules.save(rule_text(f"{number}1111111-1111-4111-8111-111111111112", f"R{number}"), cast["admin"])
    client = login("alice")
    client.get("/rules/")

    with django_assert_max_num_queries(13):
        client.get("/rules/")


# --- one rule ---------------------------------------------------------------------------------------------------------


def test_page_of_a_rule_says_what_it_means_and_what_to_do(login: Login, own: OwnRule) -> None:
    found(ONE, "demo0003")
    meaning = ("Somebody bought a number.", "A campaign that begins.", "Ask who bought it.", "attack.impact")
    how = ("NUMBER_ASSIGN", "account, user_email")

    for person in ("charlie", "audrey"):
        text = text_of(login(person).get(f"/rules/{ONE}/"))
        assert all(words in text for words in meaning)
        assert [words in text for words in how] == [person == "audrey"] * 2


def test_text_of_what_people_wrote_is_for_who_sees_all_accounts(login: Login, own: OwnRule) -> None:
    found(ONE, "demo0001")
    found(TWO, "demo0001", minutes=1)
    for person, may_read in (("admin", True), ("audrey", True), ("alice", False), ("bob", False)):
        client = login(person)
        for uid in (ONE, TWO):
            assert (b"condition: selection" in client.get(f"/rules/{uid}/").content) is may_read
        assert client.get(f"/rules/{ONE}/versions/1/").status_code == (200 if may_read else 404)


def test_hostile_words_of_a_rule_are_only_words(login: Login, cast: dict[str, Any]) -> None:
    text = rule_text(title='"<b>x</b>"').replace("Somebody bought", "<script>alert(1)</script>")
    own_rules.save(text, cast["admin"])
    client = login("admin")

    for path in ("/rules/", f"/rules/{ONE}/", f"/rules/{ONE}/versions/1/", f"/rules/{ONE}/edit"):
        page = client.get(path).content.decode()
        assert "<b>x</b>" not in page
        assert "<script>alert" not in page


def test_versions_are_listed_and_compared(login: Login, own: OwnRule, cast: dict[str, Any]) -> None:
    own_rules.save(rule_text(level="high"), cast["admin"], own=own)
    client = login("audrey")

    assert re.search(
        r"2 2026-.* admin Text changed 1 .* admin Created and switched on", text_of(client.get(f"/rules/{ONE}/"))
    )
    page = client.get(f"/rules/{ONE}/versions/2/").content.decode()
    assert "<del>- level: medium</del><ins>+ level: high</ins>" in page
    assert "Version 2 Text changed by admin" in text_of(client.get(f"/rules/{ONE}/versions/2/"))
    assert "Version 1 Created and switched on by admin" in text_of(client.get(f"/rules/{ONE}/versions/1/"))
    assert client.get(f"/rules/{ONE}/versions/3/").status_code == 404


def test_own_rule_that_cannot_be_read_any_more_says_why(login: Login, own: OwnRule) -> None:
    OwnRule.objects.update(text="nothing: known\n", version=7)
    client = login("admin")

    assert "Numbers bought" in row(client, ONE)
    assert "This rule cannot be read, so it finds nothing. Line 1:" in text_of(client.get(f"/rules/{ONE}/"))
    assert client.get(f"/rules/{ONE}/edit").status_code == 200


def test_rule_that_nobody_knows_is_404(client: Client) -> None:
    assert client.get("/rules/33333333-3333-4333-8333-333333333333/").status_code == 404


def test_rules_speak_spanish(login: Login, own: OwnRule) -> None:
    client = login("admin")

    assert "Reglas de detección" in text_of(client.get("/rules/", headers={"accept-language": "es"}))
    assert "Qué encuentra" in text_of(client.get(f"/rules/{ONE}/", headers={"accept-language": "es"}))


# --- the switch -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", [ONE, TWO])
def test_rule_is_switched_off_and_on_again(login: Login, own: OwnRule, uid: str) -> None:
    client = login("admin")

    off = client.post(f"/rules/{uid}/switch", follow=True)
    assert "is off. What it found stays." in text_of(off)
    assert 'class="health off"' in off.content.decode()
    on = client.post(f"/rules/{uid}/switch", {"on": "1"}, follow=True)
    assert "is on: each event is compared with it as it arrives." in text_of(on)
    assert 'class="health ok"' in on.content.decode()


@pytest.mark.parametrize("person", ["alice", "bob", "charlie", "audrey"])
def test_nobody_else_switches_rules_or_is_offered_to(login: Login, own: OwnRule, person: str) -> None:
    client = login(person)
    for minutes, uid in enumerate((ONE, TWO)):
        if person != "audrey":
            assert client.post(f"/rules/{uid}/switch").status_code == 404
        found(uid, "demo0001", "demo0003", minutes=minutes)
        caches["local"].clear()
        assert client.post(f"/rules/{uid}/switch").status_code == 403
        page = client.get(f"/rules/{uid}/").content
        assert b"/switch" not in page
        assert b"/edit" not in page
    assert b"/rules/new" not in client.get("/rules/").content
    assert OwnRule.objects.get().is_enabled
    assert not RuleSwitch.objects.exists()
