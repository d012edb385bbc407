"""Suppressions: what they cover, of one account and of all, when findings are made and in the inbox of today."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.detection.findings import suppress
from events.models import AuditEvent, Finding, Suppression
from tests.conftest import NOON
from tests.detection.conftest import SightOf
from tests.tools.findings import OTHER_RULE, RULE, make_finding, set_parts, version_of
from tests.tools.pages import Add


@pytest.fixture
def events(accounts: dict[str, NexmoAccount], add_event: Add) -> list[AuditEvent]:
    """Of one user in Alice's first account, the last from another address."""
    first = accounts["demo0001"]
    return [add_event(first, 1), add_event(first, 2), add_event(first, 3, source_ip="198.51.100.9")]


def suppression(**fields: Any) -> Suppression:
    given = {"rule": RULE, "fields": {"user_email": "YourName@example.com"}, "created_at": NOON} | fields
    made: Suppression = Suppression.objects.create(**given)
    return made


def matched(finding: Finding, events: list[AuditEvent], spans: Any = None) -> dict[int, Suppression]:
    """By which suppressions its parts are covered, by account."""
    own = {part.account_id: (part.first_at, part.last_at) for part in finding.parts.all()}
    return suppress.matching(finding.rule, finding.group, events, spans or own)


def test_finding_is_covered_whatever_the_letters_case(events: list[AuditEvent]) -> None:
    made, finding = suppression(), make_finding(events)

    assert matched(finding, events) == {events[0].account_id: made}


@pytest.mark.parametrize(
    "fields",
    [
        {"rule": OTHER_RULE},
        {"fields": {"user_email": "other@example.com"}},
        {"fields": {"user_email": "yourname@example.com", "source_ip": "192.0.2.1"}},  # not of all its events
        {"fields": {}},
        {"expires_at": NOON},
        {"starts_at": NOON + timedelta(minutes=2)},
    ],
    ids=str,
)
def test_finding_is_not_covered(events: list[AuditEvent], fields: dict[str, Any]) -> None:
    suppression(**fields)

    assert matched(make_finding(events), events) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"fields": {"source_country": "GB", "event_type": "NUMBER_UPDATED", "user_id": "1234567"}},
        {"starts_at": NOON, "expires_at": NOON + timedelta(minutes=4)},
        {"fields": {"host": "evil.example"}},  # of the group alone
    ],
    ids=str,
)
def test_finding_is_covered_by_what_all_its_events_share(events: list[AuditEvent], fields: dict[str, Any]) -> None:
    made = suppression(**fields)

    finding = make_finding(events, group={"host": "evil.example", "account": "demo0001"})
    assert matched(finding, events) == {events[0].account_id: made}


def test_suppression_covers_parts_of_its_account_and_each_by_itself(
    events: list[AuditEvent], accounts: dict[str, NexmoAccount], add_event: Add
) -> None:
    made = suppression(account=accounts["demo0001"])
    both = [*events, add_event(accounts["demo0003"], 4)]
    other = [*events, add_event(accounts["demo0003"], 5, user_email="other@example.com")]
    mine, theirs = accounts["demo0001"].pk, accounts["demo0003"].pk

    assert matched(make_finding(events, group={}), events) == {mine: made}
    assert matched(make_finding(both, group={}), both) == {mine: made}
    made.account = None
    made.save()
    assert matched(make_finding(both, group={}), both) == {mine: made, theirs: made}
    assert matched(make_finding(other, group={}), other) == {mine: made}


def test_finding_without_events_is_covered_by_its_group_and_account(accounts: dict[str, NexmoAccount]) -> None:
    made = suppression(fields={"problem": "silent"}, account=accounts["demo0001"])
    finding = make_finding(accounts=[accounts["demo0001"]], group={"problem": "silent"})

    assert matched(finding, []) == {accounts["demo0001"].pk: made}
    assert matched(finding, [], {accounts["demo0002"].pk: (NOON, NOON)}) == {}


def test_saving_suppresses_what_is_covered_now_and_nothing_else(
    sight: SightOf, events: list[AuditEvent], accounts: dict[str, NexmoAccount], add_event: Add
) -> None:
    origin, like = make_finding(events[:2]), make_finding(events[1:])
    done = make_finding(events[:1], state="resolved")
    other = make_finding([add_event(accounts["demo0001"], 9, user_email="other@example.com")], group={})
    over_both = make_finding([events[0], add_event(accounts["demo0003"], 9)])
    alice = sight("alice")
    wanted = Suppression(
        rule=RULE, account=accounts["demo0001"], fields={"user_email": "yourname@example.com"}, reason="test"
    )
    mine = {accounts["demo0001"].pk}
    covered = suppress.covered(alice, wanted, origin)
    assert covered.findings == dict.fromkeys((origin.pk, like.pk, over_both.pk), mine)

    suppress.save(alice, wanted, origin, version_of(origin), "test")

    by_pk = Finding.objects.in_bulk()
    assert {pk for pk, it in by_pk.items() if it.state == "suppressed"} == {origin.pk, like.pk}
    assert like.parts.get().suppression == wanted
    states = dict(over_both.parts.values_list("account__api_key", "state"))
    assert states == {"demo0001": "suppressed", "demo0003": "open"}
    assert {by_pk[it.pk].state for it in (other, over_both)} == {"open"}
    assert by_pk[done.pk].state == "resolved"
    change = like.changes.latest("pk")
    assert (change.action, change.by_name, change.note) == ("suppressed", "alice", "test")


def test_somebody_faster_is_not_overwritten_and_nothing_is_saved(
    sight: SightOf, events: list[AuditEvent], accounts: dict[str, NexmoAccount]
) -> None:
    origin, like = make_finding(events), make_finding(events)
    version = version_of(origin)
    set_parts([origin], state="resolved")

    with pytest.raises(suppress.Overtaken):
        suppress.save(
            sight("alice"),
            Suppression(rule=RULE, account=accounts["demo0001"], fields={"source_country": "GB"}),
            origin,
            version,
            "",
        )

    assert not Suppression.objects.exists()
    like.refresh_from_db()
    assert like.state == "open"


def test_ended_suppression_covers_nothing_new(events: list[AuditEvent]) -> None:
    made, finding = suppression(), make_finding(events)
    in_a_century = {events[0].account_id: (NOON, NOON + timedelta(days=36_500))}
    assert matched(finding, events, in_a_century) == {events[0].account_id: made}

    suppress.end(made)

    assert matched(finding, events, in_a_century) == {}


def test_values_of_a_large_finding_are_read_without_its_events(
    events: list[AuditEvent], accounts: dict[str, NexmoAccount], django_assert_num_queries: Any
) -> None:
    finding = make_finding(events, group={})

    with django_assert_num_queries(1) as asked:
        shared = suppress.shared_of(finding, [accounts["demo0001"].pk])

    assert "DISTINCT" in asked.captured_queries[0]["sql"]
    assert "context" not in asked.captured_queries[0]["sql"]
    assert "source_ip" not in shared
    assert shared["user_email"] == "yourname@example.com"
