"""Two teams, each with one account of a finding: what one does about it is nothing that the other could notice."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.db import transaction

from accounts.models import NexmoAccount
from accounts.roles import RESPONDERS
from events.alerts import follow_ups, route
from events.detection.findings import triage, writing
from events.detection.findings.open_findings import by_severity, open_number, worst
from events.detection.findings.sight import Person, Sight
from events.models import Channel, Delivery, Finding, FindingAccount, FindingChange, Severity, Stream, Subscription
from events.streams import findings as stream_findings
from tests.conftest import NOON
from tests.tools.findings import OTHER_RULE, RULE, make_finding, set_parts, unguarded
from tests.tools.pages import text_of
from tests.tools.scope import Login

ACTIONS = FindingChange.Action


@pytest.fixture
def accounts(cast: dict[str, Any]) -> dict[str, NexmoAccount]:
    """Alice's account and Charlie's; both may handle findings, and neither sees the other's."""
    for name in ("alice", "charlie"):
        cast[name].groups.add(Group.objects.get(name=RESPONDERS))
    return {account.api_key: account for account in NexmoAccount.objects.all()}


@pytest.fixture
def finding(accounts: dict[str, NexmoAccount]) -> Finding:
    return make_finding(accounts=[accounts["demo0001"], accounts["demo0003"]])


@pytest.fixture
def sight(cast: dict[str, Any]) -> Callable[[str], Sight]:
    return lambda name: Sight.of(type(cast[name]).objects.get(username=name))


def act(its: Sight, finding: Finding, action: str, **options: Any) -> triage.Outcome:
    version = triage.version_of(its.parts_of([finding.pk])[finding.pk])
    return triage.act(its, triage.Deed(ACTIONS(action), **options), {finding.pk: version})


def of_parts(finding: Finding) -> dict[str, str]:
    return dict(finding.parts.values_list("account__api_key", "state"))


def test_what_one_team_does_is_nothing_to_the_other(login: Login, sight: Any, finding: Finding) -> None:
    before = {path: login("charlie").get(path).content for path in ("/findings/", f"/findings/{finding.pk}/")}

    act(sight("alice"), finding, "acknowledged", note="ours is quiet")
    act(sight("alice"), finding, "resolved", resolution="false", note="Quillfern again")

    assert of_parts(finding) == {"demo0001": "resolved", "demo0003": "open"}
    for path, page in before.items():
        assert _still(login("charlie").get(path).content) == _still(page)
    assert "finding" not in login("alice").get("/findings/").content.decode().partition('id="empty"')[0][-200:]
    mine = text_of(login("alice").get(f"/findings/{finding.pk}/"))
    assert "False positive" in mine and "Quillfern again" in mine and "Open" not in mine.partition("History")[0]
    assert 'title="open findings">1</span>' in login("charlie").get("/findings/").content.decode()
    assert "open findings" not in login("alice").get("/findings/").content.decode()


def _still(page: bytes) -> str:
    """A page without what differs each time it is drawn."""
    changing = r'value="\w{64}"|name="kept_form" value="[^"]*"|X-CSRFToken[^}]*|\d\d:\d\d:\d\d UTC\. Tim'
    return re.sub(changing, "", page.decode())


def test_who_sees_both_is_told_where_they_differ_and_acts_on_both(login: Login, sight: Any, finding: Finding) -> None:
    act(sight("alice"), finding, "resolved", resolution="false")
    finding.refresh_from_db()
    assert finding.state == "open"

    page = text_of(login("admin").get(f"/findings/{finding.pk}/"))
    assert "It is not at the same stage in all accounts. What you do applies to all of them." in page
    assert "Quillfern Parcel: False positive" in page and "Tannelhof Reisen: Open" in page
    assert "not at the same stage" not in text_of(login("alice").get(f"/findings/{finding.pk}/"))

    act(sight("admin"), finding, "acknowledged")
    assert of_parts(finding) == {"demo0001": "resolved", "demo0003": "acknowledged"}
    act(sight("charlie"), finding, "resolved", resolution="true")
    finding.refresh_from_db()
    assert (finding.state, finding.resolution, bool(finding.resolved_at)) == ("resolved", "true", True)

    act(sight("admin"), finding, "resolved", resolution="benign")
    assert set(finding.parts.values_list("state", "resolution")) == {("resolved", "benign")}


def test_history_of_a_deed_is_told_where_it_changed_something(sight: Any, finding: Finding) -> None:
    """Acknowledging changes nothing about the part that is resolved: its readers are not told that others are open."""
    act(sight("alice"), finding, "resolved", resolution="false")
    act(sight("admin"), finding, "acknowledged", note="for Tannelhof")

    def actions(name: str) -> list[tuple[str, str, str]]:
        its = sight(name)
        lines = its.history_of(finding, its.parts_of([finding.pk])[finding.pk])
        return [(line.action, line.by, line.note) for line in lines]

    assert actions("alice") == [("found", "", ""), ("resolved", "alice", "")]
    # Charlie does not see all that the admin saw: no note.
    assert actions("charlie") == [("found", "", ""), ("acknowledged", "admin", "")]
    assert actions("admin")[-1] == ("acknowledged", "admin", "for Tannelhof")


def test_version_is_of_what_was_shown(sight: Any, finding: Finding) -> None:
    mine = triage.version_of(sight("alice").parts_of([finding.pk])[finding.pk])
    whole = triage.version_of(sight("admin").parts_of([finding.pk])[finding.pk])
    act(sight("charlie"), finding, "acknowledged")

    resolve = triage.Deed(ACTIONS.RESOLVED, resolution="true")
    late = triage.act(sight("admin"), resolve, {finding.pk: whole})
    assert "charlie changed it in the meantime" in late.refused[finding.pk]
    assert triage.act(sight("alice"), resolve, {finding.pk: mine}).changed == [finding.pk]


def test_assignment_and_suppression_are_of_the_part(login: Login, sight: Any, finding: Finding, cast: Any) -> None:
    act(sight("alice"), finding, "assigned", person=Person(cast["alice"].pk, "alice"))

    assert f'data-finding="{finding.pk}"' in login("alice").get("/findings/?assignee=me").content.decode()
    assert f'data-finding="{finding.pk}"' in login("charlie").get("/findings/?assignee=none").content.decode()
    assert "alice" not in login("charlie").get(f"/findings/{finding.pk}/").content.decode()
    assert f'data-finding="{finding.pk}"' in login("admin").get("/findings/?assignee=alice").content.decode()


def test_growth_reopens_the_part_that_grew(accounts: dict[str, NexmoAccount], finding: Finding) -> None:
    set_parts([finding], state="resolved", resolution="true")
    grown = finding.parts.filter(account=accounts["demo0003"])

    writing.reopen(grown, {}, NOON)
    writing.settle([finding.pk])

    assert of_parts(finding) == {"demo0001": "resolved", "demo0003": "open"}
    finding.refresh_from_db()
    assert (finding.state, finding.resolution) == ("open", "")
    line = finding.changes.latest("pk")
    assert (line.action, line.accounts) == ("reopened", [accounts["demo0003"].pk])


def test_reminders_stop_for_those_whose_part_is_acknowledged(
    sight: Any, cast: dict[str, Any], finding: Finding
) -> None:
    Finding.objects.update(routed_at=None, last_at=NOON)
    for name in ("alice", "charlie"):
        channel = Channel.objects.create(owner=cast[name], name=name, kind="email", address=f"{name}@example.com")
        Subscription.objects.create(
            owner=cast[name], channel=channel, what="severity", severity=0, all_accounts=True, remind_every=30
        )
    route.route_findings()
    Delivery.objects.update(state="sent", remind_at=NOON)
    act(sight("alice"), finding, "acknowledged")

    assert follow_ups.follow_up() == 1

    assert Delivery.objects.get(kind="reminder").channel.name == "charlie"


def test_stream_sends_nothing_of_what_others_do(
    sight: Any, cast: dict[str, Any], accounts: dict[str, NexmoAccount], finding: Finding
) -> None:
    stream = Stream(owner=cast["charlie"], name="x", kind="webhook", contents="findings", format="flat", address="x")
    theirs = [accounts["demo0003"]]
    first, at = stream_findings.read(stream, theirs, 0)
    act(sight("alice"), finding, "resolved", resolution="true")

    items, _ = stream_findings.read(stream, theirs, at)
    both, _ = stream_findings.read(stream, [*theirs, accounts["demo0001"]], at)

    assert (len(first.seqs), len(items.seqs), len(both.seqs)) == (1, 0, 1)
    assert b'"state":"open"' in first.bodies[0].replace(b" ", b"")


def test_reader_sees_the_same_as_if_the_others_accounts_were_not_there(
    login: Login, cast: dict[str, Any], accounts: dict[str, NexmoAccount], sight: Any
) -> None:
    """Findings over any accounts, and what anybody does about them."""
    chance = random.Random(11)  # noqa: S311
    keys = [accounts[key] for key in ("demo0001", "demo0002", "demo0003", "demo0004")]
    made = []
    for number in range(24):
        where = chance.sample(keys, chance.choice([1, 2, 2, 3]))
        at = NOON + timedelta(minutes=number)
        joined = {where[-1]: at + timedelta(minutes=chance.randrange(90))} if len(where) > 1 else {}
        made.append(
            make_finding(
                accounts=where,
                found_at=at,
                joined_at=joined,
                rule=chance.choice([RULE, OTHER_RULE]),
                severity=chance.choice(Severity.values),
            )
        )
    people = [sight(name) for name in ("alice", "charlie", "admin")]
    for _ in range(90):
        who, one = chance.choice(people), chance.choice(made)
        action = chance.choice(["acknowledged", "resolved", "reopened", "assigned", "noted"])
        options = {"resolution": chance.choice(["true", "false", "benign"])} if action == "resolved" else {}
        if action == "assigned":
            person = chance.choice(people).user
            options["person"] = Person(person.pk, person.get_username())
        if one.pk in who.parts_of([one.pk]):
            act(who, one, action, note=f"of {who.user}", **options)

    with_others = _all_that_is_told(login, sight, "alice", made)
    with transaction.atomic(), unguarded():
        hidden = FindingAccount.objects.exclude(account__in=list(sight("alice").accounts))
        for account in NexmoAccount.objects.filter(pk__in=hidden.values("account")):
            FindingAccount.objects.filter(account=account).delete()
        gone = Finding.objects.filter(parts=None)
        gone.delete()
        writing.settle(Finding.objects.values_list("pk", flat=True))

    assert _all_that_is_told(login, sight, "alice", made) == with_others
    assert len({said for said in with_others if said}) > 20


def _all_that_is_told(login: Login, sight: Any, name: str, made: list[Finding]) -> list[str]:
    caches["local"].clear()
    client, its = login(name), sight(name)
    told = []
    for query in (
        "",
        "?state=all",
        "?state=open",
        "?state=acknowledged",
        "?state=resolved",
        "?state=acknowledged,resolved&severity=low,medium",
        "?assignee=me&state=all",
        "?assignee=none&state=all",
        f"?rule={RULE}&state=open,resolved",
        "?state=all&size=5",
    ):
        told.append(_still(client.get(f"/findings/{query}").content))
    for one in made:
        page = client.get(f"/findings/{one.pk}/")
        told.append(_still(page.content) if page.status_code == 200 else "")
    listed = list(its.accounts)
    told.append(repr((open_number(its.user), by_severity(listed), worst(its.user.pk, listed))))
    return told
