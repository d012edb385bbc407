"""What is asked for many users at once is what is asked for each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import NexmoAccount
from events.detection.evaluation.reader import Reader
from events.detection.evaluation.seen import Seen, What, follow
from events.reading.rows import as_time
from tests.conftest import NOON, add_numbered

pytestmark = pytest.mark.django_db

ANN, BOB, NOBODY = "ann@example.com", "bob@example.com", "nobody@example.com"
STEP = timedelta(hours=7, minutes=13, seconds=59, microseconds=999_999)
FIRST, LAST = NOON + 20 * STEP, NOON + 80 * STEP


@pytest.fixture
def reader(account: NexmoAccount) -> Reader:
    other = NexmoAccount.objects.create(name="Other", api_key="other001", owner=account.owner)
    for place, (name, where) in enumerate([(ANN, account), (BOB, account), (ANN, other)]):
        add_numbered(
            where,
            range(place * 100, place * 100 + 100),
            user_email=name,
            created_at=lambda number: (NOON + number % 100 * STEP).isoformat().removesuffix("+00:00"),
        )
    return Reader({account.pk: 150, other.pk: 100})  # the last fifty of Bob's do not count yet


def test_minutes_of_the_day_of_the_latest_events(reader: Reader, account: NexmoAccount) -> None:
    asked = [(account.pk, user, FIRST, LAST, most) for user, most in ((BOB, 500), (ANN, 7), (NOBODY, 5), (ANN, 500))]

    found = reader.latest_minutes(asked)

    for (_, user, _, _, most), minutes in zip(asked, found, strict=True):
        moments = [moment for moment in map(as_time, reader.moments(account.pk, user, FIRST, LAST)) if moment < LAST]
        assert sorted(minutes) == sorted(moment.hour * 60 + moment.minute for moment in moments[-most:])
    assert list(map(len, found)) == [30, 7, 0, 60]


def test_users_are_counted_in_whatever_account(reader: Reader) -> None:
    spans = [(user, FIRST, LAST) for user in (BOB, NOBODY, ANN)]

    assert reader.count_moments(spans) == [61, 0, 122]
    assert reader.count_moments([]) == reader.latest_minutes([]) == []


def test_first_with_a_value_is_the_earliest_in_whatever_order_they_come(reader: Reader, account: NexmoAccount) -> None:
    facts = reader.in_chain(account.pk, 0, 150)
    users, addresses = (Seen(What((name,), None), account.pk) for name in ("user_email", "source_ip"))

    follow([users, addresses], [*facts[60:], *facts[:60]], 150)

    assert users.news == {facts[0].pk, facts[100].pk}
    assert addresses.news == {facts[0].pk}
    assert users.displaced == []
