"""New events of saved views: each told once, with the holder's own sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.models import NexmoAccount
from events.alerts import follow, route
from events.alerts.messages import compose
from events.models import Delivery, SavedView, Subscription, SubscriptionCursor
from tests.alerts.conftest import head_of, states

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]
QUERY = "event_type=ACCOUNT_SECRET_CREATE"
SECRET_MADE = {"event_type": "ACCOUNT_SECRET_CREATE", "event_type_description": "API secret created"}


@pytest.fixture
def view(cast: Any) -> SavedView:
    made: SavedView = SavedView.objects.create(owner=cast["alice"], name="Secrets made", query=QUERY)
    return made


@pytest.fixture
def followed(
    account: NexmoAccount, view: SavedView, add_event: Make, make_channel: Make, subscribe: Make
) -> Subscription:
    """Alice's subscription to it, made after an event that is therefore no news."""
    add_event(account, 1, **SECRET_MADE)
    subscription: Subscription = subscribe(make_channel(), what="view", view=view)
    follow.begin(subscription)
    return subscription


def count() -> int:
    return sum(
        sum(number for _, number in content["counts"]) for content in Delivery.objects.values_list("content", flat=True)
    )


def test_what_is_archived_already_is_not_told(followed: Subscription) -> None:
    follow.follow_views()
    assert states() == []


def test_new_events_are_told_once_and_others_not(
    followed: Subscription, account: NexmoAccount, add_event: Make
) -> None:
    add_event(account, 2, **SECRET_MADE)
    add_event(account, 3)
    add_event(account, 4, **SECRET_MADE)
    follow.follow_views()
    follow.follow_views()
    assert states() == [("view", "waiting")]
    assert count() == 2
    assert SubscriptionCursor.objects.get(account=account).seq == head_of(account)
    message = compose.compose(Delivery.objects.get())
    assert message.event_type == "view.matched"
    assert "2" in message.title
    assert "Secrets made" in message.title
    assert "Created an API secret" in message.body


def test_late_event_is_new_whatever_its_time(followed: Subscription, account: NexmoAccount, add_event: Make) -> None:
    add_event(account, 2, created_at="2020-01-01T00:00:00", **SECRET_MADE)
    follow.follow_views()
    assert count() == 1


def test_many_events_are_read_in_pieces_and_all_counted(
    followed: Subscription, account: NexmoAccount, add_event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "MOST_AT_ONCE", 2)
    for number in range(2, 7):
        add_event(account, number, **(SECRET_MADE if number != 3 else {}))
    follow.follow_views()
    assert count() == 4


def test_piece_without_a_match_does_not_end_the_reading(
    followed: Subscription, account: NexmoAccount, add_event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "MOST_AT_ONCE", 1)
    add_event(account, 2)
    add_event(account, 3)
    add_event(account, 4, **SECRET_MADE)
    follow.follow_views()
    assert count() == 1


def test_crash_before_the_cursor_moves_loses_and_doubles_nothing(
    followed: Subscription, account: NexmoAccount, add_event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_event(account, 2, **SECRET_MADE)

    def crash(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(follow, "_tell", crash)
        with pytest.raises(SystemExit):
            follow.follow_views()
    assert states() == []
    follow.follow_views()
    assert count() == 1


def test_two_workers_at_once_tell_once(
    followed: Subscription, account: NexmoAccount, add_event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_event(account, 2, **SECRET_MADE)
    matches = follow._matches

    def slow(*values: Any) -> Any:
        found = matches(*values)
        with monkeypatch.context() as patch:
            patch.setattr(follow, "_matches", matches)
            follow.follow(followed)  # another one is quicker
        return found

    monkeypatch.setattr(follow, "_matches", slow)
    follow.follow(followed)
    assert states() == [("view", "waiting")]


def test_who_is_overtaken_in_one_account_leaves_the_others_to_the_next_look(
    followed: Subscription, account: NexmoAccount, add_event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = NexmoAccount.objects.get(api_key="demo0002")
    add_event(account, 2, **SECRET_MADE)
    add_event(second, 3, **SECRET_MADE)
    matches = follow._matches

    def slow(*values: Any) -> Any:
        SubscriptionCursor.objects.filter(account=second).update(seq=head_of(second))
        return matches(*values)

    with monkeypatch.context() as patch:
        patch.setattr(follow, "_matches", slow)
        assert not follow.follow(followed)
    assert states() == []
    follow.follow_views()
    assert count() == 1


def test_account_that_is_shared_later_is_followed_from_then_on(
    followed: Subscription, cast: Any, add_event: Make
) -> None:
    other = NexmoAccount.objects.get(api_key="demo0003")
    add_event(other, 10, **SECRET_MADE)
    NexmoAccount.objects.filter(pk=other.pk).update(owner=cast["alice"])
    follow.follow_views()
    assert states() == []
    add_event(other, 11, **SECRET_MADE)
    follow.follow_views()
    assert count() == 1


def test_events_of_an_account_that_is_lost_before_sending_are_not_told(
    followed: Subscription, cast: Any, account: NexmoAccount, add_event: Make
) -> None:
    second = NexmoAccount.objects.get(api_key="demo0002")
    add_event(account, 2, **SECRET_MADE)
    add_event(second, 3, user_email="other@example.com", **SECRET_MADE)
    follow.follow_views()
    NexmoAccount.objects.filter(pk=second.pk).update(owner=cast["charlie"])
    message = compose.compose(Delivery.objects.get())
    assert message.data["event_count"] == 1
    assert "other@example.com" not in message.body + str(message.data)
    NexmoAccount.objects.filter(pk=account.pk).update(owner=cast["charlie"])
    account.teams.clear()
    with pytest.raises(compose.NotNeeded):
        compose.compose(Delivery.objects.get())


def test_view_that_is_no_longer_shared_tells_nothing_and_says_so(
    cast: Any, view: SavedView, account: NexmoAccount, team: Group, add_event: Make, make_channel: Make, subscribe: Make
) -> None:
    add_event(account, 1)
    subscription = subscribe(make_channel(team), what="view", view=view)
    follow.begin(subscription)
    add_event(account, 2, **SECRET_MADE)
    follow.follow_views()
    subscription.refresh_from_db()
    assert (states(), subscription.problem) == ([], "hidden")

    SavedView.objects.update(team=team)
    add_event(account, 3, **SECRET_MADE)
    follow.follow_views()
    subscription.refresh_from_db()
    assert (count(), subscription.problem) == (1, "")


def test_view_that_names_a_foreign_account_tells_nothing_and_says_so(
    followed: Subscription, view: SavedView, account: NexmoAccount, add_event: Make
) -> None:
    SavedView.objects.update(query=f"{QUERY}&account=demo0003")
    add_event(account, 2, **SECRET_MADE)
    follow.follow_views()
    followed.refresh_from_db()
    assert (states(), followed.problem) == ([], "unreadable")


def test_daily_view_is_told_with_others(followed: Subscription, account: NexmoAccount, add_event: Make) -> None:
    Subscription.objects.update(pace="daily")
    add_event(account, 2, **SECRET_MADE)
    follow.follow_views()
    add_event(account, 3, **SECRET_MADE)
    follow.follow_views()
    assert states() == [("digest", "waiting")]
    message = compose.compose(Delivery.objects.get())
    assert (message.event_type, message.data["event_count"]) == ("digest", 2)


def test_what_a_new_account_brings_at_once_goes_out_together(
    followed: Subscription, account: NexmoAccount, add_event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "MOST_AN_HOUR", 2)
    monkeypatch.setattr(follow, "MOST_AT_ONCE", 1)
    for number in range(2, 7):
        add_event(account, number, **SECRET_MADE)
    follow.follow_views()
    assert states() == [("view", "waiting"), ("view", "waiting"), ("digest", "waiting")]
    digest = Delivery.objects.get(kind="digest")
    assert compose.compose(digest).title == "Summary: 3 events"
