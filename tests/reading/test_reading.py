"""Reading by branches, walks and candidates says the same as asking the database plainly, whatever is asked."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.models import AuditEvent
from events.nexmo.parse import parse_event
from events.nexmo.values import ip_key
from events.reading import candidates, count, counts, pages, plan, read_page, stream, trigrams
from events.reading.conditions import Conditions
from tests.conftest import NOON, event_json
from tests.reading.oracle import matching

TYPES = ("NUMBER_ASSIGN", "APP_CREATE", "USER_LOGIN", "")
USERS = ("a@example.com", "b@example.com", "")
SOURCES, COUNTRIES = ("CD", "DEVAPI"), ("GB", "ES", "")
ADDRESSES = ("192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1", "no address")
WORDS = ("Lisbon", "MÜNCHEN", 'say "hi"', "50%_off", "C:\\temp", "語", "zq", "é", "ᎠᎠᏏ", "ıstanbul")
# Searched texts, the words they want and the words they refuse.
ASKED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "lisbon": (("lisbon",), ()),
    "münchen": (("münchen",), ()),
    'say "hi"': (("say", "hi"), ()),
    '"say \\"hi\\""': (('"say "hi""',), ()),
    "50%_off": (("50%_off",), ()),
    "50%x": (("50%x",), ()),
    "c:\\temp": (("c:\\temp",), ()),
    "語": (("語",), ()),
    "zq": (("zq",), ()),
    "É": (("é",), ()),
    "ꭰꭰꮟ": (("ꭰꭰꮟ",), ()),
    "istanbul": (("istanbul",), ()),
    "absent": (("absent",), ()),
    "example.com": (("example.com",), ()),
    "APP_CREATE Lisbon": (("app_create", "lisbon"), ()),
    "lisbon  absent": (("lisbon", "absent"), ()),
    "zq CD b@": (("zq", "cd", "b@"), ()),
    "MÜNCHEN DEVAPI": (("münchen", "devapi"), ()),
    "-lisbon": ((), ("lisbon",)),
    "-é -zq": ((), ("é", "zq")),
    "example.com -münchen -a@": (("example.com",), ("münchen", "a@")),
    'GB -"app_create"': (("gb",), ("app_create",)),
    '"msisdn": "none': (('"msisdn": "none',), ()),
    '"note": "zq"': (('"note": "zq"',), ()),
    '"lisbon"},': (('"lisbon"},',), ()),
    'devapi "192.0.2.1': (("devapi", "192.0.2.1"), ()),
    "c:\\\\temp CD": (("c:\\temp", "cd"), ()),
}
TEXTS = ("", *ASKED)
SMALL = {plan: ("MOST_BRANCHES", 2), pages: ("FIRST_WALKED", 3), candidates: ("PROBED", 5)}


@pytest.fixture
def archived(cast: dict[str, Any]) -> list[NexmoAccount]:
    """120 events of three accounts, many of them within the same second."""
    dice = random.Random(7)
    accounts = list(NexmoAccount.objects.order_by("api_key")[:3])
    batches: dict[int, list[Any]] = {}
    for number in range(120):
        event = event_json(
            number,
            event_type=dice.choice(TYPES),
            created_at=(NOON + timedelta(seconds=dice.randrange(40) * 7_000)).strftime("%Y-%m-%dT%H:%M:%S"),
            user_email=dice.choice(USERS),
            source=dice.choice(SOURCES),
            source_country=dice.choice(COUNTRIES),
            source_ip=dice.choice(ADDRESSES),
            context={"note": dice.choice(WORDS)},
        )
        raw = json.dumps(event, ensure_ascii=number % 2 == 0)
        batches.setdefault(min(dice.randrange(6), 2), []).append(parse_event(raw, UTC))
    for number, events in batches.items():
        add_events(accounts[number], events, run=None, fetched_at=NOON)
    return accounts


@pytest.fixture(params=["few events", "many events"])
def small_steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So small limits that every way of reading is taken. Of many events, a sample says which way; then SQLite's index
    of texts is not asked about all of them, but along walks."""
    for module, (name, value) in SMALL.items():
        monkeypatch.setattr(module, name, value)
    if request.param == "many events":
        monkeypatch.setattr(trigrams, "SMALL", 1)
        monkeypatch.setattr(trigrams, "fts_query", lambda *_: "")
        monkeypatch.setattr(trigrams, "RARE", 2.0)
        monkeypatch.setattr(candidates, "STRETCH", 4)
        monkeypatch.setattr(candidates, "PROBED", 6)
        trigrams._samples.clear()
    monkeypatch.setattr(plan, "PROBED", 5)
    monkeypatch.setattr(pages, "MOST_WALKED", 9)
    monkeypatch.setattr(pages, "LEAST_WALKED", 2)
    monkeypatch.setattr(stream, "FIRST_CHUNK", 3)
    monkeypatch.setattr(stream, "CHUNK", 7)
    yield
    trigrams._samples.clear()


moments = st.none() | st.integers(0, 41).map(lambda step: NOON + timedelta(seconds=step * 7_000))


RANGES = (
    *((ip_key(address), ip_key(address)) for address in ADDRESSES[:4]),
    (ip_key("192.0.2.0"), ip_key("192.0.2.63")),
    (ip_key("2001:db8::"), ip_key("2001:db8::ff")),
)


def some(values: tuple[Any, ...]) -> Any:
    return st.lists(st.sampled_from(values), max_size=3).map(tuple)  # the same twice too


asked = st.builds(
    Conditions,
    accounts=st.none() | some(("0", "1", "2")),
    wanted=st.fixed_dictionaries(
        {
            "event_type": some(TYPES),
            "user_email": some(USERS),
            "source": some(SOURCES),
            "source_country": some(COUNTRIES),
            "source_ip": some(RANGES),
        }
    ),
    start=moments,
    end=moments,
    text=st.sampled_from(TEXTS),
    unwanted=st.lists(
        st.sampled_from(
            (
                ("event_type", TYPES[:2]),
                ("user_email", USERS[:1]),
                ("source", SOURCES[:1]),
                ("source_country", COUNTRIES[1:]),
                ("source_ip", RANGES[4:5]),
            )
        ),
        max_size=2,
        unique=True,
    ).map(dict),
    new_country=st.sampled_from((False, False, True)),
)


def with_accounts(conditions: Conditions, accounts: list[NexmoAccount]) -> Conditions:
    if conditions.accounts is None:
        return conditions
    return dataclasses.replace(conditions, accounts=tuple(accounts[int(number)].pk for number in conditions.accounts))


def plainly(conditions: Conditions) -> list[int]:
    """The keys that match, by a plain query; what is new is told by going through all of them from the first."""
    plain = dataclasses.replace(conditions, new_country=False)
    found = list(matching(AuditEvent.objects.all(), plain).newest_first().values_list("pk", flat=True))
    if conditions.new_country:
        first: dict[tuple[Any, ...], int] = {}
        every = AuditEvent.objects.order_by("created_at", "id")
        for pk, *who in every.values_list("pk", "account", "user_email", "source_country"):
            if all(who):
                first.setdefault(tuple(who), pk)
        found = [pk for pk in found if pk in first.values()]
        assert list(matching(AuditEvent.objects.all(), conditions).newest_first().values_list("pk", flat=True)) == found
    return found


def walk_older(conditions: Conditions, size: int, before: pages.Cursor | None = None) -> Iterator[list[int]]:
    for _ in range(200):
        page = read_page(conditions, size, before=before)
        assert len(page.rows) == size or page.searched_back_to or not page.older
        yield [row.pk for row in page.rows]
        if page.older is None:
            return
        before = page.older
    raise AssertionError("the pages never end")


def walk_newer(conditions: Conditions, size: int, after: pages.Cursor | None = None) -> Iterator[list[int]]:
    after = after or pages.Cursor(datetime(1970, 1, 1, tzinfo=UTC), 0)
    for _ in range(200):
        page = read_page(conditions, size, after=after)
        yield [row.pk for row in page.rows]
        if page.newer is None:
            return
        after = page.newer
    raise AssertionError("the pages never end")


def flat(found: Iterator[list[int]]) -> list[int]:
    return [pk for page in found for pk in page]


REUSED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@REUSED
@given(conditions=asked, size=st.integers(1, 11))
def test_pages_hold_every_match_once_and_in_order(
    archived: list[NexmoAccount], small_steps: None, conditions: Conditions, size: int
) -> None:
    conditions = with_accounts(conditions, archived)
    expected = plainly(conditions)

    assert flat(walk_older(conditions, size)) == expected
    newer = [pk for page in walk_newer(conditions, size) for pk in page[::-1]]
    assert newer == expected[::-1]


in_texts = st.builds(
    Conditions,
    accounts=st.none() | some(("0", "1", "2")),
    wanted=st.fixed_dictionaries({"event_type": st.just(()) | some(TYPES)}),
    start=moments,
    text=st.sampled_from([text for text in TEXTS if len(text) > 3]),
    oldest_first=st.booleans(),
)


@REUSED
@given(conditions=in_texts, size=st.integers(1, 5))
def test_pages_of_a_searched_text_hold_every_match_once_and_in_order(
    archived: list[NexmoAccount], small_steps: None, conditions: Conditions, size: int
) -> None:
    conditions = with_accounts(conditions, archived)
    expected = plainly(dataclasses.replace(conditions, oldest_first=False))

    assert flat(walk_older(dataclasses.replace(conditions, oldest_first=False), size)) == expected
    newer = [pk for page in walk_newer(conditions, size) for pk in (page if conditions.oldest_first else page[::-1])]
    assert newer == expected[::-1]


@REUSED
@given(conditions=asked, size=st.integers(1, 11), place=st.integers(0, 119))
def test_pages_beside_any_row_are_its_neighbours(
    archived: list[NexmoAccount], small_steps: None, conditions: Conditions, size: int, place: int
) -> None:
    conditions = with_accounts(conditions, archived)
    expected = plainly(conditions)
    if not expected:
        return
    place %= len(expected)
    row = AuditEvent.objects.get(pk=expected[place])
    beside = pages.Cursor(row.created_at, row.pk)

    assert flat(walk_older(conditions, size, beside)) == expected[place + 1 :]
    assert [pk for page in walk_newer(conditions, size, beside) for pk in page[::-1]] == expected[:place][::-1]


@REUSED
@given(conditions=asked)
def test_exports_hold_every_match_once_and_in_order(
    archived: list[NexmoAccount], small_steps: None, conditions: Conditions
) -> None:
    conditions = with_accounts(conditions, archived)
    expected = plainly(conditions)

    assert [row.pk for row in stream.stream_rows(conditions)] == expected
    assert len(list(stream.stream_raw(conditions))) == len(expected)


@REUSED
@given(conditions=asked)
def test_counts_are_right_or_say_that_there_may_be_more(
    archived: list[NexmoAccount], small_steps: None, conditions: Conditions
) -> None:
    conditions = with_accounts(conditions, archived)
    expected = len(plainly(conditions))

    found = count(conditions, shown=len(read_page(conditions, 5).rows))

    assert found.number <= expected if found.at_least else found.number == expected


@REUSED
@given(conditions=asked)
def test_usual_limits_read_all_of_a_small_archive_at_once(archived: list[NexmoAccount], conditions: Conditions) -> None:
    conditions = with_accounts(conditions, archived)
    expected = plainly(conditions)

    page = read_page(conditions, 200)

    assert [row.pk for row in page.rows] == expected
    assert (page.searched_back_to, page.older, page.newer) == (None, None, None)
    if not conditions.text:
        assert count(conditions) == counts.Count(len(expected))


@pytest.mark.parametrize("text", ASKED)
def test_every_wanted_word_is_there_and_no_refused_one(archived: list[NexmoAccount], text: str) -> None:
    wanted, refused = ASKED[text]
    told = {event.pk: (event.searchable or event.raw).casefold() for event in AuditEvent.objects.all()}
    expected = {
        pk
        for pk, words in told.items()
        if all(word.casefold() in words for word in wanted) and not any(word.casefold() in words for word in refused)
    }

    assert set(plainly(Conditions(text=text))) == expected
    assert {row.pk for row in read_page(Conditions(text=text), 200).rows} == expected


def test_many_accounts_are_read_by_those_that_are_ahead(
    cast: dict[str, Any], add_event: Callable[..., AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST_BRANCHES", 3)
    accounts = [
        NexmoAccount.objects.create(owner=cast["alice"], name=f"A{n}", api_key=f"many{n:04d}", api_secret="x")
        for n in range(12)
    ]
    for number in range(48):
        # The first account is silent since long; several events share each second.
        at = NOON + timedelta(minutes=number // 4)
        owner = accounts[0] if number < 4 else accounts[1 + number * 7 % 11]
        add_event(owner, number, created_at=at.strftime("%Y-%m-%dT%H:%M:%S"))
    conditions = Conditions(accounts=tuple(account.pk for account in accounts))

    assert flat(walk_older(conditions, 5)) == plainly(conditions)
    assert [row.pk for row in stream.stream_rows(conditions)] == plainly(conditions)


@pytest.mark.parametrize("size", [25, 200])
def test_very_many_accounts_with_an_event_in_one_second_are_listed(
    cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch, add_event: Callable[..., AuditEvent], size: int
) -> None:
    monkeypatch.setattr(plan, "MOST_ON_PAGE", 20)
    monkeypatch.setattr(plan, "MOST_BRANCHES", 10)
    accounts = [
        NexmoAccount.objects.create(owner=cast["alice"], name=f"A{n}", api_key=f"many{n:04d}", api_secret="x")
        for n in range(40)
    ]
    for account in accounts:
        add_event(account, 1)
    conditions = Conditions(accounts=tuple(account.pk for account in accounts))

    assert flat(walk_older(conditions, min(size, 19))) == plainly(conditions)


def test_page_beyond_the_newest_leads_back_to_it(account: NexmoAccount, add_event: Callable[..., AuditEvent]) -> None:
    newest = add_event(account, 1)
    conditions = Conditions(accounts=(account.pk,))

    page = read_page(conditions, 5, after=pages.Cursor(newest.created_at, newest.pk))

    assert page.rows == []
    assert [row.pk for row in read_page(conditions, 5, before=page.older).rows] == [newest.pk]


def test_page_that_ends_early_says_how_far_it_looked(
    account: NexmoAccount, add_event: Callable[..., AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_WALKED", 4)
    monkeypatch.setattr(pages, "FIRST_WALKED", 4)
    monkeypatch.setattr(candidates, "PROBED", 0)
    monkeypatch.setattr(pages, "LEAST_WALKED", 1)
    for number in range(10):
        add_event(account, number, context={"note": "wanted" if number == 1 else "other"})
    conditions = Conditions(accounts=(account.pk,), text="wanted")

    first = read_page(conditions, 5)
    second = read_page(conditions, 5, before=first.older)
    third = read_page(conditions, 5, before=second.older)

    assert (first.rows, first.searched_back_to) == ([], NOON + timedelta(minutes=6))
    assert (second.rows, second.searched_back_to) == ([], NOON + timedelta(minutes=2))
    assert [row.event_id for row in third.rows] == [event_json(1)["id"]]
    assert (third.searched_back_to, third.older) == (None, None)
