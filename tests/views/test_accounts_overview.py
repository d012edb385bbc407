"""The overview of accounts: its pictures, sorting, filtering, and what it costs."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts.models import NexmoAccount
from events.health import sparklines
from events.health.account_list import AccountFilter
from events.health.status import LEVELS, NEEDS_ATTENTION, TITLES, WORST_FIRST, statuses
from events.health.timeline import Stretch, Timeline, timelines
from events.models import DayCount, SyncRun, SyncState, SyncWindow
from events.nexmo.errors import CredentialsRefused
from events.reading import recent
from events.sync import coverage, state
from tests.tools.export import add_many
from tests.tools.pages import Add, Login, finished, text_of, violations

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


def keys(response: Any) -> list[str]:
    return re.findall(r'<tr data-account="([^"]*)"', response.content.decode())


def row(response: Any, key: str) -> str:
    return str(response.content.decode().split(f'data-account="{key}"')[1].split("</tr>")[0])


@pytest.fixture
def five(cast: dict[str, Any]) -> list[NexmoAccount]:
    """Accounts of the cast in five states: in order, never synced, refused, late, switched off."""
    first, second, third, fourth, fifth = NexmoAccount.objects.order_by("api_key")
    for account in (first, fourth):
        finished(account)
    now = timezone.now()
    coverage.add(first, None, now)
    coverage.add(fourth, None, now - timedelta(hours=7))
    SyncState.objects.filter(account=fourth).update(last_success_at=now - timedelta(hours=7))
    finished(third, CredentialsRefused("Invalid credentials", status=401), fingerprint="f")
    NexmoAccount.objects.filter(pk=fifth.pk).update(is_active=False)
    return [first, second, third, fourth, fifth]


# --- scope and summary -----------------------------------------------------------------------------------------


def test_bob_sees_only_what_is_shared_with_him(login: Login, five: list[NexmoAccount]) -> None:
    bob = login("bob")

    assert keys(bob.get("/accounts/")) == ["demo0001"]
    assert keys(bob.get("/accounts/?q=demo")) == ["demo0001"]
    assert "1 account " in text_of(bob.get("/accounts/"))
    assert keys(bob.get("/accounts/?q=demo0003")) == []


def test_what_is_wrong_is_said_at_a_glance(login: Login, five: list[NexmoAccount]) -> None:
    admin = login("admin")
    page = admin.get("/accounts/")

    assert "2 of 5 need attention" in text_of(page)
    (address,) = re.findall(r'<a id="attention" class="warn" href="([^"]*)"', page.content.decode())
    narrowed = admin.get(f"/accounts/{address}")
    assert set(keys(narrowed)) == {"demo0003", "demo0004"}
    assert "2 of 5 accounts shown" in text_of(narrowed)


def test_owner_and_teams_are_shown_to_who_manages_the_account(login: Login, account: NexmoAccount) -> None:
    account.teams.add(Group.objects.create(name="Zz team"))

    assert "owned by alice · shared with Messaging team, Zz team" in text_of(login("alice").get("/accounts/"))
    assert "owned by" not in text_of(login("bob").get("/accounts/"))
    assert "owned by" not in text_of(login("audrey").get("/accounts/"))


# --- sorting and filtering -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["demo0004", "demo0002", "demo0005", "demo0001", "demo0003"]),
        ("name", ["demo0004", "demo0002", "demo0005", "demo0001", "demo0003"]),
        ("-name", ["demo0003", "demo0001", "demo0005", "demo0002", "demo0004"]),
        ("-health", ["demo0003", "demo0004", "demo0002", "demo0001", "demo0005"]),
        ("health", ["demo0005", "demo0001", "demo0002", "demo0004", "demo0003"]),
        # Never known to be complete: the stalest of all, by name among themselves.
        ("freshness", ["demo0002", "demo0005", "demo0003", "demo0004", "demo0001"]),
        ("-events", ["demo0003", "demo0005", "demo0004", "demo0002", "demo0001"]),
        ("-recent", ["demo0005", "demo0003", "demo0004", "demo0002", "demo0001"]),
    ],
)
def test_accounts_are_sorted(
    login: Login, five: list[NexmoAccount], add_event: Add, sort: str, expected: list[str]
) -> None:
    yesterday = (timezone.now() - DAY).isoformat()
    for number in range(3):
        add_event(five[2], number, created_at="2026-01-01T00:00:00")
    add_event(five[2], 9, created_at=yesterday)
    for number in range(2):
        add_event(five[4], number, created_at=yesterday)

    assert keys(login("admin").get(f"/accounts/?sort={sort}")) == expected


def test_heads_say_how_the_list_is_sorted_and_turn_it_around(login: Login, five: list[NexmoAccount]) -> None:
    page = login("admin").get("/accounts/?q=demo&sort=-events&page=1").content.decode()

    assert re.findall(r'<th[^>]*aria-sort="(\w+)">\s*<a id="sort-(\w+)"', page) == [("descending", "events")]
    heads = {name: html.unescape(address) for name, address in re.findall(r'<a id="sort-(\w+)" href="([^"]*)"', page)}
    assert heads["events"] == "?q=demo&sort=events"
    assert heads["health"] == "?q=demo&sort=-health"
    assert heads["freshness"] == "?q=demo&sort=freshness"
    assert '<input type="hidden" name="sort" value="-events">' in page  # the filter's form keeps it


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=QUILL", {"demo0001"}),
        ("q=%20demo0002%20", {"demo0002"}),
        ("q=nothing+like+it", set()),
        ("health=problem", {"demo0003"}),
        ("health=late", {"demo0004"}),
        ("health=off", {"demo0005"}),
        ("health=attention", {"demo0003", "demo0004"}),
        ("health=attention&q=demo0004", {"demo0004"}),
    ],
)
def test_accounts_are_narrowed(login: Login, five: list[NexmoAccount], query: str, expected: set[str]) -> None:
    page = login("admin").get(f"/accounts/?{query}")

    assert set(keys(page)) == expected
    assert f"{len(expected)} of 5 accounts shown" in text_of(page)
    assert ("No account matches" in text_of(page)) == (not expected)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("health=splendid", "id_health", "There is no state splendid."),
        ("sort=colour", "id_sort", "The list cannot be sorted by colour."),
        ("sort=--name", "id_sort", "The list cannot be sorted by --name."),
        ("q=" + "x" * 101, "id_q", "Ensure this value has at most 100 characters (it has 101)."),
        ("q=a%00b", "id_q", "Null characters are not allowed."),
        ("health=<b>", "id_health", "There is no state <b>."),
    ],
)
def test_wrong_value_shows_its_error_beside_the_field_and_no_rows(
    login: Login, five: list[NexmoAccount], query: str, field: str, words: str
) -> None:
    page = login("admin").get(f"/accounts/?{query}")

    assert keys(page) == []
    assert 'data-state="invalid"' in page.content.decode()
    assert "No account matches" not in text_of(page)
    assert "0 of 5 accounts shown" in text_of(page)
    error = page.content.decode().split(f'id="{field}_error" role="alert">')[1].split("</p>")[0]
    assert html.unescape(error).strip() == words
    assert "<b>." not in page.content.decode()


def test_every_level_can_be_asked_for() -> None:
    assert set(WORST_FIRST) == set(LEVELS) == set(TITLES)
    assert set(NEEDS_ATTENTION) < set(LEVELS)
    assert all(AccountFilter({"health": level}).is_valid() for level in (*LEVELS, "attention", ""))


# --- pictures --------------------------------------------------------------------------------------------------


def test_last_days_are_drawn_and_told_and_lead_to_their_events(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    now = timezone.now()
    today = now.astimezone(UTC).date()
    coverage.add(SyncState.objects.create(account=account).account, None, now)
    for number, days in enumerate((0, 2, 2, 29, 30)):
        add_event(account, number, created_at=f"{today - DAY * days}T00:00:00")

    found = row(client.get("/accounts/"), "demo0001")

    assert f'aria-label="4 events in 30 days, most on {today - DAY * 2} (2)."' in found
    assert len(re.findall(r"M\d+ 24v", found)) == 3  # a bar for each day with events
    (address,) = re.findall(r'<a id="recent-demo0001" class="recent" href="([^"]*)"', found)
    listed = client.get(html.unescape(address))
    assert listed.content.decode().count("<tr data-event-id=") == 4


def test_days_of_an_accounts_page_lead_to_the_events_of_each(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    today = timezone.now().astimezone(UTC).date()
    for number, time in enumerate(("00:00:00", "23:59:59")):
        add_event(account, number, created_at=f"{today - DAY * 3}T{time}")
    add_event(account, 5, created_at=f"{today - DAY * 2}T00:00:00")

    page = client.get("/accounts/demo0001/").content.decode()

    drawing = page.split('<svg class="bars days"')[1].split("</svg>")[0]
    bars = re.findall(r'<a href="([^"]*)" tabindex="-1"><title>([^<]*)</title>', drawing)
    assert len(bars) == recent.DAYS
    address, words = bars[-4]
    assert words == f"{today - DAY * 3}: 2 events, not known to be complete"
    assert client.get(html.unescape(address)).content.decode().count("<tr data-event-id=") == 2
    assert f"3 events in 30 days, most on {today - DAY * 3} (2); 30 days are not known to be complete." in page


def test_coverage_is_told_as_it_is_drawn(client: Client, account: NexmoAccount) -> None:
    now = timezone.now()
    finished(account)
    coverage.add(account, None, now)

    found = row(client.get("/accounts/"), "demo0001")

    assert 'aria-label="Verified from the beginning until now."' in found
    assert 'class="unknown"' not in found


def test_gaps_of_the_coverage_are_hatched_by_what_is_known_of_them(account: NexmoAccount) -> None:
    state.ensure([account])
    coverage.add(account, NOW - DAY * 50, NOW - DAY * 20)
    coverage.add(account, NOW - DAY * 10, NOW)
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    for _ in range(2):  # tried twice, drawn once
        SyncWindow.objects.create(
            account=account,
            run=run,
            first_day=(NOW - DAY * 100).date(),
            last_day=(NOW - DAY * 51).date(),
            asked_at=NOW,
            verified=False,
        )

    found = timelines(statuses([account], worker_alive=True), NOW)[account.pk]

    assert found.start == datetime(2025, 12, 21, tzinfo=UTC)
    assert [(each.state, each.start) for each in found.missing] == [
        ("unverified", found.start),
        ("unknown", datetime(2026, 2, 9, tzinfo=UTC)),
        ("unknown", NOW - DAY * 20),
    ]
    assert found.in_words() == (
        "Since 2025-12-21: 40 days verified; 50 days read, but not verified; 10 days never fetched."
    )
    drawing = sparklines.strip(found)
    assert (drawing.count('class="unverified"'), drawing.count('class="unknown"')) == (1, 2)


def test_account_that_nobody_looked_at_is_hatched_whole(account: NexmoAccount) -> None:
    found = timelines(statuses([account], worker_alive=True), NOW)[account.pk]

    assert found.missing == [Stretch(NOW - DAY * 30, NOW, "unknown")]
    assert found.in_words() == "Since 2026-03-01: 30 days never fetched."


def test_all_accounts_of_a_page_share_one_beginning(cast: dict[str, Any]) -> None:
    first, second = NexmoAccount.objects.order_by("api_key")[:2]
    add_many(first, range(1))

    found = timelines(statuses([first, second], worker_alive=True), NOW + DAY * 300)

    assert {each.start for each in found.values()} == {datetime(2026, 3, 1, tzinfo=UTC)}


def test_smallest_gap_is_still_to_be_seen() -> None:
    timeline = Timeline(NOW - DAY * 4000, NOW, [Stretch(NOW - DAY, NOW, "unknown")])

    (left, width) = re.findall(r'class="unknown" x="([\d.]+)" y="0" width="([\d.]+)"', sparklines.strip(timeline))[0]

    assert float(width) >= 2
    assert float(left) + float(width) <= sparklines.STRIP_WIDTH


def test_days_that_may_lack_events_are_named() -> None:
    timeline = Timeline(NOW - DAY * 60, NOW, [Stretch(NOW - DAY * 1.4, NOW, "unknown")])
    counts = [0] * 29 + [1]

    assert sparklines.doubtful(30, TODAY, timeline) == {28, 29}
    assert sparklines.in_words(counts, TODAY, timeline) == (
        "1 event in 30 days, most on 2026-03-31 (1); 2 days are not known to be complete."
    )
    assert sparklines.spark([0] * 30, TODAY, timeline).count("<path") == 0


def test_counts_are_of_utc_days_and_each_accounts_own(cast: dict[str, Any]) -> None:
    first, second = NexmoAccount.objects.order_by("api_key")[:2]
    for account, day, kind, count in (
        (first, date(2026, 3, 31), "A", 2),
        (first, date(2026, 3, 31), "B", 3),
        (first, date(2026, 3, 2), "A", 1),
        (first, date(2026, 3, 1), "A", 100),
        (second, date(2026, 3, 30), "A", 7),
    ):
        DayCount.objects.create(account=account, day=day, event_type=kind, count=count)

    found = recent.by_day([first.pk, second.pk], TODAY)

    assert found == {first.pk: [1, *[0] * 28, 5], second.pk: [*[0] * 28, 7, 0]}
    assert recent.totals([first.pk, second.pk], TODAY) == {first.pk: 6, second.pk: 7}


# --- freshness, progress, polling ------------------------------------------------------------------------------


def test_freshness_warns_of_what_is_late_only(login: Login, five: list[NexmoAccount]) -> None:
    page = login("admin").get("/accounts/")

    assert 'class="stale"' in row(page, "demo0004")
    assert "7 hours ago" in html.unescape(row(page, "demo0004"))
    assert 'class="stale"' not in row(page, "demo0001")
    assert "not yet known" in row(page, "demo0002")


def run_for(account: NexmoAccount, seconds: float, **figures: Any) -> None:
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    state.renew(run, doing="Reading all time", **figures)
    SyncRun.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "figures", "words"),
    [
        (100, {"seen": 3000, "expected": 12000}, "3,000 of 12,000 events read, 30 a second. About 5 minutes to go."),
        (100, {"seen": 3000, "expected": 3500}, "3,000 of 3,500 events read, 30 a second. Less than a minute to go."),
        (100, {"seen": 250}, "250 events read, 2.5 a second."),
        (100, {"seen": 1500, "expected": 1000}, "1,500 events read, 15 a second."),
    ],
)
def test_running_sync_tells_its_pace_and_what_remains(
    client: Client, account: NexmoAccount, seconds: float, figures: dict[str, int], words: str
) -> None:
    run_for(account, seconds, **figures)

    for path in ("/accounts/", "/accounts/demo0001/"):
        text = text_of(client.get(path)).replace("\xa0", " ")
        assert words in text
        assert ("to go" in text) == ("expected" in figures and figures["expected"] > figures["seen"])


@pytest.mark.parametrize(("seconds", "seen"), [(2, 100), (100, 0)])
def test_pace_is_not_guessed(client: Client, account: NexmoAccount, seconds: float, seen: int) -> None:
    run_for(account, seconds, seen=seen, expected=1000)

    assert "events read" not in text_of(client.get("/accounts/demo0001/"))


def test_polling_keeps_sort_and_filter_and_replaces_rows_and_summary_only(
    client: Client, account: NexmoAccount
) -> None:
    path = "/accounts/?q=demo&sort=-events"
    state.claim(account, SyncRun.Trigger.SCHEDULE)
    whole = client.get(path).content.decode()
    part = client.get(path, headers={"HX-Request": "true"}).content.decode()

    body = re.findall(r"<tbody[^>]*>", whole)
    assert body == [
        '<tbody id="accounts-rows" hx-get="/accounts/?q=demo&amp;sort=-events" hx-trigger="every 1s" '
        'hx-swap="outerHTML" hx-select="#accounts-rows" hx-select-oob="#accounts-summary">'
    ]
    assert part.strip() in whole
    assert body[0] in part
    assert '<p id="accounts-summary"' in part
    # htmx gives the focus back to what has an id.
    rows = part.split("<tbody")[1]
    assert len(re.findall(r"<a ", rows)) == len(re.findall(r'<a id="', rows)) == 6


def test_page_is_drawn_without_script_or_style(login: Login, five: list[NexmoAccount]) -> None:
    admin = login("admin")
    for path in ("/accounts/?health=attention", "/accounts/", "/accounts/demo0004/"):
        page = admin.get(path)
        assert violations(page) == []
        ids = re.findall(r'\sid="([^"]*)"', page.content.decode())
        assert sorted(ids) == sorted(set(ids))


def test_name_of_an_account_is_only_text(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(name="<script>x</script>\"'")

    for path in ("/accounts/", "/accounts/demo0001/"):
        assert "<script>x" not in client.get(path).content.decode()


def test_health_speaks_the_readers_language_and_keeps_its_levels(account: NexmoAccount) -> None:
    finished(account, CredentialsRefused("Invalid credentials", status=401), fingerprint="f")

    with translation.override("es"):
        (status,) = statuses([account], worker_alive=True)

    assert status.health.level == "problem"
    assert type(status.health.label) is str  # metrics and commands write it out later, in no language at all


# --- cost ------------------------------------------------------------------------------------------------------


def more(owner: Any, count: int) -> None:
    for number in range(count):
        account = NexmoAccount.objects.create(
            owner=owner, name=f"More {number:03d}", api_key=f"more{number:04d}", api_secret="x"
        )
        finished(account)
        coverage.add(account, NOW, timezone.now())  # with a gap, so that unverified days are asked for


@pytest.mark.parametrize("query", ["", "?sort=-recent", "?health=late", "?q=more&sort=freshness"])
def test_overview_takes_the_same_queries_for_two_accounts_and_for_thirty(
    login: Login, cast: dict[str, Any], query: str
) -> None:
    def taken() -> int:
        caches["local"].clear()
        with CaptureQueriesContext(connection) as queries:
            assert alice.get(f"/accounts/{query}").status_code == 200
        return len(queries)

    alice = login("alice")
    more(cast["alice"], 2)
    few = taken()
    NexmoAccount.objects.filter(api_key__startswith="more").delete()
    more(cast["alice"], 30)

    # Four are for what is worth a look, once a minute; three for open findings, every ten seconds; one for the table,
    # and one for the access log.
    assert taken() == few == 13 + 4 + 3 + 1 + 1 + ("recent" in query)


def test_list_of_many_accounts_has_pages(login: Login, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.views.account_list.ON_A_PAGE", 2)
    admin = login("admin")

    pages = [admin.get(f"/accounts/?sort=-name&page={number}") for number in (1, 2, 3)]

    assert [keys(page) for page in pages] == [["demo0003", "demo0001"], ["demo0005", "demo0002"], ["demo0004"]]
    assert "5 accounts" in text_of(pages[1])
    assert "Page 2 of 3" in text_of(pages[1])
    assert '<a rel="next" href="?sort=-name&amp;page=3">' in pages[1].content.decode()
    assert keys(admin.get("/accounts/?page=nonsense")) == ["demo0004", "demo0002"]
