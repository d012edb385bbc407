"""What a message says: everything that matters, of what its receivers may see at that moment, in their language."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import get_language

from accounts.models import NexmoAccount, Profile
from events.alerts.messages import bodies, compose, facts
from events.alerts.messages.facts import facts_of
from events.alerts.messages.message import Message
from events.detection.rules import known_rules
from events.detection.sigma.rule import Advice
from events.models import Delivery, Finding, Severity, Subscription

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def _advice(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {
        "en": Advice("Secret made", "A thief makes a secret.", (), ("Delete the secret.", "Ask the user.")),
        "es": Advice("Secreto creado", "Un ladrón crea un secreto.", (), ("Borre el secreto.",)),
    }
    monkeypatch.setattr(known_rules, "advice_of", lambda rule: words[get_language()[:2]])


def of(subscription: Subscription, finding: Finding | None, kind: str = "opened", **values: Any) -> Delivery:
    now = timezone.now()
    delivery: Delivery = Delivery.objects.create(
        subscription=subscription,
        channel=subscription.channel,
        finding=finding,
        kind=kind,
        occasion=kind,
        created_at=now,
        due_at=now,
        **values,
    )
    return Delivery.objects.select_related("subscription", "channel", "finding").get(pk=delivery.pk)  # type: ignore[no-any-return]


def everything(message: Message) -> str:
    return message.title + message.body + json.dumps(message.data)


def test_it_says_what_where_who_when_why_and_what_to_do(
    account: NexmoAccount, add_event: Make, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    event = add_event(account, 1, user_email="eve@example.com", source_ip="192.0.2.7", source_country="RU")
    finding = make_finding(account, events=[event], first_at=event.created_at, last_at=event.created_at)
    message = compose.compose(of(subscribe(make_channel()), finding))

    assert message.title == f"[High] Secret made: {account.name} (demo0001)"
    for part in (
        "Secret made", f"Where: {account.name} (demo0001)", "Who: eve@example.com; 192.0.2.7 (Russia)",
        "When: 2026-03-15 12:01:00 UTC, 1 event", "Changed number 447700900000",
        "Why it matters: A thief makes a secret.", "1. Delete the secret.", "2. Ask the user.",
        f"Open: https://audit.example.com/findings/{finding.pk}/",
    ):  # fmt: skip
        assert part in message.body, part
    told = message.data["finding"]
    assert (told["severity"], told["number"], told["event_count"]) == ("high", finding.pk, 1)
    assert told["events"][0]["id"] == event.event_id
    assert told["events"][0]["url"].startswith("https://audit.example.com/accounts/demo0001/events/")


def test_events_of_hidden_accounts_push_out_none_of_the_visible_ones(
    account: NexmoAccount, add_event: Make, make_finding: Make, make_channel: Make, subscribe: Make, monkeypatch: Any
) -> None:
    monkeypatch.setattr(facts, "MOST_EVENTS", 1)
    hidden = NexmoAccount.objects.get(api_key="demo0003")
    events = [add_event(hidden, 1, id="hidden"), add_event(account, 2, id="visible")]
    message = compose.compose(of(subscribe(make_channel()), make_finding(account, hidden, events=events)))

    assert [event["id"] for event in message.data["finding"]["events"]] == ["visible"]


def test_it_speaks_the_persons_language_in_the_persons_zone(
    cast: Any, account: NexmoAccount, add_event: Make, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    Profile.objects.update_or_create(user=cast["alice"], defaults={"language": "es", "time_zone": "Asia/Kolkata"})
    events = [
        add_event(account, 1, source_ip="192.0.2.7", source_country="DE"),
        add_event(account, 2, source_ip="192.0.2.8", source_country="QQ"),
    ]
    message = compose.compose(of(subscribe(make_channel()), make_finding(account, events=events)))
    assert "192.0.2.7 (Alemania), 192.0.2.8 (QQ)" in message.body
    assert "Secreto creado" in message.title
    assert "Borre el secreto." in message.body
    assert "+05:30" in message.body


def test_teams_channel_has_a_language_and_zone_of_its_own(
    account: NexmoAccount, team: Group, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    channel = make_channel(team, language="es", time_zone="Asia/Kolkata")
    message = compose.compose(of(subscribe(channel), make_finding(account)))
    assert "Secreto creado" in message.title
    assert "+05:30" in message.body


def test_each_receiver_is_told_of_the_accounts_he_may_see_alone(
    cast: Any, add_event: Make, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    shared, alices, charlies = (NexmoAccount.objects.get(api_key=f"demo000{number}") for number in (1, 2, 3))
    events = [add_event(account, number, id=f"of-{account.api_key}", user_email=f"{account.api_key}@example.com")
              for number, account in enumerate((shared, alices, charlies), start=1)]  # fmt: skip
    finding = make_finding(shared, alices, charlies, events=events, group={"source_ip": "192.0.2.1"})
    for person, keys in (("alice", ("demo0001", "demo0002")), ("bob", ("demo0001",)), ("charlie", ("demo0003",))):
        message = compose.compose(of(subscribe(make_channel(person)), finding))
        told = everything(message)
        assert {key for key in ("demo0001", "demo0002", "demo0003") if key in told} == set(keys), person
        assert message.data["finding"]["event_count"] == len(keys)
        for account in (shared, alices, charlies):
            assert (account.name in told) == (account.api_key in keys)


def test_chosen_accounts_bound_what_is_told(
    add_event: Make, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    first, second = (NexmoAccount.objects.get(api_key=f"demo000{number}") for number in (1, 2))
    finding = make_finding(first, second, events=[add_event(first, 1), add_event(second, 2)])
    assert "demo0001" not in everything(compose.compose(of(subscribe(make_channel(), second), finding)))


def test_who_lost_access_is_told_nothing_more(
    cast: Any, account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    delivery = of(subscribe(make_channel("bob")), make_finding(account))
    assert compose.compose(delivery)
    cast["bob"].groups.clear()
    with pytest.raises(compose.NotNeeded, match="gone"):
        compose.compose(delivery)


def test_who_may_no_longer_log_in_is_told_nothing_more(
    cast: Any, account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    delivery = of(subscribe(make_channel("bob")), make_finding(account))
    cast["bob"].is_active = False
    cast["bob"].save()
    fresh = Delivery.objects.get(pk=delivery.pk)
    with pytest.raises(compose.NotNeeded, match="off"):
        compose.compose(fresh)


@pytest.mark.parametrize(
    ("state", "kind", "told"),
    [
        ("open", "opened", True), ("acknowledged", "opened", True), ("resolved", "opened", False),
        ("withdrawn", "opened", False), ("suppressed", "extended", False),
        ("open", "reminder", True), ("acknowledged", "reminder", False), ("acknowledged", "escalated", False),
    ],
)  # fmt: skip
def test_what_was_dealt_with_meanwhile_is_not_told(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make, state: str, kind: str, told: bool
) -> None:
    delivery = of(subscribe(make_channel()), make_finding(account, state=state), kind)
    if told:
        assert compose.compose(delivery).event_type == f"finding.{kind}"
    else:
        with pytest.raises(compose.NotNeeded, match="settled"):
            compose.compose(delivery)


def test_hostile_events_stay_text(
    account: NexmoAccount, add_event: Make, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    hostile = "<!channel> @everyone [x](https://evil.example) `rm`\r\nBcc: a@b.example\u202e"
    event = add_event(account, 1, user_email=hostile, event_type="X", event_type_description=hostile)
    NexmoAccount.objects.filter(pk=account.pk).update(name="A @here <b>")
    message = compose.compose(of(subscribe(make_channel()), make_finding(account, events=[event])))
    text = message.title + message.body
    for part in ("<!", "@everyone", "@here", "](", "https://evil", "`", "\r", "\u202e", "\nBcc"):
        assert part not in text, part
    assert message.data["finding"]["events"][0]["user_email"].startswith("<!channel>"), "machines get it as it is"


def test_messages_are_bounded(
    account: NexmoAccount, add_event: Make, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    from events.alerts.messages import texts

    events = [add_event(account, number, user_email=f"{number}{'x' * 200}@example.com") for number in range(1, 60)]
    message = compose.compose(of(subscribe(make_channel()), make_finding(account, events=events)))
    assert len(message.body) <= texts.MOST_BODY + 2
    assert message.body.endswith("/")
    assert len(message.data["finding"]["events"]) == facts.MOST_EVENTS


def test_digest_tells_the_worst_first_and_leaves_out_what_is_gone(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    findings = [
        make_finding(account, severity=Severity.LOW),
        make_finding(account, severity=Severity.CRITICAL),
        make_finding(account, state="resolved"),
        make_finding(NexmoAccount.objects.get(api_key="demo0003")),
    ]
    digest = of(subscribe(make_channel(), pace="daily"), None, "digest")
    for finding in findings:
        digest.items.create(finding=finding)
    message = compose.compose(digest)
    assert message.title == "Summary: 2 findings"
    assert [told["severity"] for told in message.data["findings"]] == ["critical", "low"]
    assert message.severity == Severity.CRITICAL


def test_digest_with_nothing_left_is_not_sent(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    digest = of(subscribe(make_channel(), pace="daily"), None, "digest")
    digest.items.create(finding=make_finding(account, state="resolved"))
    with pytest.raises(compose.NotNeeded):
        compose.compose(digest)


def test_no_secret_of_an_account_or_channel_is_told(
    account: NexmoAccount, make_finding: Make, make_channel: Make, subscribe: Make
) -> None:
    channel = make_channel(address="https://hooks.example.com/hunter2")
    told = everything(compose.compose(of(subscribe(channel), make_finding(account))))
    assert "hunter2" not in told
    assert account.api_secret not in told


def test_time_of_finding_is_that_of_the_visible_part(cast: Any, make_finding: Any) -> None:
    mine, hidden = (NexmoAccount.objects.get(api_key=key) for key in ("demo0001", "demo0003"))
    finding = make_finding(hidden, mine)
    joined = finding.found_at + timedelta(hours=3)
    finding.parts.filter(account=mine).update(found_at=joined)

    told = facts_of(finding, [mine])

    assert told
    assert bodies.finding(told)["found_at"] == bodies.time(joined)


def test_large_digest_counts_what_it_does_not_list(
    account: NexmoAccount,
    make_finding: Make,
    make_channel: Make,
    subscribe: Make,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Any,
) -> None:
    monkeypatch.setattr(compose, "MOST_FINDINGS", 2)
    digest = of(subscribe(make_channel()), None, "digest")
    for severity in (Severity.LOW, Severity.HIGH, Severity.LOW, Severity.CRITICAL):
        digest.items.create(finding=make_finding(account, severity=severity))

    with django_assert_max_num_queries(20):
        message = compose.compose(digest)

    assert message.title == "Summary: 4 findings"
    assert [told["severity"] for told in message.data["findings"]] == ["critical", "high"]
    assert message.data["finding_count"] == 4
    assert "2 more findings" in message.body
