"""The time zones to choose from: each once, by continent; and others by whatever name a browser gives them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Profile
from events.display import zones

DISPLAY = "/profile/display"


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    for kept in (zones.places, zones._offsets):
        kept.cache_clear()
    yield
    for kept in (zones.places, zones._offsets):
        kept.cache_clear()


def offered(client: Client) -> dict[str, dict[str, str]]:
    """What the form offers, by continent."""
    page = client.get(DISPLAY).content.decode()
    select = page[page.index('<select name="time_zone"') :].split("</select>")[0]
    groups = re.findall(r'<optgroup label="([^"]*)">(.*?)</optgroup>', select, re.DOTALL)
    return {
        title: dict(re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', options)) for title, options in groups
    }


def test_zones_are_grouped_and_have_one_name_each(client: Client, cast: dict[str, Any]) -> None:
    found = offered(client)

    assert list(found)[:2] == ["Africa", "America"] and "Indian Ocean" in found
    assert re.fullmatch(r"Madrid \(\+0[12]:00\)", found["Europe"]["Europe/Madrid"])
    assert found["America"]["America/Argentina/Buenos_Aires"] == "Buenos Aires, Argentina (-03:00)"
    assert found["Asia"]["Asia/Kolkata"] == "Kolkata (+05:30)"
    names = [name for options in found.values() for name in options]
    assert len(names) == len(set(names))
    assert 300 < len(names) < 460
    for old in ("Asia/Calcutta", "America/Buenos_Aires", "US/Eastern", "Europe/Kyiv/x", "Etc/GMT+1", "UTC"):
        assert old not in names
    assert list(found["Europe"].values()) == sorted(found["Europe"].values())


@pytest.mark.parametrize("name", ["Asia/Calcutta", "Europe/Madrid"])
def test_zone_by_any_of_its_names_is_taken_and_then_offered(client: Client, cast: dict[str, Any], name: str) -> None:
    assert client.post(DISPLAY, {"time_zone": name}).status_code == 302

    assert Profile.objects.get().time_zone == name
    assert f'<option value="{name}" selected>' in client.get(DISPLAY).content.decode()


def test_zone_that_names_no_continent_is_kept_and_offered_under_other(client: Client, cast: dict[str, Any]) -> None:
    Profile.objects.create(user=cast["alice"], time_zone="US/Eastern")

    assert client.post(DISPLAY, {"density": "compact"}).status_code == 302

    profile = Profile.objects.get()
    assert (profile.time_zone, profile.density) == ("US/Eastern", "compact")
    found = offered(client)
    assert list(found)[-1] == "Other"
    assert re.fullmatch(r"Eastern, US \(-0[45]:00\)", found["Other"].pop("US/Eastern"))
    assert not found["Other"]


@pytest.mark.parametrize("name", ["Canada/Pacific", "Brazil/East", "Chile/Continental", "Mexico/BajaNorte"])
def test_names_of_countries_zones_are_taken(client: Client, cast: dict[str, Any], name: str) -> None:
    assert client.post(DISPLAY, {"time_zone": name}).status_code == 302

    assert Profile.objects.get().time_zone == name


@pytest.mark.parametrize("name", ["Mars/Olympus", "Etc/GMT+1", "../etc/passwd", "Europe/", "Europe", "EST5EDT"])
def test_what_is_no_place_is_refused(client: Client, cast: dict[str, Any], name: str) -> None:
    page = client.post(DISPLAY, {"time_zone": name})

    assert page.status_code == 200
    assert "Select a valid choice." in page.content.decode()
    assert not Profile.objects.exists()


def test_without_a_table_of_places_all_names_are_offered(
    client: Client, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nowhere(package: str) -> Path:
        return tmp_path

    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path),))
    monkeypatch.setattr(zones.resources, "files", nowhere)
    found = offered(client)

    assert "Asia/Calcutta" in found["Asia"] and "Asia/Kolkata" in found["Asia"]
    assert "Other" not in found


def test_the_systems_table_is_read_before_the_packages(
    client: Client, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "zone.tab").write_text("# comment\nES\t+4024-00341\tEurope/Madrid\tmainland\nXX\t+1\tMars/Olympus\n")
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path),))

    assert list(offered(client)) == ["Europe"]
    assert list(offered(client)["Europe"]) == ["Europe/Madrid"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-10-03T15:29:59+00:00", "+10:30"),
        ("2026-10-03T15:30:00+00:00", "+11:00"),  # clocks go forward by half an hour
        ("2026-10-03T15:22:59-00:07", "+10:30"),  # the same two moments, by clocks whose quarters are others
        ("2026-10-03T15:23:00-00:07", "+11:00"),
    ],
)
def test_offsets_change_with_the_clocks(now: str, expected: str) -> None:
    groups = dict(zones.choices("", datetime.fromisoformat(now)))

    assert dict(groups["Australia"])["Australia/Lord_Howe"] == f"Lord Howe ({expected})"


def test_zones_are_read_once_for_several_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 27, 9, 16, tzinfo=UTC)
    first = zones.choices("US/Eastern", now)
    read: list[str] = []

    class Watched(zoneinfo.ZoneInfo):
        def __new__(cls, name: str) -> Watched:
            read.append(name)
            return super().__new__(cls, name)

    monkeypatch.setattr(zones.zoneinfo, "ZoneInfo", Watched)

    assert zones.choices("US/Eastern", now + timedelta(minutes=13)) == first
    assert read == ["US/Eastern"]  # which is no place
