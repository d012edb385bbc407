"""Why tests are skipped, and what the suite says of it at its end: a line for all missing packages, one a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

NO_CHROMIUM = "no chromium on this machine"
NO_GETTEXT = "no gettext on this machine"
NO_SYSTEMD = "no systemd-analyze on this machine"
NO_POSTGRES_CLIENT = "no pg_dump on this machine"
NO_REDIS = "no Redis listens on 127.0.0.1:6379"
NO_POSTGRES = "no PostgreSQL listens on 127.0.0.1:5432"
ON_SQLITE = "this run is on SQLite"
ON_POSTGRES = "this run is on PostgreSQL"

# What the tests with that reason are, and Debian's package that they need.
PACKAGES = {
    NO_CHROMIUM: ("in the browser", "chromium"),
    NO_GETTEXT: ("of the translations", "gettext"),
    NO_SYSTEMD: ("of the units", "systemd"),
    NO_POSTGRES_CLIENT: ("of backups from PostgreSQL", "postgresql-client"),
}
# What the tests with that reason are, and what to do to run them.
REMEDIES = {
    NO_REDIS: ("with Redis", "start it on 127.0.0.1:6379"),
    NO_POSTGRES: ("with databases of their own", "start PostgreSQL on 127.0.0.1:5432"),
    ON_SQLITE: ("of PostgreSQL alone", "DATABASE_URL=postgres://... make test"),
    ON_POSTGRES: ("of SQLite alone, or the same on both", "make test without DATABASE_URL"),
}


def lines(reasons: Iterable[str]) -> list[str]:
    """What was not run and how to have it; `reasons` has one for every skipped test."""
    counts = Counter(reasons)
    said = []
    missing = {reason: text for reason, text in PACKAGES.items() if counts[reason]}
    if missing:
        tests = ", ".join(f"{_tests(counts[reason])} {what}" for reason, (what, _) in missing.items())
        packages = " ".join(package for _, package in missing.values())
        said.append(f"Not run: {tests}. To run them too: apt-get install {packages}")
    for reason, (what, remedy) in REMEDIES.items():
        if counts[reason]:
            said.append(f"Not run: {_tests(counts[reason])} {what}. To run them too: {remedy}")
    for reason in sorted(counts.keys() - PACKAGES.keys() - REMEDIES.keys()):
        said.append(f"Not run: {_tests(counts[reason])}: {reason}")
    return said


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"
