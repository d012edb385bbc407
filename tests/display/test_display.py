"""How each reader sees things: zone, times, columns, density, theme, language."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone, translation

from accounts.models import NexmoAccount, Profile
from events.display.event_table import USUAL, page_columns
from events.display.forms import shown_columns
from events.models import SavedView
from events.reading import pages
from events.wording.times import ago
from tests.tools.export import body
from tests.tools.pages import Add, Login, text_of

DISPLAY = "/profile/display"


def heads(client: Client, path: str = "/events/") -> list[str]:
    return re.findall(r'<th scope="col" class="(\w+)"', client.get(path).content.decode())


def profile(cast: dict[str, Any], name: str = "alice") -> Profile:
    return Profile.objects.get(user=cast[name])


def test_whoever_chose_nothing_sees_the_usual_and_has_no_profile(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)

    assert heads(client) == list(USUAL)
    assert 'class="events comfortable"' in client.get("/events/").content.decode()
    assert not Profile.objects.exists()


def test_columns_are_remembered_in_the_tables_own_order(
    client: Client, cast: dict[str, Any], account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)

    client.post(DISPLAY, {"with_columns": "1", "columns": ["event_id", "type", "who"]})

    assert heads(client) == ["when", "what", "type", "who", "event_id"]
    assert profile(cast).columns == "when,what,type,who,event_id"
    assert heads(client, "/accounts/demo0001/events/") == ["when", "what", "type", "who", "event_id"]


def test_every_column_shows_its_value(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)
    client.post(DISPLAY, {"with_columns": "1", "columns": list(page_columns())})

    page = text_of(client.get("/events/"))

    for value in (event.event_id, "NUMBER_UPDATED", "1234567", "United Kingdom", "192.0.2.1", "Dashboard"):
        assert value in page


def test_what_leads_to_the_event_cannot_be_taken_away(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    client.post(DISPLAY, {"with_columns": "1"})

    assert heads(client) == ["when", "what"]


def test_usual_columns_follow_later_releases(client: Client, cast: dict[str, Any]) -> None:
    client.post(DISPLAY, {"with_columns": "1", "columns": list(USUAL)})

    assert profile(cast).columns == ""


def test_columns_of_another_release_are_left_out(cast: dict[str, Any]) -> None:
    assert shown_columns(Profile(columns="when,gone,who")) == ["when", "what", "who"]


def test_a_part_leaves_the_rest_as_it_was(client: Client, cast: dict[str, Any]) -> None:
    client.post(DISPLAY, {"time_zone": "Europe/Madrid", "density": "compact"})
    client.post(DISPLAY, {"with_columns": "1", "columns": ["who"], "times": "relative"})
    client.post(DISPLAY, {"utc": "True"})

    kept = profile(cast)
    assert (kept.time_zone, kept.density, kept.columns, kept.times, kept.utc) == (
        "Europe/Madrid",
        "compact",
        "when,what,who",
        "relative",
        True,
    )


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Madrid", "2026-03-15 13:01:00 +01:00"),
        ("Asia/Kolkata", "2026-03-15 17:31:00 +05:30"),
        ("America/St_Johns", "2026-03-15 09:31:00 -02:30"),
        ("", "2026-03-15 12:01:00 UTC"),
    ],
)
def test_times_are_in_the_readers_zone_with_their_offset(
    client: Client, account: NexmoAccount, add_event: Add, zone: str, shown: str
) -> None:
    event = add_event(account, 1)
    client.post(DISPLAY, {"time_zone": zone})

    listed = text_of(client.get("/events/"))
    assert shown.rpartition(" ")[0] in listed
    assert f"When ↓ {shown.rpartition(' ')[2]}" in listed
    assert shown in text_of(client.get(event.get_absolute_url()))


def test_utc_is_one_switch_away(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    client.post(DISPLAY, {"time_zone": "Europe/Madrid"})
    client.post(DISPLAY, {"utc": "True"})

    page = client.get("/events/")

    assert "2026-03-15 12:01:00" in text_of(page)
    assert "When ↓ UTC" in text_of(page)
    assert re.search(r'value="True" aria-pressed="true">UTC', page.content.decode())


def test_exports_and_dates_of_the_filter_are_the_readers_too(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, created_at="2026-03-15T23:30:00Z")
    client.post(DISPLAY, {"time_zone": "Europe/Madrid"})

    csv = b"".join(client.get("/events/export.csv?date_from=2026-03-16").streaming_content).decode()  # type: ignore[attr-defined]

    assert "2026-03-16T00:30:00+01:00" in csv


def test_one_readers_zone_is_not_the_nexts(client: Client, login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    client.post(DISPLAY, {"time_zone": "Europe/Madrid", "language": "es"})
    client.get("/events/")

    assert timezone.get_current_timezone_name() == "UTC"
    assert translation.get_language() == "en"
    assert "12:01:00" in text_of(login("bob").get("/events/"))


def test_zone_that_is_none_is_refused_and_nothing_is_lost(client: Client) -> None:
    page = client.post(DISPLAY, {"time_zone": "Mars/Olympus", "density": "compact"})

    assert page.status_code == 200
    assert "Mars/Olympus" in text_of(page)
    assert not Profile.objects.exists()


def test_zone_that_was_renamed_falls_back_to_the_sites(client: Client, cast: dict[str, Any]) -> None:
    Profile.objects.create(user=cast["alice"], time_zone="Europe/Atlantis")

    assert client.get("/events/").status_code == 200
    assert client.post(DISPLAY, {"density": "compact"}).status_code == 302
    assert (profile(cast).density, profile(cast).time_zone) == ("compact", "")
    assert client.post(DISPLAY, {"time_zone": "Europe/Atlantis"}).status_code == 200  # asked for, it is refused


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/events/?source=CD", "/events/?source=CD"),
        ("https://elsewhere.example/", DISPLAY),
        ("//elsewhere.example/", DISPLAY),
        ("", DISPLAY),
    ],
)
def test_way_back_stays_on_this_site(client: Client, asked: str, leads: str) -> None:
    assert client.post(DISPLAY, {"density": "compact", "next": asked})["Location"] == leads


def test_density_and_theme_are_on_the_page_without_a_script(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)
    client.post(DISPLAY, {"density": "compact", "theme": "dark"})

    page = client.get("/events/").content.decode()

    assert 'class="events compact"' in page
    assert 'data-theme="dark"' in page


def test_everyone_has_a_profile_of_their_own(client: Client, login: Login) -> None:
    client.post(DISPLAY, {"theme": "dark"})

    assert "data-theme" not in login("bob").get("/events/").content.decode()


def test_profile_costs_no_query(client: Client, cast: dict[str, Any], django_assert_num_queries: Any) -> None:
    client.post(DISPLAY, {"theme": "dark"})
    # The session, the person, and what she may do and how many findings are open, for the menu.
    with django_assert_num_queries(4):
        client.get("/profile/display")


def test_relative_times_keep_the_exact_one_beside_them(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    client.post(DISPLAY, {"times": "relative"})

    with time_machine.travel(datetime(2026, 3, 15, 15, 2, tzinfo=UTC)):
        page = client.get("/events/").content.decode()

    assert 'title="2026-03-15 12:01:00 UTC">3 hours ago</time>' in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (44, "just now"),
        (45, "less than a minute ago"),
        (60, "1 minute ago"),
        (7_199, "1 hour ago"),
        (7_200, "2 hours ago"),
        (86_400 * 400, "400 days ago"),
        (-3_600, "2026-03-15 13:00:00 UTC"),
    ],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    now = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)

    assert ago(now - timedelta(seconds=seconds), now) == words


def test_country_has_its_flag_and_name_and_odd_ones_stay_as_they_are(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, source_country="FR")
    add_event(account, 2, source_country="<b>")

    page = client.get("/events/").content.decode()

    assert '<img src="/static/flags/fr.gif" alt="" width="16" height="11"> France' in page
    assert '<span class="country">&lt;B&gt;</span>' in page
    assert body(client.get("/static/flags/fr.gif"))


def test_event_for_htmx_is_what_stands_beside_the_table(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)

    page = client.get(event.get_absolute_url(), headers={"HX-Request": "true"})

    assert "<html" not in page.content.decode()
    assert "HX-Request" in page["Vary"]
    assert "447700900000" in text_of(page)


def test_news_counts_what_is_newer_and_matches(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    news = re.findall(r'hx-get="(/events/news[^"]*)"', client.get("/events/?source=CD").content.decode())[0]
    news = news.replace("&amp;", "&")

    assert client.get(news).status_code == 204
    add_event(account, 2)
    add_event(account, 3, source="API")
    found = client.get(news)

    assert text_of(found) == "1 new event ↑"
    assert 'href="?source=CD"' in found.content.decode()


def test_news_are_asked_for_from_the_newest_page_only(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number in range(3):
        add_event(account, number)
    page = client.get("/events/?size=1").content.decode()
    older = re.findall(r'rel="next" href="([^"]*)"', page)[0].replace("&amp;", "&")

    assert "/events/news" in page
    assert "/events/news" not in client.get(f"/events/{older}").content.decode()


def test_news_are_not_asked_for_where_the_newest_page_ends_early(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        add_event(account, number, source="CD" if number == 0 else "API", user_email=f"{number % 2}@example.com")
    path = "/events/?user_email=0@example.com&source=CD"
    assert "/events/news" in client.get(path).content.decode()

    for name in ("MOST_WALKED", "LEAST_WALKED"):
        monkeypatch.setattr(pages, name, 4)
    response = client.get(path)

    assert response.context["page"].searched_back_to
    assert "/events/news" not in response.content.decode()


def test_news_of_a_stranger_are_none(client: Client, login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert login("charlie").get("/events/news").status_code == 204
    assert login("charlie").get("/accounts/demo0001/events/news").status_code == 404


def test_news_with_a_cursor_that_is_none_are_none(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert client.get("/events/news?since=nonsense").status_code == 204


def test_saving_says_so_in_the_language_that_was_chosen(client: Client) -> None:
    assert "Saved." in text_of(client.post(DISPLAY, {"density": "compact"}, follow=True))
    with translation.override("es"):
        told = translation.gettext("Saved.")
    assert told in text_of(client.post(DISPLAY, {"language": "es"}, follow=True))


def test_menu_of_the_table_shows_its_change_without_words(client: Client, account: NexmoAccount) -> None:
    page = client.post(DISPLAY, {"utc": "True", "next": "/events/"}, follow=True)

    assert page.redirect_chain == [("/events/", 302)]
    assert "Saved." not in text_of(page)


def test_times_that_were_typed_mean_the_same_in_another_zone(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)
    client.post(DISPLAY, {"time_zone": "America/New_York"})
    typed = "/events/?date_from=2026-03-15T08:00:00&date_to=2026-03-15T09:00&source=CD"
    assert b"data-event-id" in client.get(typed).content

    back = client.post(DISPLAY, {"utc": "True", "next": typed})["Location"]

    assert "date_from=2026-03-15T08%3A00%3A00-04%3A00" in back
    assert "source=CD" in back
    assert b"data-event-id" in client.get(back).content


def test_days_stay_each_readers_own(client: Client) -> None:
    path = "/events/?date_from=2026-03-15"

    assert client.post(DISPLAY, {"utc": "True", "next": path})["Location"] == path


def test_saved_times_carry_their_offset(client: Client) -> None:
    client.post(DISPLAY, {"time_zone": "Europe/Madrid"})
    client.post("/views/new", {"name": "That night", "query": "date_from=2026-03-15T23:00"})

    assert SavedView.objects.get(name="That night").query == "date_from=2026-03-15T23:00%2B01:00"
