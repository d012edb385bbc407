"""The overview: bars over time that add up, facets that say what they count, both within the reader's scope."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.filters import summary as summary_module
from events.models import AuditEvent
from events.reading import facets as facets_module
from events.reading import histogram as histogram_module
from events.reading import pages, rollups
from events.reading.conditions import Conditions
from events.reading.facets import facets, sample
from events.reading.histogram import histogram
from events.sync import coverage
from tests.conftest import NOON
from tests.reading.oracle import matching
from tests.storage.test_rollup import add_on
from tests.tools.filters import Add
from tests.tools.pages import Login, text_of
from tests.tools.scope import shown_ids

NOW = NOON + timedelta(days=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def accounts(cast: dict[str, Any]) -> list[NexmoAccount]:
    """Alice's two accounts with events of a year and a half, more of them lately."""
    found = list(NexmoAccount.objects.filter(owner=cast["alice"]).order_by("api_key"))
    for number, account in enumerate(found):
        moments = [NOON - timedelta(hours=each * each / 8 + number) for each in range(300)]
        add_on(account, moments, ("APP_CREATE", "USER_LOGIN", "NUMBER_ASSIGN"))
    return found


SPANS = [None, *(timedelta(**span) for span in ({"hours": 2}, {"days": 2}, {"days": 9}, {"days": 100}, {"days": 800}))]


NARROWED: list[dict[str, Any]] = [
    {},
    {"wanted": {"event_type": ("USER_LOGIN",)}},
    {"wanted": {"source": ("CD",)}},
    {"text": "example.com"},
]


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_bars_add_up_to_the_events(accounts: list[NexmoAccount], settings: Any, span: timedelta | None) -> None:
    start = NOW - span if span else None
    for zone, more in product(("UTC", "America/New_York", "Asia/Kathmandu"), NARROWED):
        settings.TIME_ZONE = zone
        assert_bars_add_up(
            Conditions(accounts=tuple(account.pk for account in accounts), start=start, end=None, **more)
        )


def assert_bars_add_up(asked: Conditions) -> None:
    found = histogram(asked, sample(asked), accounts=list(asked.accounts))

    assert found and found.exact
    assert found.total == matching(AuditEvent.objects.all(), asked).count()
    assert 1 < len(found.bars) <= histogram_module.MOST_BARS + 1
    for bar, following in zip(found.bars, found.bars[1:], strict=False):
        assert bar.start < bar.end == following.start
        if found.unit in ("minute", "hour", "3 hours"):
            inside = matching(AuditEvent.objects.all(), asked).filter(created_at__gte=bar.start, created_at__lt=bar.end)
            assert bar.total == inside.count()


def test_days_are_the_readers(accounts: list[NexmoAccount], settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    asked = Conditions(accounts=(accounts[0].pk,), wanted={"source": ("CD",)}, start=NOW - timedelta(days=20))

    found = histogram(asked, sample(asked), accounts=[])

    assert found and found.unit == "day"
    assert {timezone.localtime(bar.start).hour for bar in found.bars} == {0}


@pytest.mark.parametrize("most", [20_000, 10])
def test_days_are_the_readers_as_long_as_events_can_be_counted_by_them(
    client: Client, accounts: list[NexmoAccount], settings: Any, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    monkeypatch.setattr(histogram_module, "MOST_COUNTED", most)

    page = client.get("/events/summary?period=30d")

    chart = page.context["chart"]
    assert chart.unit == "day"
    assert chart.total == client.get("/events/?period=30d").context["count"].number
    assert {bar.start.astimezone(UTC).hour for bar in chart.bars} == ({15} if most > 10 else {0})
    assert ("Days are UTC." in text_of(page)) == (most == 10)


def test_sample_that_is_not_all_says_so(accounts: list[NexmoAccount], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facets_module, "SAMPLE", 20)
    asked = Conditions(accounts=(accounts[0].pk,), wanted={"source": ("CD",)}, start=NOW - timedelta(days=400))
    sampled = sample(asked)

    found = histogram(asked, sampled, accounts=[])

    assert found and not found.exact
    assert found.total == 20
    assert not found.bars[0].known
    assert found.bars[-1].known
    assert not any(bar.total for bar in found.bars if not bar.known)
    assert not any(facet.exact for facet in facets(asked, sampled))


def test_types_and_accounts_are_counted_exactly_beyond_the_sample(
    accounts: list[NexmoAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets_module, "SAMPLE", 20)
    asked = Conditions(accounts=tuple(account.pk for account in accounts), end=NOON - timedelta(days=3))
    by_name = {facet.name: facet for facet in facets(asked, sample(asked))}

    events = matching(AuditEvent.objects.all(), asked)
    assert dict(by_name["event_type"].values) == Counter(events.values_list("event_type", flat=True))
    assert dict(by_name["account"].values) == Counter(events.values_list("account_id", flat=True))
    assert [name for name, facet in by_name.items() if facet.exact] == ["event_type", "account"]
    assert sum(number for _, number in by_name["source"].values) == 20


def test_unlooked_at_time_differs_from_quiet_time(accounts: list[NexmoAccount]) -> None:
    coverage.midnight(NOON.date())
    from events.models import SyncState

    for account in accounts:
        SyncState.objects.get_or_create(account=account)
    coverage.add(accounts[0], None, NOW)
    coverage.add(accounts[1], NOW - timedelta(days=10), NOW)
    asked = Conditions(accounts=tuple(account.pk for account in accounts), start=NOW - timedelta(days=30))

    found = histogram(asked, sample(asked), accounts=[account.pk for account in accounts])

    assert found
    assert [bar.covered for bar in found.bars] == [bar.start >= NOW - timedelta(days=10) for bar in found.bars]


def test_account_that_was_never_read_hatches_nothing_and_is_said_once(
    client: Client, accounts: list[NexmoAccount]
) -> None:
    coverage.add(accounts[0], None, NOW)
    asked = Conditions(accounts=tuple(account.pk for account in accounts), start=NOW - timedelta(days=30))

    found = histogram(asked, sample(asked), accounts=[account.pk for account in accounts])

    assert found
    assert all(bar.covered for bar in found.bars)
    assert found.never_read == len(accounts) - 1
    page = text_of(client.get("/events/summary"))
    assert "not known to be complete" not in page


def test_nothing_read_at_all_is_hatched(accounts: list[NexmoAccount]) -> None:
    asked = Conditions(accounts=tuple(account.pk for account in accounts), start=NOW - timedelta(days=30))

    found = histogram(asked, sample(asked), accounts=[account.pk for account in accounts])

    assert found
    assert not any(bar.covered for bar in found.bars[:-1])
    assert found.never_read == 0


def test_time_not_looked_at_is_not_said_to_be_empty(
    client: Client, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_WALKED", "FIRST_WALKED"):
        monkeypatch.setattr(pages, name, 100)
    add_on(account, [NOON - timedelta(minutes=each) for each in range(300)])
    asked = Conditions(accounts=(account.pk,), start=NOW - timedelta(days=10), text="zq")
    sampled = sample(asked)

    found = histogram(asked, sampled, accounts=[])

    assert (sampled.rows, sampled.complete) == ([], False)
    assert found and not found.exact
    assert not found.bars[0].known
    assert "have not been fetched yet" in text_of(client.get("/events/summary?search_text=zq&date_from=2026-03-08"))


def test_more_events_in_a_piece_than_are_counted_are_told(
    accounts: list[NexmoAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "MOST_IN_A_PIECE", 1)
    keys = tuple(account.pk for account in accounts)
    cut_off = Conditions(accounts=keys, start=NOON - timedelta(days=20), end=NOON - timedelta(hours=1))
    open_end = Conditions(accounts=keys, start=datetime(2026, 2, 1, tzinfo=UTC))

    first = histogram(cut_off, sample(cut_off), accounts=[])
    second = histogram(open_end, sample(open_end), accounts=[])

    assert first and not first.exact
    assert second and second.exact
    assert second.total == matching(AuditEvent.objects.all(), open_end).count()


@pytest.mark.parametrize("start", ["1969-01-01", "1969-12-31"])
def test_bars_do_not_reach_back_before_the_oldest_event(client: Client, accounts: Any, start: str) -> None:
    page = client.get(f"/events/summary?date_from={start}")

    assert len(page.context["bars"]) < histogram_module.MOST_BARS
    assert page.context["chart"].total == AuditEvent.objects.filter(account__in=accounts).count()


def test_an_event_of_long_ago_makes_years(client: Client, account: NexmoAccount) -> None:
    add_on(account, [datetime(1971, 1, 1, tzinfo=UTC), NOON])

    chart = client.get("/events/summary").context["chart"]

    assert (chart.unit, chart.total) == ("year", 2)
    assert len(chart.bars) <= histogram_module.MOST_BARS + 1


@pytest.mark.parametrize("hours", [187, 190, 193])
def test_days_hold_what_lies_in_them(accounts: list[NexmoAccount], settings: Any, hours: int) -> None:
    settings.TIME_ZONE = "America/New_York"
    asked = Conditions(accounts=(accounts[0].pk,), start=NOW - timedelta(hours=hours))

    found = histogram(asked, sample(asked), accounts=[])

    assert found
    for bar in found.bars:
        inside = matching(AuditEvent.objects.all(), asked).filter(created_at__gte=bar.start, created_at__lt=bar.end)
        assert bar.total == inside.count()


def test_day_on_which_clocks_change_loses_nothing(
    account: NexmoAccount, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    now = datetime(2026, 10, 26, 4, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    add_on(account, [now - timedelta(minutes=10 * each + 1) for each in range(144)])
    asked = Conditions(accounts=(account.pk,), start=now - timedelta(hours=24))

    found = histogram(asked, sample(asked), accounts=[])

    assert found and found.total == 144


@pytest.mark.parametrize(
    "query", ["date_from=2026-03-10T10:07&date_to=2026-03-13T09:13", "period=24h", "date_from=2026-02-01T12:10", ""]
)
def test_each_bar_leads_to_what_it_counts(client: Client, accounts: list[NexmoAccount], query: str) -> None:
    bars = client.get(f"/events/summary?{query}").context["bars"]

    assert bars
    assert [client.get(href).context["count"].number for _, href, _ in bars] == [bar.total for _, _, bar in bars]


def test_an_event_on_the_edge_of_two_bars_is_behind_one_of_them(client: Client, account: NexmoAccount) -> None:
    moments = [NOON - timedelta(hours=hours) for hours in (0, 1, 2)]
    add_on(account, moments)
    path = f"/events/summary?date_from={NOON - timedelta(hours=12):%Y-%m-%dT%H:%M}&date_to={NOON:%Y-%m-%dT%H:%M}"

    bars = client.get(path).context["bars"]

    assert {bar.start for _, _, bar in bars} >= set(moments)
    assert [client.get(href).context["count"].number for _, href, _ in bars] == [bar.total for _, _, bar in bars]
    assert sum(bar.total for _, _, bar in bars) == 3


def test_facets_lead_only_to_what_the_form_takes(client: Client, account: NexmoAccount, add_event: Any) -> None:
    add_event(account, 1)
    odd = {"source_ip": "10.0.0.1:443", "source_country": "GBR", "user_email": "system", "source": "a,b"}
    add_event(account, 2, event_type="X,Y", **odd)

    for facet in client.get("/events/summary").context["facets"]:
        for line in facet["shown"]:
            if line["href"]:
                assert client.get(line["href"]).context["count"].number == line["count"]
            else:
                assert line["code"] in (*odd.values(), "X,Y")


def counted(client: Client, name: str) -> dict[str, str] | None:
    """What the overview gives to the boxes of a filter: counts by code; None where it gives none."""
    page = client.get("/events/summary").content.decode()
    section = re.search(rf'data-counts="{name}">(.*?)</section>', page, re.DOTALL)
    return dict(re.findall(r'<li data-code="([^"]*)">.*?<b>([\d,]+)</b>', section[1])) if section else None


def test_counts_for_boxes_have_every_value_whether_it_can_be_a_link(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    for number, code in enumerate(("APP_CREATE", "X,Y", "X,Y")):
        add_event(account, number, event_type=code)

    assert counted(client, "event_type") == {"X,Y": "2", "APP_CREATE": "1"}
    assert counted(client, "account") == {"demo0001": "3"}


def test_counts_for_boxes_are_all_or_none(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary_module, "SHOWN", 2)
    monkeypatch.setattr(summary_module, "MORE", 1)
    for number in range(3):
        add_event(account, number, event_type=f"APP_{number}")
    assert len(counted(client, "event_type") or ()) == 3

    add_event(account, 4, event_type="APP_4")  # beside its box a 0 would be wrong

    assert counted(client, "event_type") is None
    assert counted(client, "account") == {"demo0001": "4"}


def test_page_shows_bars_and_counts_and_narrows(client: Client, accounts: list[NexmoAccount]) -> None:
    page = client.get("/events/summary?date_from=2026-03-01&before=1.1&size=25")
    words = text_of(page)

    assert "Users" in words
    assert "events by day, 2026-03-01 to 2026-03-16" in words
    bars = re.findall(r'<a href="([^"]+)" tabindex="-1"><title>([^<]+)</title>', page.content.decode())
    assert len(bars) == 16
    href, title = bars[-2]
    assert title.startswith("2026-03-15: ")
    narrowed = client.get(href.replace("&amp;", "&"))
    assert f"{narrowed.context['count'].number}" == re.findall(r": (\d+)", title)[0]
    assert "before" not in href


def test_fragment_is_only_the_overview(client: Client, accounts: list[NexmoAccount]) -> None:
    fragment = client.get("/events/summary", headers={"HX-Request": "true"})

    assert fragment.content.decode().count("<html") == 0
    assert 'id="summary"' in fragment.content.decode()
    assert "HX-Request" in fragment["Vary"]


def test_list_fetches_the_overview_and_links_to_it(client: Client, accounts: list[NexmoAccount]) -> None:
    page = client.get("/events/?source=CD&size=25").content.decode()

    assert 'hx-get="/events/summary?source=CD"' in page
    assert '<a href="/events/summary?source=CD">' in page
    assert 'hx-get="/events/summary' not in client.get("/events/?source_ip=nonsense").content.decode()


def test_strangers_events_are_in_no_overview(login: Login, accounts: list[NexmoAccount]) -> None:
    page = login("charlie").get("/events/summary")

    assert "Nothing to show" in text_of(page)
    assert "APP_CREATE" not in page.content.decode()
    for facet in page.context["facets"]:
        assert facet["shown"] == []


def test_wrong_filter_draws_nothing(client: Client, accounts: list[NexmoAccount]) -> None:
    assert "Nothing to show" in text_of(client.get("/events/summary?source_ip=nonsense"))


def test_one_bar_far_back_is_drawn_by_month(client: Client, account: NexmoAccount) -> None:
    add_on(account, [datetime(2022, 5, 6, tzinfo=UTC)])

    assert "1 event by month, 2022-05 to 2026-03" in text_of(client.get("/accounts/demo0001/events/summary"))


def test_legend_and_noise_are_filters(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number, code in enumerate(
        ("USER_LOGIN", "NUMBER_ASSIGN", "ACCOUNT_SECRET_CREATE", "ACCOUNT_UPDATE_SETTINGS"), 1
    ):
        add_event(account, number, event_type=code)

    context = client.get("/events/summary?source=CD").context

    hrefs = {slug: href for slug, _, _, href in context["legend"]}
    assert hrefs["numbers"] == "/events/?source=CD&event_type=NUMBER_%2A"
    for slug, expected in (("users", 1), ("numbers", 1), ("secrets", 1), ("account", 1)):
        assert len(shown_ids(client.get(hrefs[slug]))) == expected
    quiet = client.get(context["without_noise"])
    assert len(shown_ids(quiet)) == 3
    assert [(pill.title, pill.negated) for pill in quiet.context["pills"]][:3] == [
        ("USER_LOGIN", True),
        ("USER_LOGOUT", True),
        ("USER_PRODUCT_SEARCH", True),
    ]


@pytest.mark.parametrize("query", ["event_type=NUMBER_*", "event_type=-USER_LOGIN,-USER_LOGOUT,-USER_PRODUCT_SEARCH"])
def test_noise_that_is_not_there_cannot_be_hidden(
    client: Client, account: NexmoAccount, add_event: Add, query: str
) -> None:
    add_event(account, 1, event_type="NUMBER_ASSIGN")

    assert client.get(f"/events/summary?{query}").context["without_noise"] == ""


@pytest.mark.parametrize(
    ("query", "span"),
    [
        ("date_from=2026-02-01&date_to=2026-03-10", ("2026-02-01", "2026-03-10")),
        ("date_from=2026-03-01&date_to=2026-03-12", ("2026-03-01", "2026-03-12")),
    ],
)
def test_chart_spans_the_chosen_period_and_not_only_its_events(
    client: Client, account: NexmoAccount, add_event: Add, query: str, span: tuple[str, str]
) -> None:
    add_event(account, 1, created_at="2026-03-05T10:00:00+00:00")

    axis = client.get(f"/events/summary?{query}").context

    assert (str(axis["first"])[:10], str(axis["last"])[:10]) == span
