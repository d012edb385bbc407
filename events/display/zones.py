"""The time zones that a person can choose from: a place of each, by continent, as the tz database lists them.

Browsers, and profiles of long ago, know some of them by other names (Asia/Calcutta): those are taken too, and not
offered.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.wording.times import offset

if TYPE_CHECKING:
    from datetime import datetime

CONTINENTS = {
    "Africa": _("Africa"),
    "America": _("America"),
    "Antarctica": _("Antarctica"),
    "Arctic": _("Arctic"),
    "Asia": _("Asia"),
    "Atlantic": _("Atlantic"),
    "Australia": _("Australia"),
    "Europe": _("Europe"),
    "Indian": _("Indian Ocean"),
    "Pacific": _("Pacific"),
}
TABLE = "zone.tab"
OTHER = ""  # the group of names without a continent
NO_PLACES = ("Etc", "SystemV")


@lru_cache
def known() -> frozenset[str]:
    """Every name of a place's zone: US/Eastern too, which a profile may have had for long."""
    names = (name for name in zoneinfo.available_timezones() if "/" in name)
    return frozenset(name for name in names if name.split("/")[0] not in NO_PLACES)


@lru_cache
def places() -> tuple[str, ...]:
    """The names that are offered; all of them on a machine whose tz database came without its table of places."""
    lines = (line.split("\t") for line in _table().splitlines() if not line.startswith("#"))
    listed = {columns[2] for columns in lines if len(columns) > 2}
    of_continents = {name for name in known() if name.split("/")[0] in CONTINENTS}
    return tuple(sorted(listed & of_continents or of_continents, key=_place))


def _table() -> str:
    """The table that comes with the database in use: the system's, or the one of the package."""
    for directory in zoneinfo.TZPATH:
        path = Path(directory) / TABLE
        if path.is_file():
            return path.read_text(encoding="utf-8")
    try:
        return resources.files("tzdata.zoneinfo").joinpath(TABLE).read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        return ""


def choices(chosen: str, now: datetime) -> list[tuple[str, list[tuple[str, str]]]]:
    """The zones by continent, each with its offset as of now.

    Args:
        chosen: one that is among them by whatever name; one that names no continent comes last.
    """
    offered = places() if chosen not in known() else sorted({*places(), chosen}, key=_place)
    titles = {**CONTINENTS, OTHER: _("Other")}
    groups: dict[str, list[tuple[str, str]]] = {group: [] for group in titles}
    moment = now.astimezone(UTC)
    offsets = _offsets(moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0))
    for name in offered:
        words = {"place": _place(name), "offset": offsets.get(name) or _offset(name, now)}
        group = name.split("/")[0]
        groups[group if group in CONTINENTS else OTHER].append((name, gettext("%(place)s (%(offset)s)") % words))
    return [(str(titles[group]), zones) for group, zones in groups.items() if zones]


@lru_cache(maxsize=2)
def _offsets(quarter: datetime) -> dict[str, str]:
    """Of all places, kept for the quarter of an hour that it begins with: clocks change at none of the minutes between,
    and a form is shown and sent several times. Four hundred zones are as many files to read."""
    return {name: _offset(name, quarter) for name in places()}


def _offset(name: str, now: datetime) -> str:
    return offset(now.astimezone(zoneinfo.ZoneInfo(name)))


def _place(name: str) -> str:
    """Europe/Madrid is Madrid, America/Argentina/Buenos_Aires is Buenos Aires, Argentina; US/Eastern is Eastern, US."""
    first, *rest = name.replace("_", " ").split("/")
    return ", ".join(reversed(rest if first in CONTINENTS else (first, *rest)))
