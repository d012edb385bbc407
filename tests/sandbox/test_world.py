"""The world of the sandbox: deterministic, growing only at its new end, and consistent in itself."""

from __future__ import annotations

import ipaddress
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from events.sandbox.people import country_of
from events.sandbox.shape import EVENT_TYPES
from events.sandbox.world import World

START = date(2024, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
Event = dict[str, Any]


def make(now: datetime = NOON, **changes: Any) -> World:
    options: dict[str, Any] = {"accounts": 5, "events": 6_000, "seed": 1, "start": START} | changes
    world = World(**options)
    world.advance(now)
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return make()


def oldest_first(world: World, key: str) -> list[Event]:
    return world.accounts[key].events()[::-1]


def everything(world: World) -> Iterator[Event]:
    for key in world.accounts:
        yield from oldest_first(world, key)


def test_same_seed_gives_the_same_events(world: World) -> None:
    assert list(everything(make())) == list(everything(world))


def test_another_seed_gives_other_events(world: World) -> None:
    ids = {event["id"] for event in everything(world)}
    assert ids.isdisjoint(event["id"] for event in everything(make(seed=2)))


@pytest.mark.parametrize("later", [timedelta(minutes=90), timedelta(hours=13), timedelta(days=9)])
def test_a_later_moment_only_appends(world: World, later: timedelta) -> None:
    grown = make(NOON + later)
    for key in world.accounts:
        before, after = oldest_first(world, key), oldest_first(grown, key)
        assert after[: len(before)] == before
    assert later < timedelta(days=1) or len(list(everything(grown))) > len(list(everything(world)))


def test_advancing_step_by_step_tells_the_same_story_as_at_once() -> None:
    stepped = make(NOON - timedelta(days=3), events=2_000)
    for hours in range(1, 73):
        stepped.advance(NOON - timedelta(days=3) + timedelta(hours=hours))
    assert list(everything(stepped)) == list(everything(make(events=2_000)))


def test_no_event_lies_in_the_future(world: World) -> None:
    assert max(event["created_at"] for event in everything(world)) <= "2026-11-22T12:00:00"


def test_events_begin_on_the_first_day(world: World) -> None:
    assert "2024-11-22" <= min(event["created_at"] for event in everything(world)) < "2024-11-26"


def test_number_of_events_is_about_what_was_asked() -> None:
    sizes = [len(account.store.rows) for account in make(events=20_000).accounts.values()]
    assert 19_000 < sum(sizes) < 21_000
    assert [round(size / sum(sizes), 2) for size in sizes] == pytest.approx([0.42, 0.27, 0.17, 0.11, 0.03], abs=0.02)


def test_twenty_thousand_events_are_made_quickly() -> None:
    begin = time.process_time()
    make(events=20_000)
    assert time.process_time() - begin < 5  # 0.7 s on a slow core; generous, for shared machines


def test_hundreds_of_accounts_have_events_and_their_own_names() -> None:
    world = make(accounts=200, events=4_000)
    assert len({account.name for account in world.accounts.values()}) == 200
    assert sum(bool(account.store.rows) for account in world.accounts.values()) > 190


def test_ids_are_unique(world: World) -> None:
    ids = [event["id"] for event in everything(world)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", id) for id in ids)


def test_events_have_the_shape_of_the_vendors_samples(world: World) -> None:
    dashboard = [
        "_links", "id", "event_type", "event_type_description", "created_at", "user_email", "user_id",
        "account_id", "source", "source_ip", "source_description", "source_country",
    ]  # fmt: skip
    machine = [key for key in dashboard if not key.startswith("user_")]
    for key in world.accounts:
        for event in oldest_first(world, key):
            keys = [each for each in event if each != "context"]
            assert keys == (dashboard if event["source"] == "CD" else machine)
            assert list(event)[-1] == "context" or "context" not in event
            assert event["account_id"] == key
            assert (
                event["source_description"] == {"CD": "Customer dashboard", "DEVAPI": "Developer API"}[event["source"]]
            )
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", event["created_at"])
            assert event["_links"] == {"self": {"href": f"http://api.nexmo.com/beta/audit/events/{event['id']}"}}


def test_nearly_every_type_occurs(world: World) -> None:
    seen = {event["event_type"] for event in everything(world)}
    assert set(EVENT_TYPES) - seen == {"ACCOUNT_UPDATE_SPAMMER"}
    assert seen - set(EVENT_TYPES) == {"ACCOUNT_UPDATE_SETTINGS"}


def test_logins_are_most_frequent_and_absent_without_premium_support(world: World) -> None:
    for key, account in world.accounts.items():
        counts = Counter(event["event_type"] for event in account.events())
        if account.premium:
            assert counts.most_common(1)[0][0] == "USER_LOGIN"
        else:
            assert key == "demo0004"
            assert not counts["USER_LOGIN"] and not counts["USER_LOGOUT"]


def test_numbers_are_only_used_while_they_are_held(world: World) -> None:
    for key in world.accounts:
        held: set[str] = set()
        linked: dict[str, str] = {}
        for event in oldest_first(world, key):
            kind, context = event["event_type"], event.get("context", {})
            number = str(context.get("msisdn"))
            if kind == "NUMBER_ASSIGN":
                assert number not in held
                held.add(number)
            elif kind in ("NUMBER_RELEASE", "NUMBER_USER_CANCELED"):
                held.remove(number)
                assert number not in linked
            elif kind == "NUMBER_UPDATED":
                assert number in held
            elif kind == "NUMBER_LINKED":
                assert number in held and number not in linked
                linked[number] = context["applicationId"]
            elif kind == "NUMBER_UNLINKED":
                assert linked.pop(number) == context["applicationId"]


def test_applications_are_only_used_while_they_exist(world: World) -> None:
    for key in world.accounts:
        alive: set[str] = set()
        disabled: set[str] = set()
        for event in oldest_first(world, key):
            kind, context = event["event_type"], event.get("context", {})
            app = context.get("appId") or context.get("applicationId")
            if kind == "APP_CREATE":
                alive.add(app)
            elif kind == "APP_DELETE":
                alive.remove(app)
                disabled.discard(app)
            elif kind == "APP_DISABLE":
                assert app in alive and app not in disabled
                disabled.add(app)
            elif kind == "APP_ENABLE":
                disabled.remove(app)
            elif app and kind in ("APP_UPDATE", "NUMBER_LINKED", "NUMBER_UNLINKED"):
                assert app in alive


def test_people_act_only_between_their_creation_and_their_end(world: World) -> None:
    for key in world.accounts:
        created: dict[str, str] = {}
        gone: set[str] = set()
        acted: set[str] = set()
        for event in oldest_first(world, key):
            who, context = event.get("user_email"), event.get("context", {})
            assert who not in gone
            if who:
                acted.add(who)
            if event["event_type"] == "USER_CREATE":
                assert context["email"] not in acted
                created[context["email"]] = event["created_at"]
            if event["event_type"] == "USER_STATUS":
                gone.add(context["email"])


def test_addresses_are_reserved_ones_and_keep_their_country(world: World) -> None:
    reserved = [
        ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    ]
    versions = set()
    for event in everything(world):
        address = ipaddress.ip_address(event["source_ip"])
        versions.add(address.version)
        assert any(address in net for net in reserved if net.version == address.version)
        assert country_of(event["source_ip"]) == event["source_country"]
    assert versions == {4, 6}


def test_no_real_domain_and_no_real_telephone_number(world: World) -> None:
    drama = re.compile(
        r"447700900\d{3}|1\d{3}55501\d\d|3363998\d{4}|(493023125|496990009|498999998)\d{3}"
        r"|61(2555|2701)0\d{4}|3532091\d{5}|(463139006|468465004)\d\d"
    )
    for account in world.accounts.values():
        for row in account.store.rows:
            text = row.body.decode().replace("http://api.nexmo.com", "")
            for domain in re.findall(r"(?:@|//)([a-z0-9.-]+)", text):
                assert not domain or re.search(r"example\.(com|net|org)$", domain), domain
            for number in re.findall(r'"(?:msisdn|query|phone)":"(\d+)"', text):
                assert drama.fullmatch(number), number


def test_people_work_on_weekdays_in_their_own_zone(world: World) -> None:
    events = oldest_first(world, "demo0002")  # New York, five hours behind UTC
    local = [datetime.fromisoformat(event["created_at"]) - timedelta(hours=5) for event in events]
    assert sum(moment.weekday() < 5 for moment in local) > 0.9 * len(local)
    assert sum(8 <= moment.hour < 19 for moment in local) > 0.7 * len(local)


def test_application_names_are_not_all_ascii(world: World) -> None:
    names = "".join(
        event["context"]["created"]["name"] for event in everything(world) if event["event_type"] == "APP_CREATE"
    )
    assert all(letter in names for letter in "éß日本")


def test_one_account_rotates_its_secret_properly(world: World) -> None:
    secrets = [event for event in oldest_first(world, "demo0001") if event["event_type"].startswith("ACCOUNT_SECRET")]
    assert [event["event_type"] for event in secrets] == ["ACCOUNT_SECRET_CREATE", "ACCOUNT_SECRET_DELETE"]
    created, deleted = (datetime.fromisoformat(event["created_at"]) for event in secrets)
    assert timedelta(days=2) < deleted - created < timedelta(days=8)
    assert secrets[0]["context"] != secrets[1]["context"]


def test_takeover_reads_as_one(world: World) -> None:
    takeover = world.takeover
    assert takeover is not None and takeover.api_key == "demo0003"
    assert takeover.started_at.date() == START + timedelta(days=718)
    by_id = {event["id"]: event for event in oldest_first(world, "demo0003")}
    attack = [by_id[event_id] for event_id in takeover.event_ids]
    assert [event["event_type"] for event in attack[:4]] == [
        "USER_LOGIN", "ACCOUNT_SECRET_CREATE", "IP_WHITELIST_CREATE", "AUTORELOAD_UPDATE",
    ]  # fmt: skip
    assert {event["event_type"] for event in attack[4:]} == {"NUMBER_ASSIGN"} and len(attack) == 44
    assert attack[2]["context"] == {"ip": "0.0.0.0/0"}
    first, last = (datetime.fromisoformat(attack[at]["created_at"]) for at in (4, -1))
    assert last - first < timedelta(minutes=10)
    assert first.replace(tzinfo=UTC) - takeover.started_at < timedelta(minutes=15)


def test_takeover_comes_from_an_address_and_a_country_never_seen_before(world: World) -> None:
    takeover = world.takeover
    assert takeover is not None
    others = [event for event in oldest_first(world, "demo0003") if event["id"] not in takeover.event_ids]
    assert takeover.source_ip not in {event["source_ip"] for event in others}
    assert takeover.source_country not in {event["source_country"] for event in others}
    assert takeover.user_email in {event.get("user_email") for event in others}
    usual = [event["context"]["amount"] for event in others if event["event_type"].startswith("AUTORELOAD")]
    assert max(usual) < 2000


def test_takeover_is_undone_the_next_morning(world: World) -> None:
    takeover = world.takeover
    assert takeover is not None
    by_id = {event["id"]: event for event in oldest_first(world, "demo0003")}
    attack = [by_id[event_id] for event_id in takeover.event_ids]
    undoing = [by_id[event_id] for event_id in takeover.cleanup_ids]
    bought = {event["context"]["msisdn"] for event in attack if event["event_type"] == "NUMBER_ASSIGN"}
    assert bought == {event["context"]["msisdn"] for event in undoing if event["event_type"] == "NUMBER_RELEASE"}
    created = next(event for event in attack if event["event_type"] == "ACCOUNT_SECRET_CREATE")
    deleted = next(event for event in undoing if event["event_type"] == "ACCOUNT_SECRET_DELETE")
    assert created["context"] == deleted["context"]
    assert deleted["user_email"] != takeover.user_email
    assert deleted["created_at"][:10] == created["created_at"][:10]


def test_takeover_is_none_while_its_day_has_not_come() -> None:
    assert make(datetime(2025, 1, 1, tzinfo=UTC)).takeover is None
    assert make(accounts=2, events=100).takeover is None


# --- the takeover, played live


def played(world: World, key: str = "demo0001", pace: float = 10, now: datetime = NOON) -> tuple[Any, list[Event]]:
    """The takeover and its events, once all of them are listed."""
    takeover, _ = world.attack(key, pace, now)
    world.advance(now + timedelta(minutes=20))
    by_id = {event["id"]: event for event in oldest_first(world, key)}
    return takeover, [by_id[event_id] for event_id in takeover.event_ids]


def test_live_takeover_has_the_steps_of_the_story_in_their_order() -> None:
    world = make()
    told = world.takeover
    assert told is not None
    story = {event["id"]: event for event in oldest_first(world, "demo0003")}
    _, attack = played(world)
    assert [event["event_type"] for event in attack] == [story[each]["event_type"] for each in told.event_ids]
    assert [event["source"] for event in attack] == ["CD"] * 4 + ["DEVAPI"] * 40
    assert len({event["context"]["msisdn"] for event in attack[4:]}) == 40


@pytest.mark.parametrize(("pace", "least", "most"), [(1, 300, 900), (10, 30, 90), (100, 4, 12)])
def test_live_takeover_takes_as_long_as_its_pace_says(pace: float, least: int, most: int) -> None:
    _, attack = played(make(), pace=pace)
    times = [datetime.fromisoformat(event["created_at"]).replace(tzinfo=UTC) for event in attack]
    assert times[0] == NOON and least <= (times[-1] - NOON).total_seconds() <= most
    assert times == sorted(times) and len(set(times[:5])) == 5  # a sequence that is ordered by time


def test_live_takeover_is_listed_one_event_after_another() -> None:
    world = make()
    before = len(oldest_first(world, "demo0001"))
    takeover, _ = world.attack("demo0001", 10, NOON)
    listed = []
    for seconds in (0, 20, 90):
        world.advance(NOON + timedelta(seconds=seconds))
        now_there = {event["id"] for event in oldest_first(world, "demo0001")}
        listed.append(len(now_there & set(takeover.event_ids)))
    assert listed[0] == 1 and 1 < listed[1] < 44 and listed[2] == 44
    assert len(oldest_first(world, "demo0001")) >= before + 44


def test_live_takeover_changes_nothing_of_the_story() -> None:
    world, later = make(), NOON + timedelta(days=2)
    takeover, _ = played(world)
    world.advance(later)
    told = [event for event in oldest_first(world, "demo0001") if event["id"] not in takeover.event_ids]
    assert told == oldest_first(make(later), "demo0001")


def test_live_takeover_comes_from_elsewhere_each_time() -> None:
    world = make()
    origins: set[str] = set()
    for number in range(3):
        before = {event["source_country"] for event in oldest_first(world, "demo0003")}
        takeover, attack = played(world, "demo0003", now=NOON + timedelta(hours=number))
        assert {event["source_country"] for event in attack} == {takeover.source_country}
        assert takeover.source_country not in before
        assert country_of(takeover.source_ip) == takeover.source_country
        origins.add(takeover.source_ip)
    assert len(origins) == 3


def test_live_takeover_shows_no_login_where_none_are_listed() -> None:
    _, attack = played(make(), "demo0004")
    assert [event["event_type"] for event in attack][:2] == ["ACCOUNT_SECRET_CREATE", "IP_WHITELIST_CREATE"]


def test_live_takeover_needs_people() -> None:
    with pytest.raises(ValueError, match="nobody works"):
        make(events=0).attack("demo0001", 10, NOON)


def test_no_events_makes_empty_accounts_and_so_does_empty() -> None:
    assert list(everything(make(events=0))) == []
    world = make(events=500, empty=("demo0002",))
    assert world.accounts["demo0002"].events() == [] and world.accounts["demo0001"].events()


def test_a_world_without_accounts_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one account"):
        make(accounts=0)
